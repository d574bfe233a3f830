// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capture_mean.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr Duration kOffset{24h * 36525};

TEST(CaptureMean, TheFirstIsGivenAtOnce) {
  CaptureMean mean;
  const auto given = mean.on_capture(MediaTime{7h}, kOffset);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{7h});
  EXPECT_EQ(given->offset, kOffset);
}

TEST(CaptureMean, ThenTheyAreGivenOverLongerTimesUpToASecond) {
  CaptureMean mean;
  std::vector<Duration> times;
  for (Duration at = 0ms; at <= 8s; at += 20ms) {
    if (mean.on_capture(MediaTime{7h} + at, kOffset))
      times.push_back(at);
  }
  EXPECT_EQ(times, (std::vector<Duration>{0ms, 100ms, 300ms, 600ms, 1000ms, 1500ms, 2100ms, 2800ms,
                                          3600ms, 4500ms, 5500ms, 6500ms, 7500ms}));
}

TEST(CaptureMean, EachPacketCountsOnce) {
  CaptureMean mean;
  (void)mean.on_capture(MediaTime{0s}, kOffset + 9ms);
  EXPECT_FALSE(mean.on_capture(MediaTime{20ms}, kOffset + 5ms));
  EXPECT_FALSE(mean.on_capture(MediaTime{40ms}, kOffset - 4ms));
  EXPECT_FALSE(mean.on_capture(MediaTime{100ms} - 1ns, kOffset - 4ms));
  const auto given = mean.on_capture(MediaTime{100ms + 1ns}, kOffset + 5ms);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{65ms});
  EXPECT_EQ(given->offset, kOffset + 500us);
  for (const Duration at : {120ms, 280ms})
    EXPECT_FALSE(mean.on_capture(MediaTime{at}, kOffset + 2ms));
  EXPECT_EQ(mean.on_capture(MediaTime{310ms}, kOffset + 2ms)->offset, kOffset + 2ms);
}

TEST(CaptureMean, AnotherMediaClockBeginsAnew) {
  CaptureMean mean;
  (void)mean.on_capture(MediaTime{7h}, kOffset);
  EXPECT_FALSE(mean.on_capture(MediaTime{7h + 20ms}, kOffset));
  mean.reset();
  const auto given = mean.on_capture(MediaTime{1s}, kOffset + 1h);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{1s});
  EXPECT_EQ(given->offset, kOffset + 1h);
}

}  // namespace
}  // namespace onair
