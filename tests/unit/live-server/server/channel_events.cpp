// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_events.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

using State = ChannelState;
using Strings = std::vector<std::string>;

Strings told(std::initializer_list<State> states, const ChannelRecord& record = {}) {
  ChannelEvents events{record};
  Strings told;
  for (const auto state : states)
    for (auto& event : events.on_state(state))
      told.push_back(std::move(event));
  return told;
}

TEST(ChannelEvents, TellOfABroadcast) {
  EXPECT_EQ(
      told({State::Idle, State::Starting, State::Running, State::Idle}),
      (Strings{"publisher.connected", "playlist.ready", "publisher.left", "broadcast.ended"}));
}

TEST(ChannelEvents, TellOfAPublisherWhoComesBack) {
  EXPECT_EQ(
      told({State::Running, State::Reconnecting, State::Running, State::Reconnecting, State::Idle}),
      (Strings{"publisher.connected", "playlist.ready", "publisher.left", "publisher.connected",
               "publisher.left", "broadcast.ended"}));
}

TEST(ChannelEvents, TellOfTheEnd) {
  EXPECT_EQ(told({State::Running, State::Stopping, State::Ended, State::Ended}),
            (Strings{"publisher.connected", "playlist.ready", "publisher.left", "broadcast.ended",
                     "channel.ended"}));
  EXPECT_EQ(told({State::Idle, State::Ended}), Strings{"channel.ended"});
  EXPECT_EQ(told({State::Starting, State::Stopping, State::Ended}), Strings{"channel.ended"});
}

TEST(ChannelEvents, WhatGoesOnAfterARestartIsNoNews) {
  EXPECT_EQ(told({State::Reconnecting, State::Running, State::Idle}, {.is_on_air = true}),
            (Strings{"publisher.connected", "publisher.left", "broadcast.ended"}));
}

TEST(ChannelEvents, WhatHadEndedBeforeARestartIsNoNews) {
  EXPECT_EQ(told({State::Ended, State::Ended}, {.has_ended = true}), Strings{});
  EXPECT_EQ(told({State::Ended}, {.request = {.is_multi = true}, .has_ended = true}), Strings{});
  EXPECT_EQ(
      told({State::Stopping, State::Ended}, {.request = {.is_multi = true}, .has_ended = true}),
      Strings{"channel.ended"})
      << "a connection had not";
}

TEST(ChannelEvents, AConnectionDoesNotEndItsChannel) {
  EXPECT_EQ(
      told({State::Running, State::Stopping, State::Ended, State::Ended},
           {.channel = "a", .request = {.is_multi = true}}),
      (Strings{"publisher.connected", "playlist.ready", "publisher.left", "broadcast.ended"}));
}

TEST(ChannelEvents, AChannelOfSeveralPublishersHasNoBroadcastOfItsOwn) {
  EXPECT_EQ(
      told({State::Idle, State::Starting, State::Running, State::Reconnecting, State::Stopping},
           {.request = {.is_multi = true}}),
      Strings{});
  EXPECT_EQ(told({State::Running, State::Ended, State::Ended}, {.request = {.is_multi = true}}),
            Strings{"channel.ended"});
}

TEST(ChannelEvents, AMessageNamesAConnectionWhereItIsOne) {
  EventSubject subject{.channel_id = "a", .broadcast = 3, .state = State::Running};
  EXPECT_EQ(webhook_message("publisher.connected", subject), (Json{{"event", "publisher.connected"},
                                                                   {"channel_id", "a"},
                                                                   {"broadcast", 3},
                                                                   {"state", "running"}}));
  subject.connection_id = "b";
  EXPECT_EQ(webhook_message("channel.degraded", subject), (Json{{"event", "channel.degraded"},
                                                                {"channel_id", "a"},
                                                                {"broadcast", 3},
                                                                {"state", "running"},
                                                                {"connection_id", "b"}}));
}

TEST(ChannelEvents, TellOfAnEncoderThatIsTooSlow) {
  const auto list = std::get<HlsList>(read_hls_list(
      R"([{"audio":{}},{"video":{"width":640,"height":360,"fps":30,"bps":1000000}}])"));
  const auto status = [](double fps) {
    return Json{{"renditions", {Json::object(), {{"video", {{"fps", fps}}}}}}};
  };
  EXPECT_FALSE(is_degraded(status(30), list.renditions));
  EXPECT_TRUE(is_degraded(status(15), list.renditions));
  for (const auto& other :
       {Json::object(), Json{{"renditions", 1}}, Json{{"renditions", {Json::object()}}}})
    EXPECT_FALSE(is_degraded(other, list.renditions)) << other;
  ChannelEvents events{ChannelRecord{}};
  EXPECT_EQ(events.on_degraded(false), Strings{});
  EXPECT_EQ(events.on_degraded(true), Strings{"channel.degraded"});
  EXPECT_EQ(events.on_degraded(true), Strings{});
  EXPECT_EQ(events.on_degraded(false), Strings{"channel.restored"});
}

}  // namespace
}  // namespace live
