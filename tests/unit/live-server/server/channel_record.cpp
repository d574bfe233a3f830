// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_record.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

ChannelRecord record() {
  auto request = read_channel_request(
      R"({"hls":[{"audio":{"bps":64000}}],"event_webhook_url":"https://example.com/x","hold_seconds":3})");
  return {.id = "abc-1",
          .created = std::chrono::system_clock::time_point{std::chrono::seconds{1'800'000'000}},
          .publish_token = "secret",
          .request = std::get<ChannelRequest>(std::move(request)),
          .rtp = {.audio = 5004, .audio_rtcp = 0, .video = 5006, .video_rtcp = 5007},
          .is_on_air = true,
          .is_paused = true,
          .has_ended = false,
          .broadcasts = 7};
}

TEST(ChannelRecord, IsReadAsItWasWritten) {
  const auto read = read_channel_record(to_text(record()));
  ASSERT_TRUE(std::holds_alternative<ChannelRecord>(read)) << std::get<std::string>(read);
  EXPECT_EQ(std::get<ChannelRecord>(read), record());
}

TEST(ChannelRecord, AConnectionNamesItsChannel) {
  auto connection = record();
  EXPECT_FALSE(connection.is_connection());
  EXPECT_EQ(connection.channel_id(), "abc-1");
  EXPECT_EQ(connection.connection_id(), "");
  connection.id = id_of_connection("abc-1", "c-2");
  connection.channel = "abc-1";
  EXPECT_TRUE(connection.is_connection());
  EXPECT_EQ(connection.channel_id(), "abc-1");
  EXPECT_EQ(connection.connection_id(), "c-2");
  const auto read = read_channel_record(to_text(connection));
  ASSERT_TRUE(std::holds_alternative<ChannelRecord>(read)) << std::get<std::string>(read);
  EXPECT_EQ(std::get<ChannelRecord>(read), connection);
  for (const auto* wrong : {"abc-1", "abc-1-", "abc-2-c"}) {
    connection.id = wrong;
    EXPECT_TRUE(std::holds_alternative<std::string>(read_channel_record(to_text(connection))))
        << wrong;
  }
}

TEST(ChannelRecord, APublisherHasAPlaceOfHisOwnWhereAChannelTakesSeveral) {
  auto channel = record();
  EXPECT_FALSE(channel.takes_several());
  EXPECT_EQ(place_of(channel, "c-2"), "abc-1");
  channel.request.is_multi = true;
  EXPECT_TRUE(channel.takes_several());
  EXPECT_EQ(place_of(channel, "c-2"), "abc-1-c-2");
  auto connection = channel;  // which has its channel's request
  connection.id = "abc-1-c-2";
  connection.channel = "abc-1";
  EXPECT_FALSE(connection.takes_several());
}

TEST(ChannelRecord, WhatIsCutOffOrChangedIsRefusedWithAReason) {
  const auto text = to_text(record());
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    const auto read = read_channel_record(std::string_view{text}.substr(0, length));
    ASSERT_TRUE(std::holds_alternative<std::string>(read)) << length;
    EXPECT_NE(std::get<std::string>(read), "");
  }
  for (const auto& [from, to] :
       {std::pair{"abc-1", "../abc"}, {"\"secret\"", "\"\""}, {"64000", "-1"}, {"true", "1"}}) {
    auto changed = text;
    changed.replace(changed.find(from), std::string_view{from}.size(), to);
    EXPECT_TRUE(std::holds_alternative<std::string>(read_channel_record(changed))) << to;
  }
}

}  // namespace
}  // namespace live
