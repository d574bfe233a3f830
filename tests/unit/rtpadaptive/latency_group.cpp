// SPDX-License-Identifier: LGPL-2.1-or-later
#include "latency_group.hpp"

#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

TEST(LatencyGroup, WithoutANameThereIsNobodyToShareWith) {
  LatencyGroup one;
  LatencyGroup other;
  one.publish(100ms);
  EXPECT_EQ(one.largest(), 0ms);
  EXPECT_EQ(other.largest(), 0ms);
}

TEST(LatencyGroup, MembersOfOneNameShareTheLargest) {
  LatencyGroup audio{"share"};
  LatencyGroup video{"share"};
  EXPECT_EQ(audio.largest(), 0ms) << "nobody has said anything";
  audio.publish(100ms);
  EXPECT_EQ(audio.largest(), 100ms);
  EXPECT_EQ(video.largest(), 100ms);
  video.publish(250ms);
  EXPECT_EQ(audio.largest(), 250ms);
  audio.publish(300ms);
  EXPECT_EQ(video.largest(), 300ms);
  audio.publish(10ms);
  EXPECT_EQ(audio.largest(), 250ms) << "back to the other's";
}

TEST(LatencyGroup, GroupsOfOtherNamesAreOthers) {
  LatencyGroup one{"one"};
  LatencyGroup other{"other"};
  one.publish(100ms);
  EXPECT_EQ(other.largest(), 0ms);
}

TEST(LatencyGroup, AMemberThatLeavesIsNotWaitedForAnyMore) {
  LatencyGroup stays{"leave"};
  stays.publish(50ms);
  {
    LatencyGroup leaves{"leave"};
    leaves.publish(500ms);
    EXPECT_EQ(stays.largest(), 500ms);
  }
  EXPECT_EQ(stays.largest(), 50ms);
}

TEST(LatencyGroup, AMemberThatSaidNothingLeavesNothingBehind) {
  LatencyGroup stays{"silent"};
  stays.publish(50ms);
  { const LatencyGroup silent{"silent"}; }
  EXPECT_EQ(stays.largest(), 50ms);
}

TEST(LatencyGroup, AGroupEndsWithItsLastMember) {
  {
    LatencyGroup last{"last"};
    last.publish(400ms);
  }
  LatencyGroup later{"last"};
  EXPECT_EQ(later.largest(), 0ms);
}

TEST(LatencyGroup, MembershipMovesWithTheObject) {
  LatencyGroup stays{"move"};
  LatencyGroup from{"move"};
  from.publish(300ms);
  LatencyGroup to{std::move(from)};
  EXPECT_EQ(stays.largest(), 300ms) << "nobody has left";
  to.publish(200ms);
  EXPECT_EQ(stays.largest(), 200ms) << "the same member, not a second one";
}

TEST(LatencyGroup, AssigningAnotherGroupLeavesTheFirst) {
  LatencyGroup stays{"assign"};
  LatencyGroup moves{"assign"};
  moves.publish(300ms);
  moves = LatencyGroup{"assign elsewhere"};
  EXPECT_EQ(stays.largest(), 0ms);
  EXPECT_EQ(moves.largest(), 0ms);
  moves.publish(300ms);
  EXPECT_EQ(moves.largest(), 300ms) << "what was said to the first is said to the second again";
  moves = LatencyGroup{};
  EXPECT_EQ(moves.largest(), 0ms);
}

TEST(LatencyGroup, ManyThreadsPublishAndComeAndGo) {
  LatencyGroup stays{"threads"};
  stays.publish(1ms);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([thread] {
      for (int round = 0; round < 500; ++round) {
        LatencyGroup member{"threads"};
        const auto mine = Duration{10ms} * (thread * 500 + round + 1);
        member.publish(mine);
        EXPECT_GE(member.largest(), mine);
      }
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(stays.largest(), 1ms) << "the others have gone";
}

}  // namespace
}  // namespace onair
