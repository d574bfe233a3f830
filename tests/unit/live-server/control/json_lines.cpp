// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control/json_lines.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace live {
namespace {

using onair::GstPtr;

GstPtr<GSocket> socket_of(int fd) {
  return GstPtr<GSocket>::adopt(g_socket_new_from_fd(fd, nullptr));
}

// One end has JsonLines, the other is bare.
class JsonLinesTest : public ::testing::Test {
 protected:
  JsonLinesTest() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    bare_ = socket_of(fds[1]);
    lines_ = std::make_unique<JsonLines>(
        socket_of(fds[0]),
        [this](const Json& message) {
          messages_.push_back(message);
          static_cast<void>(message.value("text", ""));
          if (message.contains("delete"))
            lines_.reset();
        },
        [this](const std::string& why) {
          closed_ = why;
          lines_.reset();
        });
  }

  void write(std::string_view text) {
    while (!text.empty()) {
      const auto count = g_socket_send(bare_.get(), text.data(), text.size(), nullptr, nullptr);
      ASSERT_GT(count, 0);
      text.remove_prefix(static_cast<std::size_t>(count));
      if (text.size() > 1000)
        settle();
    }
    settle();
  }
  static void settle() {
    while (g_main_context_iteration(nullptr, FALSE))
      continue;
  }

  std::vector<Json> messages_;
  std::optional<std::string> closed_;
  GstPtr<GSocket> bare_;
  std::unique_ptr<JsonLines> lines_;
};

TEST_F(JsonLinesTest, MessagesAreLinesHoweverTheyArrive) {
  write(R"({"a":1})"
        "\n"
        R"({"b":)");
  EXPECT_EQ(messages_, (std::vector<Json>{{{"a", 1}}}));
  write("2}\n{}\n");
  EXPECT_EQ(messages_, (std::vector<Json>{{{"a", 1}}, {{"b", 2}}, Json::object()}));
  lines_->send({{"c", "x\ny"}});
  settle();
  char text[64] = {};
  EXPECT_GT(g_socket_receive(bare_.get(), text, sizeof text, nullptr, nullptr), 0);
  EXPECT_STREQ(text, "{\"c\":\"x\\ny\"}\n");
  EXPECT_EQ(lines_->peer(), ::getpid());
  EXPECT_FALSE(closed_);
}

TEST_F(JsonLinesTest, TheOtherSideGoes) {
  bare_ = {};
  settle();
  EXPECT_EQ(closed_, "the other side closed it");
}

TEST_F(JsonLinesTest, WhatIsNoObjectClosesIt) {
  write("{}\n[1]\n{}\n");
  EXPECT_EQ(messages_.size(), 1U);
  EXPECT_EQ(closed_, "the other side sent what is no object of JSON");
}

TEST_F(JsonLinesTest, AFieldOfAnotherTypeClosesIt) {
  write("{\"text\":1}\n{}\n");
  EXPECT_EQ(messages_.size(), 1U);
  ASSERT_TRUE(closed_);
  EXPECT_NE(closed_->find("the other side sent what is not understood"), std::string::npos)
      << *closed_;
}

TEST_F(JsonLinesTest, ALineWithoutAnEndClosesIt) {
  write("{\"" + std::string(JsonLines::kMostBytes - 3, 'x'));
  EXPECT_FALSE(closed_);
  write("x");
  EXPECT_EQ(closed_, "the other side sent a line without an end");
}

TEST_F(JsonLinesTest, WhoDoesNotReadIsClosed) {
  const Json message{{"text", std::string(JsonLines::kMostBytes / 2, 'x')}};
  for (int i = 0; i < 8 && lines_; ++i) {
    lines_->send(message);
    settle();
  }
  EXPECT_EQ(closed_, "the other side does not read");
}

TEST_F(JsonLinesTest, AMessageMayBeTheLast) {
  write("{\"delete\":true}\n{}\n");
  EXPECT_EQ(messages_.size(), 1U);
  EXPECT_FALSE(closed_);
}

}  // namespace
}  // namespace live
