// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lag_estimator.hpp"

#include <random>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

RunningTime at(Duration time) {
  return RunningTime{time};
}

TEST(LagEstimator, KnowsNothingBeforeTheFirstPiece) {
  LagEstimator lags;
  EXPECT_FALSE(lags.envelope());
  lags.add(at(1s), -5ms);
  EXPECT_EQ(lags.envelope(), -5ms);
}

TEST(LagEstimator, FollowsALagThatFallsAtOnce) {
  LagEstimator lags;
  lags.add(at(1s), 50ms);
  lags.add(at(1s + 20ms), 30ms);
  EXPECT_EQ(lags.envelope(), 30ms);
  lags.add(at(1s + 40ms), 400ms);
  EXPECT_EQ(lags.envelope(), 30ms);
}

TEST(LagEstimator, ForgetsALeastLagThatIsOlderThanTheWindow) {
  LagEstimator lags{30s};
  lags.add(at(0s), 10ms);
  lags.add(at(15s), 20ms);
  lags.add(at(30s - 1ns), 40ms);
  EXPECT_EQ(lags.envelope(), 10ms);
  lags.add(at(30s), 40ms);
  EXPECT_EQ(lags.envelope(), 20ms);
  lags.add(at(45s), 40ms);
  EXPECT_EQ(lags.envelope(), 40ms);
}

TEST(LagEstimator, StaysAsItWasWhileNothingComes) {
  LagEstimator lags{30s};
  lags.add(at(0s), 10ms);
  EXPECT_EQ(lags.envelope(), 10ms) << "however long that is";
  lags.add(at(1h), 70ms);
  EXPECT_EQ(lags.envelope(), 70ms);
}

TEST(LagEstimator, IsRebasedOnAnotherPath) {
  LagEstimator lags;
  lags.add(at(0s), 10ms);
  lags.rebase(at(1s), 900ms);
  EXPECT_EQ(lags.envelope(), 900ms);
}

// The sender's clock is wrong by 500 ppm for two days, in either direction, and packets jitter.
TEST(LagEstimator, FollowsDriftForDaysInBothDirections) {
  for (const double drift : {-500e-6, 500e-6}) {
    std::mt19937 random{7};
    std::uniform_int_distribution<int> jitter{0, 40'000'000};
    LagEstimator lags;
    for (Duration now{0}; now < 48h; now += 500ms) {
      const Duration floor{static_cast<Duration::rep>(drift * static_cast<double>(now.count()))};
      lags.add(at(now), floor + Duration{jitter(random)});
      ASSERT_GE(*lags.envelope(), floor - 16ms) << "seed 7 at " << now.count();
      ASSERT_LE(*lags.envelope(), floor + 41ms) << "seed 7 at " << now.count();
    }
  }
}

}  // namespace
}  // namespace onair::test
