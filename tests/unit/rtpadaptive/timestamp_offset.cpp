// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timestamp_offset.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

TEST(TimestampOffset, IsReachedByTheNextStepOrInStepsOfAtMostSoMuch) {
  TimestampOffset offset;
  EXPECT_FALSE(offset.step(0ns)) << "there is nothing to do";
  offset.aim_at(30ms);
  EXPECT_EQ(offset.apply(1s), 1s) << "with the next frame, and not before";
  EXPECT_TRUE(offset.step(0ns));
  EXPECT_EQ(offset.apply(1s), 1030ms);
  EXPECT_FALSE(offset.step(0ns));
  offset.aim_at(-5ms);
  for (const Duration expected : {1010ms, 995ms}) {
    EXPECT_TRUE(offset.step(20ms));
    EXPECT_EQ(offset.apply(1s), expected);
  }
  EXPECT_FALSE(offset.step(20ms));
}

TEST(TimestampOffset, ANewTargetCountsFromWhereItIs) {
  TimestampOffset offset;
  offset.aim_at(100ms);
  offset.step(10ms);
  offset.aim_at(10ms);
  EXPECT_FALSE(offset.step(0ns));
  EXPECT_EQ(offset.apply(0s), 10ms);
}

TEST(TimestampOffset, WhatStoodStillIsAddedAndNothingIsBeforeZero) {
  TimestampOffset offset;
  offset.set_paused_for(3s);
  EXPECT_EQ(offset.apply(1s), 4s);
  offset.aim_at(-4s);
  offset.step(0ns);
  EXPECT_EQ(offset.apply(1s), 0s);
  EXPECT_EQ(offset.apply(1s - 1ns), 0s);
  EXPECT_EQ(offset.apply(1s + 1ns), 1ns);
}

}  // namespace
}  // namespace onair
