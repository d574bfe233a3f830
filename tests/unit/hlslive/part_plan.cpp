// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_plan.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

constexpr AudioFrames::Format kMp3{.length = 1152, .rate = 48'000};

std::vector<Duration> lengths(const PartPlan& plan) {
  std::vector<Duration> lengths;
  for (std::int64_t part = 1; part <= plan.count(); ++part)
    lengths.push_back(plan.end(part) - plan.end(part - 1));
  return lengths;
}

TEST(PartPlan, OneSecondOfMp3IsFivePartsOfEightOrNineFrames) {
  const PartPlan plan{1s, 200ms, kMp3};
  EXPECT_EQ(lengths(plan), (std::vector<Duration>{192ms, 216ms, 192ms, 192ms, 216ms}));
  EXPECT_EQ(plan.longest(), 216ms);
  EXPECT_EQ(plan.shortest(), 192ms);
}

TEST(PartPlan, OrThreePartsOfFourteen) {
  const PartPlan plan{1s, 336ms, kMp3};
  EXPECT_EQ(lengths(plan), (std::vector<Duration>{336ms, 336ms, 336ms}));
}

TEST(PartPlan, SixHundredMillisecondsDivideEvenly) {
  const PartPlan plan{600ms, 200ms, {.length = 960, .rate = 48'000}};
  EXPECT_EQ(lengths(plan), (std::vector<Duration>{200ms, 200ms, 200ms}));
  EXPECT_EQ(plan.longest(), 200ms);
  EXPECT_EQ(plan.shortest(), 200ms);
}

// Four frames are 80 % of five, five are 83 % of six; six are 86 % of seven.
TEST(PartPlan, PartsTooFewFramesLongBecomeTheNearestThatKeepThePromise) {
  const PartPlan plan{1s, 100ms, kMp3};
  EXPECT_EQ(plan.count(), 6);
  EXPECT_EQ(plan.shortest(), 144ms);
  EXPECT_EQ(plan.longest(), 168ms);
}

TEST(PartPlan, FewFramesAreEnoughWhereTheyDivideTheSegment) {
  const PartPlan plan{1200ms, 120ms, kMp3};  // 50 frames in tens of five
  EXPECT_EQ(plan.count(), 10);
  EXPECT_EQ(plan.longest(), 120ms);
  EXPECT_EQ(plan.shortest(), 120ms);
}

// 1024 samples are no whole number of nanoseconds: of two parts of ten frames one is 1 ns longer.
TEST(PartPlan, ThePromiseIsRoundedUp) {
  const PartPlan plan{1s, 200ms, {.length = 1024, .rate = 48'000}};
  EXPECT_EQ(lengths(plan),
            (std::vector<Duration>{192ms, 213'333'333ns, 192ms, 213'333'334ns, 192ms}));
  EXPECT_EQ(plan.longest(), 213'334us);
}

TEST(PartPlan, ASegmentShorterThanItsPartsIsOne) {
  const PartPlan plan{500ms, 2s, kMp3};
  EXPECT_EQ(plan.count(), 1);
  EXPECT_EQ(plan.longest(), 504ms);  // 20.8 frames
}

TEST(PartPlan, PartsOfPicturesAreAllAlike) {
  const PartPlan plan{1s, 300ms};
  EXPECT_EQ(plan.count(), 3);
  EXPECT_EQ(plan.end(3), 1s);
  EXPECT_LT(plan.longest() - plan.shortest(), 1us);
}

// Of any segment whose ends are the frames nearest to multiples of T.
TEST(PartPlan, EveryPartButTheLastIsBetween85And100PerCentOfTheTarget) {
  int plans = 0;
  for (const std::int64_t length : {576, 960, 1024, 1152, 2048})
    for (const std::uint32_t rate : {24'000U, 32'000U, 44'100U, 48'000U})
      for (Duration segment = 400ms; segment <= 10s; segment += 137ms)
        for (const Duration part : {40ms, 100ms, 150ms, 200ms, 333ms, 500ms, 1000ms, 2000ms}) {
          const AudioFrames::Format format{.length = length, .rate = rate};
          const PartPlan plan{segment, part, format};
          SCOPED_TRACE(testing::Message() << length << " at " << rate << ", T " << in_ms(segment)
                                          << ", parts of " << in_ms(part) << ": " << plan.count());
          const auto frame = to_duration(length, rate);
          for (std::int64_t k = 1; k < plan.count(); ++k) {
            const auto lasts = plan.end(k) - plan.end(k - 1);
            ASSERT_LE(lasts, plan.longest()) << k;
            ASSERT_GE(lasts * 100 + 100ns, plan.longest() * 85) << k;
            ASSERT_LE(std::chrono::abs(plan.end(k) - segment * k / plan.count()), frame / 2 + 1ns);
          }
          const auto last = plan.end(plan.count()) - plan.end(plan.count() - 1);
          ASSERT_LE(last, plan.longest());
          ASSERT_GE(plan.end(plan.count()) + 1ns, segment);  // a segment is no longer than its plan
          ASSERT_LT(plan.end(plan.count()), segment + frame);
          ++plans;
        }
  EXPECT_GT(plans, 10'000);
}

}  // namespace
}  // namespace onair::test
