// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drift_estimator.hpp"

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

RunningTime at(Duration time) {
  return RunningTime{time};
}

// Feeds a packet each 20 ms: transit grows by `ppm`, above it lies noise of up to `jitter`.
class Stream {
 public:
  explicit Stream(double ppm, Duration jitter = 2ms) : ppm_{ppm}, jitter_{jitter} {}

  void run(DriftEstimator& estimator, Duration length, Duration extra = Duration{0}) {
    for (const auto end = now_ + length; now_ < end; now_ += 20ms) {
      noise_ = noise_ * 6364136223846793005U + 1442695040888963407U;
      const auto share = static_cast<double>(noise_ >> 40U) / static_cast<double>(1U << 24U);
      const auto noise = static_cast<double>(jitter_.count()) * share;
      estimator.on_sample(at(now_), base() + extra + Duration{std::llround(noise)});
    }
  }
  // The transit of a packet that meets no queue.
  [[nodiscard]] Duration base() const {
    return 40ms + Duration{std::llround(static_cast<double>(now_.count()) * ppm_ * 1e-6)};
  }
  [[nodiscard]] RunningTime now() const { return at(now_); }
  void pause(Duration length) { now_ += length; }

 private:
  double ppm_;
  Duration jitter_;
  Duration now_{0};
  std::uint64_t noise_ = 42;
};

TEST(DriftEstimator, KnowsNothingBeforeTheFirstSample) {
  const DriftEstimator estimator;
  EXPECT_FALSE(estimator.floor(at(1s)).has_value());
  EXPECT_EQ(estimator.estimate().slope, 0);
  EXPECT_EQ(estimator.estimate().confidence, 0);
}

TEST(DriftEstimator, TheFirstSampleIsTheFloor) {
  DriftEstimator estimator;
  estimator.on_sample(at(1s), 30ms);
  EXPECT_EQ(estimator.floor(at(1s)), 30ms);
}

TEST(DriftEstimator, TheFloorIsTheLeastTransitAndHigherOnesDoNotMoveIt) {
  DriftEstimator estimator;
  estimator.on_sample(at(1s), 30ms);
  estimator.on_sample(at(1020ms), 30ms + 1ns);
  EXPECT_EQ(estimator.floor(at(1020ms)), 30ms);
  estimator.on_sample(at(1040ms), 30ms - 1ns);
  EXPECT_EQ(estimator.floor(at(1040ms)), 30ms - 1ns);
}

TEST(DriftEstimator, FindsClocksUpTo300PpmInEitherDirectionWithinAMinute) {
  for (const auto ppm : {-300.0, -200.0, -50.0, 0.0, 50.0, 200.0, 300.0}) {
    DriftEstimator estimator;
    Stream stream{ppm};
    stream.run(estimator, 60s);
    EXPECT_NEAR(estimator.estimate().ppm(), ppm, 5 + 0.05 * std::abs(ppm));
    EXPECT_GT(estimator.estimate().confidence, 0.9) << ppm;
  }
}

TEST(DriftEstimator, TheFloorFollowsTheClockWithinAMillisecondAfterAMinute) {
  for (const auto ppm : {-300.0, 300.0}) {
    DriftEstimator estimator;
    Stream stream{ppm};
    stream.run(estimator, 60s);
    for (auto second = 0; second < 300; ++second) {
      stream.run(estimator, 1s);
      const auto error = *estimator.floor(stream.now()) - stream.base();
      EXPECT_LE(std::chrono::abs(error), 1ms) << ppm << " ppm, second " << second;
    }
  }
}

TEST(DriftEstimator, ARouteChangeIsNoDrift) {
  DriftEstimator estimator;
  Stream stream{100};
  stream.run(estimator, 120s);
  for (auto second = 0; second < 120; ++second) {
    stream.run(estimator, 1s, 50ms);
    EXPECT_NEAR(estimator.estimate().ppm(), 100, 30) << "second " << second << " on the new route";
  }
  EXPECT_LE(std::chrono::abs(*estimator.floor(stream.now()) - stream.base() - 50ms), 1ms);
}

TEST(DriftEstimator, AStallIsNoDrift) {
  DriftEstimator estimator;
  Stream stream{-100};
  stream.run(estimator, 60s);
  stream.run(estimator, 3s, 2s);
  stream.run(estimator, 10s);
  EXPECT_NEAR(estimator.estimate().ppm(), -100, 20);
  EXPECT_LE(std::chrono::abs(*estimator.floor(stream.now()) - stream.base()), 1ms);
}

TEST(DriftEstimator, AQueueThatFillsForTwentySecondsIsNoDrift) {
  DriftEstimator estimator;
  Stream stream{0};
  stream.run(estimator, 60s);
  for (auto step = 0; step < 200; ++step)
    stream.run(estimator, 100ms, step * 1ms);
  EXPECT_NEAR(estimator.estimate().ppm(), 0, 50);
}

TEST(DriftEstimator, FewSamplesAreShrunkTowardsNoDrift) {
  DriftEstimator estimator;
  Stream stream{0, 20ms};
  stream.run(estimator, 8s);
  EXPECT_LT(std::abs(estimator.estimate().ppm()), 50);
  EXPECT_LT(estimator.estimate().confidence, 0.95);
}

TEST(DriftEstimator, LivesThroughAPauseAndThroughArrivalsFromThePast) {
  DriftEstimator estimator;
  Stream stream{50};
  stream.run(estimator, 60s);
  stream.pause(300s);
  stream.run(estimator, 30s);
  EXPECT_NEAR(estimator.estimate().ppm(), 50, 20);
  estimator.on_sample(at(0s), 10s);
  EXPECT_LE(std::chrono::abs(*estimator.floor(stream.now()) - stream.base()), 1ms);
}

TEST(DriftEstimator, ResetForgets) {
  DriftEstimator estimator;
  Stream stream{200};
  stream.run(estimator, 60s);
  estimator.reset();
  EXPECT_FALSE(estimator.floor(stream.now()).has_value());
  EXPECT_EQ(estimator.estimate().slope, 0);
}

}  // namespace
}  // namespace onair
