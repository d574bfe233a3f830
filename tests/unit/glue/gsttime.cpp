// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/gsttime.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr GstClockTime kLargest = G_MAXINT64;  // 292 years; our Duration ends there

TEST(GstTime, NoneIsNothing) {
  EXPECT_EQ(to_clock_time(GST_CLOCK_TIME_NONE), std::nullopt);
  EXPECT_EQ(to_duration(GST_CLOCK_TIME_NONE), std::nullopt);
}

TEST(GstTime, ZeroIsATimeAndNotNothing) {
  EXPECT_EQ(to_clock_time(0), ClockTime{});
  EXPECT_EQ(to_duration(GstClockTime{0}), Duration::zero());
}

TEST(GstTime, NanosecondsStayNanoseconds) {
  EXPECT_EQ(to_clock_time(GST_SECOND + 1), ClockTime{1s + 1ns});
  EXPECT_EQ(to_duration(GST_MSECOND), 1ms);
  EXPECT_EQ(to_gst(1s + 1ns), GST_SECOND + 1);
  EXPECT_EQ(to_gst(*to_duration(kLargest)), kLargest);
}

TEST(GstTime, ANegativeDurationBecomesZero) {
  EXPECT_EQ(to_gst(-1ns), 0u);
  EXPECT_EQ(to_gst(0ns), 0u);
  EXPECT_EQ(to_gst(1ns), 1u);
  EXPECT_EQ(to_gst(Duration::min()), 0u);
}

}  // namespace
}  // namespace onair
