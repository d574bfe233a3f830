// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/event_streams.hpp"

#include <string>

#include <gio/gio.h>
#include <gtest/gtest.h>

#include "http_server.hpp"

namespace live {
namespace {

using onair::GstPtr;

// A server on loopback, and clients that are bare sockets.
class EventStreamsTest : public ::testing::Test {
 protected:
  EventStreamsTest() { EXPECT_EQ(server_.listen("127.0.0.1", 0), ""); }

  GstPtr<GSocketConnection> ask(const std::string& path) {
    const auto client = GstPtr<GSocketClient>::adopt(g_socket_client_new());
    auto connection = GstPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
        client.get(), "127.0.0.1", static_cast<guint16>(server_.port()), nullptr, nullptr));
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    auto* socket = g_socket_connection_get_socket(connection.get());
    EXPECT_EQ(g_socket_send(socket, request.data(), request.size(), nullptr, nullptr),
              static_cast<gssize>(request.size()));
    g_socket_set_blocking(socket, FALSE);
    const auto before = streams_.listeners();
    while (streams_.listeners() == before)
      g_main_context_iteration(nullptr, TRUE);
    return connection;
  }
  static void settle() {
    while (g_main_context_iteration(nullptr, FALSE))
      continue;
  }
  static std::string read(const GstPtr<GSocketConnection>& connection) {
    settle();
    std::string text(65536, '\0');
    const auto count = g_socket_receive(g_socket_connection_get_socket(connection.get()),
                                        text.data(), text.size(), nullptr, nullptr);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  static std::string read_until(const GstPtr<GSocketConnection>& connection,
                                const std::string& end) {
    auto* socket = g_socket_connection_get_socket(connection.get());
    std::string text;
    for (text = read(connection); text.find(end) == std::string::npos; text += read(connection))
      if (!g_socket_condition_timed_wait(socket, G_IO_IN, 10 * G_USEC_PER_SEC, nullptr, nullptr)) {
        ADD_FAILURE() << "not " << end << ", but " << text;
        break;
      }
    return text;
  }

  EventStreams streams_;
  HttpServer server_{[this](SoupServerMessage* message, const std::string& path) {
    ASSERT_TRUE(streams_.add(message, path.substr(1)));
    streams_.greet("hello", {{"path", path}});
  }};
};

TEST_F(EventStreamsTest, EachHearsOfItsChannelOrOfAll) {
  const auto one = ask("/one");
  const auto all = ask("/");
  streams_.send("one", "news", {{"n", 1}});
  streams_.send("two", "news", {{"n", 2}});
  const auto of_one = read_until(one, "\"n\":1}\n\n");
  EXPECT_NE(of_one.find("Content-Type: text/event-stream"), std::string::npos) << of_one;
  EXPECT_NE(of_one.find("event: hello\ndata: {\"path\":\"/one\"}\n\n"), std::string::npos)
      << of_one;
  EXPECT_NE(of_one.find("event: news\ndata: {\"n\":1}\n\n"), std::string::npos) << of_one;
  EXPECT_EQ(of_one.find("\"n\":2"), std::string::npos) << of_one;
  read_until(all, "event: news\ndata: {\"n\":2}\n\n");
  streams_.end("one");
  read_until(one, "0\r\n\r\n");  // the end of the body
  EXPECT_EQ(streams_.listeners(), 1U);
}

TEST_F(EventStreamsTest, WhoGoesIsForgotten) {
  auto one = ask("/one");
  g_io_stream_close(G_IO_STREAM(one.get()), nullptr, nullptr);
  for (int i = 0; i < 100 && streams_.listeners() != 0; ++i) {
    streams_.send("one", "news", {});
    settle();
  }
  EXPECT_EQ(streams_.listeners(), 0U);
}

TEST_F(EventStreamsTest, WhoDoesNotReadIsClosed) {
  const auto idle = ask("/one");
  const auto reader = ask("/one");
  const Json news{{"text", std::string(60'000, 'x')}};
  for (int i = 0; i < 2000 && streams_.listeners() == 2; ++i) {
    streams_.send("one", "news", news);
    while (!read(reader).empty())
      continue;
  }
  EXPECT_EQ(streams_.listeners(), 1U) << "the one who reads";
}

}  // namespace
}  // namespace live
