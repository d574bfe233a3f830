// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.hpp"

#include <string>

#include <gio/gio.h>
#include <gtest/gtest.h>

#include "http_reply.hpp"

namespace live {
namespace {

using onair::GstPtr;

// Clients that are bare sockets, and a server whose patience is short or endless.
class HttpServerTest : public ::testing::Test {
 protected:
  static constexpr guint kShort = 20;
  static constexpr guint kEndless = 3'600'000;

  void listen(HttpServer::Patience patience) {
    server_ = std::make_unique<HttpServer>(
        [](SoupServerMessage* message, const std::string& path) {
          send_text(message, 200, "text/plain", path);
        },
        patience);
    ASSERT_EQ(server_->listen("127.0.0.1", 0), "");
    const auto client = GstPtr<GSocketClient>::adopt(g_socket_client_new());
    connection_ = GstPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
        client.get(), "127.0.0.1", static_cast<guint16>(server_->port()), nullptr, nullptr));
    ASSERT_TRUE(connection_);
    g_socket_set_blocking(socket(), FALSE);
  }
  GSocket* socket() { return g_socket_connection_get_socket(connection_.get()); }
  void say(const std::string& text) {
    EXPECT_EQ(g_socket_send(socket(), text.data(), text.size(), nullptr, nullptr),
              static_cast<gssize>(text.size()));
  }
  // Until `end` has come, or the connection is closed; what was read.
  std::string heard(const std::string& end) {
    std::string text;
    while (end.empty() || !text.ends_with(end)) {
      g_main_context_iteration(nullptr, FALSE);
      char piece[4096];
      const auto size = g_socket_receive(socket(), piece, sizeof piece, nullptr, nullptr);
      if (size == 0)
        return text + "(closed)";
      if (size > 0)
        text.append(piece, static_cast<std::size_t>(size));
      else
        g_main_context_iteration(nullptr, !g_socket_condition_check(socket(), G_IO_IN));
    }
    return text;
  }

  std::unique_ptr<HttpServer> server_;
  GstPtr<GSocketConnection> connection_;
};

TEST_F(HttpServerTest, WhoDoesNotFinishHisHeadersIsLeft) {
  listen({.head_ms = kShort, .body_ms = kEndless});
  say("GET / HTTP/1.1\r\nHost: x\r\nX: ");
  EXPECT_EQ(heard(""), "(closed)");
}

TEST_F(HttpServerTest, WhoSaysNothingIsLeft) {
  listen({.head_ms = kEndless, .body_ms = kEndless, .idle_ms = kShort});
  EXPECT_EQ(heard(""), "(closed)");
}

TEST_F(HttpServerTest, WhoDoesNotFinishHisBodyIsLeft) {
  listen({.head_ms = kEndless, .body_ms = kShort});
  say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(heard(""), "(closed)");
}

TEST_F(HttpServerTest, WhoAsksNoMoreIsLeftAfterTheAnswer) {
  listen({.head_ms = kEndless, .body_ms = kEndless, .idle_ms = kShort});
  say("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = heard("");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(answer.ends_with("/hello(closed)")) << answer;
}

TEST_F(HttpServerTest, AConnectionThatCannotBeKeptIsClosedBehindTheAnswer) {
  if (soup_check_version(3, 4, 0))
    GTEST_SKIP() << "this libsoup keeps connections";
  listen({.head_ms = kEndless, .body_ms = kEndless});
  say("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  const auto answer = heard("");
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("/a(closed)")) << answer;
}

TEST_F(HttpServerTest, WhoIsInTimeIsAnsweredAgainAndAgain) {
  if (!soup_check_version(3, 4, 0))
    GTEST_SKIP() << "each connection is closed behind its answer, as this libsoup loses others";
  listen({.head_ms = kEndless, .body_ms = kEndless});
  for (const char* path : {"/a", "/b", "/c"}) {
    say(std::string{"POST "} + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_TRUE(heard(path).ends_with(path));
  }
}

}  // namespace
}  // namespace live
