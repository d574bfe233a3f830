// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transit_envelope.hpp"

#include <cmath>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

RunningTime at(Duration since_start) {
  return RunningTime{since_start};
}

// A stream of 50 packets a second whose transit time is `transit` and `rate` more each second, each
// packet at times behind a queue.
class Path {
 public:
  explicit Path(TransitEnvelope& envelope, std::uint64_t seed = 1)
      : envelope_{envelope}, random_{seed} {}

  void run(Duration length, Duration mean_queue = Duration{0}) {
    for (const auto end = sent_ + length; sent_ < end; sent_ += 20ms) {
      transit_now_ += rate * 20e6;
      const auto transit = Duration{std::llround(transit_now_)} + transit_ + queue(mean_queue);
      envelope_.on_sample(at(sent_), transit);
    }
  }
  // What the floor would be if the path were known.
  [[nodiscard]] Duration truth() const { return Duration{std::llround(transit_now_)} + transit_; }
  [[nodiscard]] RunningTime now() const { return at(sent_); }
  void set_transit(Duration transit) { transit_ = transit; }

  double rate = 0;

 private:
  Duration queue(Duration mean) {
    if (mean == Duration{0})
      return mean;
    std::exponential_distribution<double> distribution{1.0 / static_cast<double>(mean.count())};
    return Duration{std::llround(distribution(random_))};
  }

  TransitEnvelope& envelope_;
  std::mt19937_64 random_;
  Duration sent_{0};
  Duration transit_{0};
  double transit_now_ = 0;
};

TEST(TransitEnvelope, KnowsNothingBeforeTheFirstSample) {
  const TransitEnvelope envelope;
  EXPECT_FALSE(envelope.floor(at(0s)));
  EXPECT_EQ(envelope.rate(), 0);
  EXPECT_EQ(envelope.rate_deviation(), 200e-6);
  EXPECT_EQ(envelope.span(), 0s);
}

TEST(TransitEnvelope, TheFirstSampleIsTheFloor) {
  TransitEnvelope envelope;
  envelope.on_sample(at(5s), -7s);
  EXPECT_EQ(envelope.floor(at(5s)), -7s);
  EXPECT_EQ(envelope.span(), 0s);
}

TEST(TransitEnvelope, ALowerSampleCountsAtOnceAndAHigherOneDoesNot) {
  TransitEnvelope envelope;
  envelope.on_sample(at(0s), 50ms);
  envelope.on_sample(at(20ms), 50ms + 1ns);
  EXPECT_EQ(envelope.floor(at(20ms)), 50ms);
  envelope.on_sample(at(40ms), 50ms - 1ns);
  EXPECT_EQ(envelope.floor(at(40ms)), 50ms - 1ns);
  // Also in another second than that of the former lowest.
  envelope.on_sample(at(2s), 30ms);
  EXPECT_EQ(envelope.floor(at(2s)), 30ms);
}

TEST(TransitEnvelope, TheLowestCountsForFortySecondsAndIsLetGoSlowlyBehindThem) {
  TransitEnvelope envelope;
  envelope.on_sample(at(0s), 10ms);
  envelope.on_sample(at(20s), 60ms);
  envelope.on_sample(at(40s), 60ms);
  EXPECT_EQ(envelope.floor(at(40s)), 10ms);
  envelope.on_sample(at(60s), 60ms);
  EXPECT_EQ(envelope.floor(at(60s)), 11ms);
  EXPECT_EQ(envelope.floor(at(60s), 60s), 10ms) << "or for as long as is asked";
  EXPECT_EQ(envelope.floor(at(60s), 50s), 10ms + 400us);
}

TEST(TransitEnvelope, TheNewestCountsHoweverLongTheSilenceBehindItIs) {
  TransitEnvelope envelope;
  envelope.on_sample(at(0s), 10ms);
  EXPECT_EQ(envelope.floor(at(24h)), 10ms);
  envelope.on_sample(at(24h), 60ms);
  EXPECT_EQ(envelope.floor(at(24h)), 60ms);
}

TEST(TransitEnvelope, ASampleThatIsOvertakenCountsLikeAnother) {
  TransitEnvelope envelope;
  envelope.on_sample(at(1s), 20ms);
  envelope.on_sample(at(900ms), 10ms);
  EXPECT_EQ(envelope.floor(at(1s)), 10ms);
  EXPECT_EQ(envelope.span(), 0s) << "the newest sample came first, nothing is known of before";
}

TEST(TransitEnvelope, TheRateIsNotLookedForInLessThanFourSeconds) {
  TransitEnvelope envelope;
  for (int second = 0; second < 4; ++second)
    envelope.on_sample(at(second * 1s), second * 100us);
  EXPECT_EQ(envelope.rate(), 0);
  // The fifth second closes the fourth.
  envelope.on_sample(at(4s), 400us);
  EXPECT_GT(envelope.rate(), 0);
}

TEST(TransitEnvelope, TheRateIsThatOfTheTwoClocksBehindAnyQueue) {
  for (const double rate : {-200e-6, -80e-6, 0.0, 80e-6, 200e-6}) {
    TransitEnvelope envelope;
    Path path{envelope};
    path.rate = rate;
    path.run(300s, 15ms);
    // One in fifty packets a second finds a queue of 0.3 ms: over 300 s some ppm.
    EXPECT_NEAR(envelope.rate(), rate, 5e-6);
    EXPECT_LT(envelope.rate_deviation(), 10e-6);
    EXPECT_NEAR(static_cast<double>((*envelope.floor(path.now()) - path.truth()).count()), 0, 1e6);
  }
}

TEST(TransitEnvelope, AClockThatIsOffByAThousandPpmIsFound) {
  for (const double rate : {-1e-3, 1e-3}) {
    TransitEnvelope envelope;
    Path path{envelope};
    path.rate = rate;
    path.run(30s, 2ms);
    EXPECT_EQ(envelope.rate(), 0) << "a queue may fill for as long";
    path.run(5s, 2ms);
    for (int second = 0; second < 300; ++second) {
      path.run(1s, 2ms);
      ASSERT_NEAR(envelope.rate(), rate, 50e-6) << second;
      ASSERT_NEAR(static_cast<double>((*envelope.floor(path.now()) - path.truth()).count()), 0, 2e6)
          << second;
    }
  }
}

TEST(TransitEnvelope, AQueueThatFillsIsNoClock) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.run(6s);
  for (int second = 0; second < 100; ++second) {
    path.set_transit(second * 4ms);
    path.run(1s);
    ASSERT_NEAR(envelope.rate(), 0, 20e-6) << second;
  }
}

TEST(TransitEnvelope, NoLessIsKnownOfTheRateThanBeforeAnything) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.run(3000s, 10s);
  EXPECT_LE(envelope.rate_deviation(), 200e-6);
}

TEST(TransitEnvelope, TheDeviationSaysHowFarTheRateMayBeOff) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    TransitEnvelope envelope;
    Path path{envelope, seed};
    path.rate = 100e-6;
    for (const auto length : {10s, 20s, 30s, 60s, 120s}) {
      const auto before = envelope.rate_deviation();
      path.run(length, 20ms);
      EXPECT_LE(envelope.rate_deviation(), before * 1.5) << "more is known than before, or nearly";
      EXPECT_LT(std::abs(envelope.rate() - path.rate), 4 * envelope.rate_deviation());
    }
  }
}

TEST(TransitEnvelope, TheRateIsForgottenAfterFiveMinutes) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.rate = 100e-6;
  path.run(400s, 2ms);
  path.rate = -50e-6;
  path.run(310s, 2ms);
  EXPECT_NEAR(envelope.rate(), -50e-6, 3e-6);
}

TEST(TransitEnvelope, TheFloorGoesOnAtTheRateWhileNothingComes) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.rate = 100e-6;
  path.run(300s);
  const auto silent = *envelope.floor(path.now() + 100s) - *envelope.floor(path.now());
  EXPECT_NEAR(static_cast<double>(silent.count()), 10e6, 0.1e6);
}

// No clock runs so fast: it is a queue, or another way.
TEST(TransitEnvelope, AHigherFloorIsSeenWithinFiveMinutesAndALowerOneAtOnce) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.set_transit(40ms);
  path.run(120s);
  path.set_transit(70ms);
  for (int second = 0; second < 289; ++second) {
    path.run(1s);
    // 250 s more than the 40 s for which it counts.
    ASSERT_NEAR(static_cast<double>(envelope.floor(path.now())->count()), 46.5e6, 6.6e6) << second;
  }
  path.run(3s);
  EXPECT_EQ(*envelope.floor(path.now()), 70ms);
  path.set_transit(40ms);
  path.run(20ms);
  EXPECT_EQ(*envelope.floor(path.now()), 40ms);
}

TEST(TransitEnvelope, TheRateIsKeptWhileAQueueStands) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.rate = 100e-6;
  path.run(60s, 2ms);
  EXPECT_NEAR(envelope.rate(), 100e-6, 10e-6);
  const auto rate = envelope.rate();
  path.set_transit(80ms);
  for (int second = 0; second < 200; ++second) {
    path.run(1s, 2ms);
    ASSERT_NEAR(envelope.rate(), rate, 10e-6) << second;
  }
  path.set_transit(0ms);
  path.run(10s, 2ms);
  EXPECT_NEAR(envelope.rate(), 100e-6, 3e-6);
  EXPECT_NEAR(static_cast<double>((*envelope.floor(path.now()) - path.truth()).count()), 0, 1e6);
}

TEST(TransitEnvelope, TheRateIsFoundWhereMostMinimaMetAQueue) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    TransitEnvelope envelope;
    Path path{envelope, seed};
    path.rate = 300e-6;
    std::mt19937_64 random{seed};
    for (int n = 0; n < 30; ++n) {
      path.set_transit(80ms + Duration{static_cast<Duration::rep>(random() % 100'000'000)});
      path.run(6s, 10ms);
      path.set_transit(0ms);
      path.run(4s, 10ms);
    }
    EXPECT_NEAR(envelope.rate(), 300e-6, 8e-6);
    EXPECT_LT(envelope.rate_deviation(), 20e-6);
  }
}

TEST(TransitEnvelope, ARestartForgetsWhatWasLowAndKeepsTheRate) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.rate = 100e-6;
  path.run(100s);
  const auto rate = envelope.rate();
  envelope.restart(path.now());
  EXPECT_FALSE(envelope.floor(path.now()));
  EXPECT_EQ(envelope.span(), 0s);
  EXPECT_EQ(envelope.rate(), rate);
  envelope.on_sample(path.now() + 1s, 500ms);
  EXPECT_EQ(envelope.floor(path.now() + 1s), 500ms);
}

TEST(TransitEnvelope, TheSpanIsFromTheFirstSampleToTheNewest) {
  TransitEnvelope envelope;
  envelope.on_sample(at(3s), 0ms);
  envelope.on_sample(at(3500ms), 0ms);
  EXPECT_EQ(envelope.span(), 500ms);
  envelope.on_sample(at(1000s), 0ms);
  EXPECT_EQ(envelope.span(), 997s);
}

// Whatever comes: never above a sample of the last seconds, never below all that were seen by more
// than a rate can carry.
TEST(TransitEnvelope, TheFloorLiesBelowTheNewestSampleAndNearTheLowest) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    TransitEnvelope envelope;
    RunningTime arrival{};
    Duration lowest = Duration::max();
    for (int n = 0; n < 3000; ++n) {
      arrival += Duration{static_cast<Duration::rep>(random() % 300'000'000)};
      const auto transit = 100ms + Duration{static_cast<Duration::rep>(random() % 80'000'000)};
      lowest = std::min(lowest, transit);
      envelope.on_sample(arrival, transit);
      const auto floor = envelope.floor(arrival);
      ASSERT_TRUE(floor);
      ASSERT_LE(*floor, transit);
      // 40 s at what remains of the slope that 80 ms of noise can make.
      ASSERT_GE(*floor, lowest - 40ms);
    }
    EXPECT_GE(*envelope.floor(arrival), lowest - 2ms) << "in the end the noise is known for noise";
  }
}

}  // namespace
}  // namespace onair
