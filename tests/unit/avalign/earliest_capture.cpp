// SPDX-License-Identifier: LGPL-2.1-or-later
#include "earliest_capture.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr Duration kOffset{24h * 36525};

TEST(EarliestCapture, TheFirstIsGivenAtOnce) {
  EarliestCapture earliest;
  const auto given = earliest.on_capture(MediaTime{7h}, kOffset);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{7h});
  EXPECT_EQ(given->offset, kOffset);
}

TEST(EarliestCapture, ThenTheyAreGivenOverLongerTimesUpToASecond) {
  EarliestCapture earliest;
  std::vector<Duration> times;
  for (Duration at = 0ms; at <= 8s; at += 20ms) {
    if (earliest.on_capture(MediaTime{7h} + at, kOffset))
      times.push_back(at);
  }
  EXPECT_EQ(times, (std::vector<Duration>{0ms, 100ms, 300ms, 600ms, 1000ms, 1500ms, 2100ms, 2800ms,
                                          3600ms, 4500ms, 5500ms, 6500ms, 7500ms}));
}

TEST(EarliestCapture, OfAllPacketsSinceTheLastTheEarliestIsGiven) {
  EarliestCapture earliest;
  (void)earliest.on_capture(MediaTime{0s}, kOffset - 9ms);
  EXPECT_FALSE(earliest.on_capture(MediaTime{20ms}, kOffset + 5ms));
  EXPECT_FALSE(earliest.on_capture(MediaTime{40ms}, kOffset - 5ms));
  EXPECT_FALSE(earliest.on_capture(MediaTime{100ms} - 1ns, kOffset - 4ms));
  const auto given = earliest.on_capture(MediaTime{100ms}, kOffset + 4ms);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{40ms});
  EXPECT_EQ(given->offset, kOffset - 5ms);
  for (const Duration at : {120ms, 280ms})
    EXPECT_FALSE(earliest.on_capture(MediaTime{at}, kOffset + 3ms));
  const auto last = earliest.on_capture(MediaTime{300ms}, kOffset + 2ms);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->media, MediaTime{300ms}) << "the one that makes the time up counts too";
  EXPECT_EQ(last->offset, kOffset + 2ms);
}

TEST(EarliestCapture, AnotherMediaClockBeginsAnew) {
  EarliestCapture earliest;
  (void)earliest.on_capture(MediaTime{7h}, kOffset);
  EXPECT_FALSE(earliest.on_capture(MediaTime{7h + 20ms}, kOffset));
  earliest.reset();
  const auto given = earliest.on_capture(MediaTime{1s}, kOffset + 1h);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->media, MediaTime{1s});
  EXPECT_EQ(given->offset, kOffset + 1h);
}

}  // namespace
}  // namespace onair
