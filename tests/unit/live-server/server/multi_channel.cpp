// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/multi_channel.hpp"

#include <gtest/gtest.h>

namespace live {

namespace {

using State = ChannelState;

Connections connections(std::initializer_list<State> states) {
  Connections made;
  for (const auto state : states)
    made.push_back({.connection_id = std::to_string(made.size()), .state = state});
  return made;
}

TEST(MultiChannel, ItsStateIsThatOfTheLiveliestConnection) {
  EXPECT_EQ(state_of(State::Idle, {}), State::Idle);
  EXPECT_EQ(state_of(State::Creating, {}), State::Creating);
  EXPECT_EQ(state_of(State::Idle, connections({State::Ended, State::Stopping})), State::Idle);
  EXPECT_EQ(state_of(State::Idle, connections({State::Ended, State::Starting})), State::Starting);
  EXPECT_EQ(state_of(State::Idle, connections({State::Starting, State::Reconnecting})),
            State::Reconnecting);
  EXPECT_EQ(state_of(State::Idle, connections({State::Reconnecting, State::Running})),
            State::Running);
}

TEST(MultiChannel, ItHasEndedWhenAllConnectionsHave) {
  EXPECT_EQ(state_of(State::Ended, connections({State::Ended, State::Stopping})), State::Stopping);
  EXPECT_EQ(state_of(State::Ended, connections({State::Ended, State::Ended})), State::Ended);
  EXPECT_EQ(state_of(State::Ended, {}), State::Ended);
}

TEST(MultiChannel, SaysHowManyAreOnTheAir) {
  const auto words = [](const Connections& all) {
    return message_of(state_of(State::Idle, all), all);
  };
  EXPECT_EQ(words({}), "Waiting for broadcasters.");
  EXPECT_EQ(words(connections({State::Starting})), "A broadcaster is connecting.");
  EXPECT_EQ(words(connections({State::Running, State::Ended})), "One broadcaster is on the air.");
  EXPECT_EQ(words(connections({State::Running, State::Reconnecting, State::Starting})),
            "2 broadcasters are on the air.");
  EXPECT_EQ(message_of(State::Ended, {}), "It has ended.");
}

TEST(MultiChannel, WhatHasEndedTakesNoPlace) {
  EXPECT_EQ(live_connections(connections(
                {State::Running, State::Ended, State::Stopping, State::Starting, State::Creating})),
            4u);
}

TEST(MultiChannel, WhatEndedBeforeItBeganGoes) {
  auto all = connections({State::Ended, State::Starting, State::Ended});
  all[0].has_begun = all[1].has_begun = false;
  EXPECT_EQ(superfluous_connections(all), std::vector<std::string>{"0"});
}

TEST(MultiChannel, TheOldestOfTooManyThatHaveEndedGo) {
  Connections all;
  for (std::size_t i = 0; i < kMostEndedConnections; ++i)
    all.push_back({.connection_id = std::to_string(i),
                   .state = State::Ended,
                   .created = std::chrono::system_clock::time_point{std::chrono::seconds{i}}});
  std::swap(all[0], all[50]);  // in any order
  all.push_back({.connection_id = "live", .state = State::Running});
  EXPECT_EQ(superfluous_connections(all), std::vector<std::string>{});
  for (const auto* id : {"one more", "and one"})
    all.push_back({.connection_id = id,
                   .state = State::Ended,
                   .created = std::chrono::system_clock::time_point{std::chrono::hours{1}}});
  EXPECT_EQ(superfluous_connections(all), (std::vector<std::string>{"0", "1"}));
}

TEST(MultiChannel, AConnectionWhoseChannelIsGoneIsAnOrphan) {
  std::vector<ChannelRecord> records{{.id = "a-1", .channel = "a"},
                                     {.id = "gone-1", .channel = "gone"},
                                     {.id = "a"},
                                     {.id = "b"},
                                     {.id = "a-1-2", .channel = "a-1"}};
  const auto orphans = take_orphans(records);
  EXPECT_EQ(orphans, (std::vector<ChannelRecord>{{.id = "gone-1", .channel = "gone"},
                                                 {.id = "a-1-2", .channel = "a-1"}}));
  EXPECT_EQ(records,
            (std::vector<ChannelRecord>{{.id = "a-1", .channel = "a"}, {.id = "a"}, {.id = "b"}}));
}

}  // namespace
}  // namespace live
