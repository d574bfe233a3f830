// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/bandwidth.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

TEST(Bandwidth, KnowsNothingBeforeTheFirstSegment) {
  const Bandwidth bandwidth{{}};
  EXPECT_FALSE(bandwidth.peak());
  EXPECT_FALSE(bandwidth.average());
}

TEST(Bandwidth, ThePeakIsThatOfTheFastestSegmentAndTheAverageThatOfAll) {
  Bandwidth bandwidth{{.target_duration = 2s}};
  bandwidth.on_segment(250'000, 2s);
  bandwidth.on_segment(500'000, 2s);
  bandwidth.on_segment(125'000, 2s);
  EXPECT_EQ(bandwidth.peak(), 2'000'000U);
  EXPECT_EQ(bandwidth.average(), 1'166'667U);  // 875 000 bytes in 6 s, rounded up
}

TEST(Bandwidth, ASegmentShorterThanHalfATargetDurationCountsWithItsNeighboursOnly) {
  Bandwidth bandwidth{{.target_duration = 2s}};
  bandwidth.on_segment(125'000, 1s - 1ns);
  EXPECT_FALSE(bandwidth.peak());
  bandwidth.on_segment(0, 1ns);  // now half a target duration
  EXPECT_EQ(bandwidth.peak(), 1'000'000U);
}

TEST(Bandwidth, ARunLongerThanOneAndAHalfTargetDurationsDoesNotCount) {
  Bandwidth within{{.target_duration = 2s}};
  within.on_segment(125'000, 900ms);  // alone too short
  within.on_segment(125'000, 2100ms);
  EXPECT_EQ(within.peak(), 666'667U);  // both

  Bandwidth beyond{{.target_duration = 2s}};
  beyond.on_segment(125'000, 900ms);  // alone too short
  beyond.on_segment(125'000, 2100ms + 1ns);
  EXPECT_EQ(beyond.peak(), 476'191U);  // the second alone
}

TEST(Bandwidth, ASegmentThatIsTooLongCountsAllTheSame) {
  Bandwidth bandwidth{{.target_duration = 2s}};
  bandwidth.on_segment(1'000'000, 4s);
  EXPECT_EQ(bandwidth.peak(), 2'000'000U);
}

TEST(Bandwidth, NoMeasuredPeakIsHiddenByADeclaredOne) {
  Bandwidth bandwidth{
      {.target_duration = 2s, .declared_peak = 1'500'000, .declared_average = 900'000}};
  EXPECT_EQ(bandwidth.peak(), 1'500'000U);
  bandwidth.on_segment(250'000, 2s);
  EXPECT_EQ(bandwidth.peak(), 1'500'000U);
  bandwidth.on_segment(375'001, 2s);
  EXPECT_EQ(bandwidth.peak(), 1'500'004U);
  EXPECT_EQ(bandwidth.average(), 900'000U);
}

TEST(Bandwidth, AnEmptySegmentIsNoDivisionByZero) {
  Bandwidth bandwidth{{}};
  bandwidth.on_segment(100, 0s);
  EXPECT_FALSE(bandwidth.peak());
  EXPECT_FALSE(bandwidth.average());
}

}  // namespace
}  // namespace onair::test
