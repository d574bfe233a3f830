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

TEST(TransitEnvelope, TheLowestIsRememberedForFortySeconds) {
  TransitEnvelope envelope;
  envelope.on_sample(at(0s), 10ms);
  envelope.on_sample(at(20s), 60ms);
  envelope.on_sample(at(40s), 60ms);
  EXPECT_EQ(envelope.floor(at(40s)), 10ms);
  envelope.on_sample(at(40s) + 1ns, 60ms);
  EXPECT_EQ(envelope.floor(at(40s) + 1ns), 60ms);
  EXPECT_EQ(envelope.floor(at(40s) + 1ns, 40s + 1ns), 10ms) << "or for as long as is asked";
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

TEST(TransitEnvelope, AHigherFloorIsSeenWithinFortyOneSecondsAndALowerOneAtOnce) {
  TransitEnvelope envelope;
  Path path{envelope};
  path.set_transit(40ms);
  path.run(120s);
  path.set_transit(70ms);
  path.run(39s);
  // The step looks like a slope for a while, which is less believed the longer the flat part was.
  EXPECT_LT(*envelope.floor(path.now()), 50ms);
  path.run(2s);
  EXPECT_NEAR(static_cast<double>(envelope.floor(path.now())->count()), 70e6, 10e6);
  path.set_transit(40ms);
  path.run(20ms);
  EXPECT_EQ(*envelope.floor(at(path.now().time_since_epoch() - 20ms)), 40ms);
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
