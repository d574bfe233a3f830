// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overload.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFrame = 40ms;
constexpr Duration kPatience = 2s;
constexpr Duration kBack = Overload::kCaution * kPatience;
constexpr Duration kMuch = Overload::kBehind + 1ns;

// A load that is asked once a frame.
struct Load {
  explicit Load(std::vector<std::size_t> order = {2, 0, 1})
      : overload{{.patience = kPatience}, std::move(order)} {}

  // Until the next step, for so long at most.
  std::optional<Overload::Step> run(Duration backlog, Duration most) {
    const auto end = now + most;
    while (now < end) {
      now += kFrame;
      if (const auto step = overload.on_backlog(backlog, now))
        return step;
    }
    return std::nullopt;
  }

  Overload overload;
  ClockTime now{};
};

TEST(Overload, WhoIsBehindForAsLongAsPatienceLastsGivesWayAndNotBefore) {
  Overload overload{{.patience = kPatience}, {0}};
  const ClockTime begin{1h};
  EXPECT_FALSE(overload.on_backlog(kMuch, begin));
  EXPECT_FALSE(overload.on_backlog(kMuch, begin + kPatience - 1ns));
  const auto step = overload.on_backlog(kMuch, begin + kPatience);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->rendition, 0U);
  EXPECT_EQ(step->thinning, 2);
  EXPECT_TRUE(step->is_down);
  EXPECT_EQ(overload.steps(), 1U);
}

TEST(Overload, ABacklogOfExactlyTheLimitIsNone) {
  Load load;
  EXPECT_FALSE(load.run(Overload::kBehind, 1h));
  EXPECT_TRUE(load.run(Overload::kBehind + 1ns, kPatience + 2 * kFrame));
}

TEST(Overload, OneMomentOfRoomBeginsThePatienceAnew) {
  Load load;
  EXPECT_FALSE(load.run(kMuch, kPatience - kFrame));
  EXPECT_FALSE(load.run(0ms, kFrame));
  EXPECT_FALSE(load.run(kMuch, kPatience));
  EXPECT_TRUE(load.run(kMuch, kFrame));
}

TEST(Overload, StepsGoFromTheTopToTheBottomTwiceAndNoFurther) {
  Load load;
  for (const int thinning : {2, 4}) {
    for (const std::size_t rendition : {2, 0, 1}) {
      const auto step = load.run(1s, kPatience + 2 * kFrame);
      ASSERT_TRUE(step);
      EXPECT_EQ(step->rendition, rendition);
      EXPECT_EQ(step->thinning, thinning);
      EXPECT_TRUE(step->is_down);
    }
  }
  EXPECT_FALSE(load.run(1s, 1h));
  EXPECT_EQ(load.overload.steps(), 6U);
}

TEST(Overload, StepsAreTakenBackInReverse) {
  Load load;
  while (load.run(1s, kPatience + 2 * kFrame)) {
  }
  for (const int thinning : {2, 1}) {
    for (const std::size_t rendition : {1, 0, 2}) {
      const auto step = load.run(0ms, kBack + 2 * kFrame);
      ASSERT_TRUE(step);
      EXPECT_EQ(step->rendition, rendition);
      EXPECT_EQ(step->thinning, thinning);
      EXPECT_FALSE(step->is_down);
    }
  }
  EXPECT_FALSE(load.run(0ms, 1h));
  EXPECT_EQ(load.overload.steps(), 0U);
}

TEST(Overload, AStepIsTakenBackWhenThereHasBeenRoomForFivePatiencesAndNotBefore) {
  Overload overload{{.patience = kPatience}, {0}};
  const ClockTime begin{};
  (void)overload.on_backlog(kMuch, begin);
  ASSERT_TRUE(overload.on_backlog(kMuch, begin + kPatience));
  const auto free = begin + kPatience + 1s;
  EXPECT_FALSE(overload.on_backlog(0ms, free));
  EXPECT_FALSE(overload.on_backlog(0ms, free + kBack - 1ns));
  EXPECT_TRUE(overload.on_backlog(0ms, free + kBack));
}

// How long there is room, until the step is taken back.
Duration wait_for_room(Load& load) {
  const auto begin = load.now;
  const auto step = load.run(0ms, 1h);
  EXPECT_TRUE(step && !step->is_down);
  return load.now - begin - kFrame;
}

TEST(Overload, CautionDoublesWithEachStepTakenBackTooEarlyUpToALimit) {
  Load load{{0}};
  for (int caution = Overload::kCaution; caution <= 4 * Overload::kMostCaution; caution *= 2) {
    ASSERT_TRUE(load.run(1s, kPatience + 2 * kFrame));
    EXPECT_EQ(wait_for_room(load), std::min(caution, Overload::kMostCaution) * kPatience);
  }
}

TEST(Overload, OneStepTakenBackTooEarlyCountsOnceThoughSeveralFollowIt) {
  Load load;
  ASSERT_TRUE(load.run(1s, kPatience + 2 * kFrame));
  EXPECT_EQ(wait_for_room(load), kBack);
  for (int n = 0; n < 3; ++n)
    ASSERT_TRUE(load.run(1s, kPatience + 2 * kFrame));
  EXPECT_EQ(wait_for_room(load), 2 * kBack);
}

TEST(Overload, AStepTakenBackForLongEnoughForgivesTheEarlierOnes) {
  Load load{{0}};
  for (int n = 0; n < 3; ++n) {
    ASSERT_TRUE(load.run(1s, kPatience + 2 * kFrame));
    (void)wait_for_room(load);
  }
  EXPECT_FALSE(load.run(0ms, Overload::kMostCaution * kPatience));
  ASSERT_TRUE(load.run(1s, kPatience + 2 * kFrame));
  EXPECT_EQ(wait_for_room(load), kBack);
}

TEST(Overload, OfNoRenditionsTakesNoStep) {
  Load load{{}};
  EXPECT_FALSE(load.run(1s, 1min));
  EXPECT_FALSE(load.run(0s, 1min));
}

// The machine has room for one step less than it is asked for, for ever.
TEST(Overload, ALoadThatFlapsIsTriedMoreAndMoreRarely) {
  Load load;
  int steps_of_last_hour = 0;
  for (int hour = 0; hour < 3; ++hour) {
    steps_of_last_hour = 0;
    for (const auto end = load.now + 1h; load.now < end;) {
      const bool fits = load.overload.steps() >= 2;
      steps_of_last_hour += load.run(fits ? 0ms : 1s, kFrame) ? 1 : 0;
    }
  }
  // One back and one down each 160 s of room and 2 s of patience.
  EXPECT_LE(steps_of_last_hour, 2 * 3600 / 160);
  EXPECT_GE(steps_of_last_hour, 2 * (3600 / 170 - 1)) << "and is tried still";
}

TEST(Overload, AnyLoadKeepsStepsWithinTheirNumberAndEachRenditionWithinItsHalvings) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    std::vector<std::size_t> order(1 + random() % 5);
    for (std::size_t n = 0; n < order.size(); ++n)
      order[n] = 10 + n;
    Load load{order};
    std::map<std::size_t, int> thinning;
    for (const auto rendition : order)
      thinning[rendition] = 1;
    for (int n = 0; n < 200; ++n) {
      const auto backlog = Duration{std::chrono::milliseconds{random() % 300}};
      const auto step = load.run(backlog, std::chrono::milliseconds{random() % 40'000});
      ASSERT_LE(load.overload.steps(), Overload::kRounds * order.size());
      if (!step)
        continue;
      auto& its = thinning.at(step->rendition);
      ASSERT_EQ(step->thinning, step->is_down ? its * 2 : its / 2);
      its = step->thinning;
      ASSERT_GE(its, 1);
      ASSERT_LE(its, 1 << Overload::kRounds);
      ASSERT_EQ(step->is_down, backlog > Overload::kBehind);
      for (std::size_t i = 1; i < order.size(); ++i)
        ASSERT_GE(thinning[order[i - 1]], thinning[order[i]]) << "from the top to the bottom";
    }
  }
}

}  // namespace
}  // namespace onair::test
