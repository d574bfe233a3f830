// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_gate.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using Need = FrameGate::Need;

RunningTime at(Duration time) {
  return RunningTime{time};
}

// Frame n of a steady source.
RunningTime frame(double fps, int n) {
  return at(Duration{std::llround(n * 1e9 / fps)});
}

// Each frame displaced by up to that much; they stay in order.
std::vector<RunningTime> source(double fps, Duration length, Duration jitter = 0ms,
                                std::uint64_t seed = 1) {
  std::mt19937_64 random{seed};
  std::vector<RunningTime> frames;
  for (int n = 0; frame(fps, n) < at(length); ++n) {
    const auto by = jitter == 0ms ? Duration{0}
                                  : Duration{std::uniform_int_distribution<std::int64_t>{
                                        -jitter.count(), jitter.count()}(random)};
    frames.push_back(frame(fps, n) + by);
  }
  std::sort(frames.begin(), frames.end());
  return frames;
}

// Numbers of those that are taken.
std::vector<int> taken(FrameGate& gate, const std::vector<RunningTime>& frames) {
  std::vector<int> numbers;
  for (std::size_t n = 0; n < frames.size(); ++n)
    if (gate.take(frames[n]))
      numbers.push_back(static_cast<int>(n));
  return numbers;
}

// The distances that occur between those that are taken, in frames of the source, behind the first
// second or two, while the source is still to be known.
std::vector<int> cadence(const std::vector<int>& numbers, std::size_t from) {
  std::vector<int> steps;
  for (std::size_t n = from + 1; n < numbers.size(); ++n)
    steps.push_back(numbers[n] - numbers[n - 1]);
  return steps;
}

// ---- sources that are not faster

TEST(FrameGate, TakesTheFirstFrame) {
  FrameGate gate{{30, 1}};
  EXPECT_TRUE(gate.take(at(-5s)));
}

TEST(FrameGate, ASourceThatIsNotFasterGoesThroughAsItIs) {
  for (const double most : {3.0, 15.0, 16.0, 25.0, 30.0, 60.0})
    for (const double fps :
         {0.5, 1.0, 3.0, 5.0, 12.5, 15.0, 16.0, 23.976, 25.0, 29.97, 30.0, 60.0}) {
      if (fps > most)
        continue;
      FrameGate gate{{static_cast<int>(most), 1}};
      const auto frames = source(fps, 120s);
      EXPECT_EQ(taken(gate, frames).size(), frames.size()) << fps << " of " << most;
    }
}

TEST(FrameGate, JitterOfTenMillisecondsLosesNothing) {
  for (const double fps : {5.0, 15.0, 16.0, 24.0, 25.0, 29.97, 30.0})
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      FrameGate gate{{30, 1}};
      const auto frames = source(fps, 100s, 10ms, seed);
      ASSERT_EQ(taken(gate, frames).size(), frames.size()) << fps << " fps, seed " << seed;
    }
}

TEST(FrameGate, ACameraWhoseClockIsALittleFastLosesNothing) {
  for (const double fps : {30.003, 30.03, 30.1}) {
    FrameGate gate{{30, 1}};
    const auto frames = source(fps, 1h, 2ms);
    EXPECT_EQ(taken(gate, frames).size(), frames.size()) << fps;
  }
  FrameGate gate{{30'000, 1001}};
  const auto frames = source(30, 1h);
  EXPECT_EQ(taken(gate, frames).size(), frames.size());
}

TEST(FrameGate, AFasterOneThanThatIsHeldToTheRate) {
  FrameGate gate{{30, 1}};
  const auto frames = source(30.3, 1000s);
  EXPECT_LE(taken(gate, frames).size(), 30'000 * 1.004 + 3);
}

TEST(FrameGate, ASourceThatAlternatesBetweenTwoIntervalsBelowTheRateGoesThrough) {
  FrameGate gate{{30, 1}};
  auto now = at(0s);
  for (int n = 0; n < 1000; ++n)
    ASSERT_TRUE(gate.take(now += (n % 2 ? 34ms : 100ms))) << n;
}

// ---- sources that are

TEST(FrameGate, OfSixtyEachSecondOneIsTakenForThirty) {
  FrameGate gate{{30, 1}};
  const auto numbers = taken(gate, source(60, 60s));
  EXPECT_THAT(cadence(numbers, 10), testing::Each(2));
  EXPECT_NEAR(static_cast<double>(numbers.size()), 1800, 3);
}

TEST(FrameGate, WholeRatiosHaveAnEvenCadence) {
  for (const auto& [fps, most] :
       {std::pair{60, 20}, {60, 15}, {30, 15}, {50, 25}, {120, 60}, {120, 30}, {30, 10}, {30, 3}}) {
    FrameGate gate{{most, 1}};
    EXPECT_THAT(cadence(taken(gate, source(fps, 100s)), 30), testing::Each(fps / most))
        << fps << " to " << most;
  }
}

TEST(FrameGate, WholeRatiosHaveAnEvenCadenceThroughJitter) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    FrameGate gate{{30, 1}};
    ASSERT_THAT(cadence(taken(gate, source(60, 60s, 3ms, seed)), 30), testing::Each(2))
        << "seed " << seed;
  }
}

TEST(FrameGate, OfSixtyThatJitterByTenMillisecondsNearlyEachSecondOneIsTaken) {
  std::size_t uneven = 0;
  std::size_t all = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    FrameGate gate{{30, 1}};
    const auto steps = cadence(taken(gate, source(60, 100s, 10ms, seed)), 30);
    ASSERT_THAT(steps, testing::Each(testing::AllOf(testing::Ge(1), testing::Le(3)))) << seed;
    uneven += steps.size() - static_cast<std::size_t>(std::count(steps.begin(), steps.end(), 2));
    all += steps.size();
  }
  EXPECT_LE(static_cast<double>(uneven), 0.01 * static_cast<double>(all))
      << uneven << " of " << all;
}

// Of any ratio only the two whole steps next to it occur, as evenly as there are numbers for.
TEST(FrameGate, AnyRatioHasTheTwoStepsNextToIt) {
  for (int most = 3; most <= 60; most += 4)
    for (int fps = most + 1; fps <= 120; fps += 3) {
      FrameGate gate{{most, 1}};
      const auto steps = cadence(taken(gate, source(fps, 30s)), 40);
      ASSERT_THAT(steps, testing::Each(testing::AllOf(testing::Ge(fps / most),
                                                      testing::Le((fps + most - 1) / most))))
          << fps << " to " << most;
    }
}

TEST(FrameGate, TheMeanRateIsTheLowerOfBoth) {
  for (int most = 3; most <= 60; most += 4)
    for (int fps = 5; fps <= 120; fps += 7) {
      FrameGate gate{{most, 1}};
      const double rate = static_cast<double>(taken(gate, source(fps, 100s)).size()) / 100;
      const double wanted = std::min(most, fps);
      ASSERT_LE(rate, wanted * 1.004 + 0.04) << fps << " to " << most;
      ASSERT_GE(rate, wanted * 0.996 - 0.04) << fps << " to " << most;
    }
}

TEST(FrameGate, EveryPlaceHasAFrameAtMostHalfAnIntervalAway) {
  for (const int fps : {31, 40, 50, 59, 75, 90}) {
    FrameGate gate{{30, 1}};
    const auto frames = source(fps, 60s);
    const auto numbers = taken(gate, frames);
    for (std::size_t n = 31; n < numbers.size(); ++n) {
      const auto apart = frames[static_cast<std::size_t>(numbers[n])] -
                         frames[static_cast<std::size_t>(numbers[n - 1])];
      // Half an interval at either end, and the 0.4 %.
      ASSERT_NEAR(in_ms(apart), 1e3 / 30, 1e3 / fps + 0.2) << fps << " fps, frame " << n;
    }
  }
}

// ---- rates that vary

// From 5 to 120 frames a second, for up to five seconds each, with pauses.
std::vector<RunningTime> varying(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<RunningTime> frames;
  auto now = at(0s);
  while (now < at(200s)) {
    const Duration interval = Duration{1s} / (5 + static_cast<int>(random() % 116));
    for (const auto end = now + std::chrono::milliseconds{random() % 5000}; now < end;
         now += interval)
      frames.push_back(now);
    if (random() % 5 == 0)
      now += std::chrono::milliseconds{random() % 3000};
  }
  return frames;
}

TEST(FrameGate, ASourceOfVaryingRateIsHeldToTheRateOverAnyLongStretch) {
  for (const int most : {5, 15, 30, 60})
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      FrameGate gate{{most, 1}};
      const auto frames = varying(seed);
      std::vector<RunningTime> out;
      for (const auto time : frames)
        if (gate.take(time))
          out.push_back(time);
      const auto second = static_cast<std::size_t>(most);
      for (std::size_t n = 0; n + 10 * second < out.size(); ++n) {
        const auto span = out[n + 10 * second] - out[n];
        // 10 s of places; a change of rate may have brought a frame or two.
        ASSERT_GE(in_ms(span), 10'000 * 0.99 - 2e3 / most) << most << " fps, seed " << seed;
      }
    }
}

TEST(FrameGate, OfASourceOfVaryingRateNoFrameIsLeftOutThatIsAPlaceAndAHalfBehindTheLast) {
  for (const int most : {5, 15, 30, 60})
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      FrameGate gate{{most, 1}};
      const Duration period = Duration{1s} / most;
      auto last = at(0s);
      for (const auto time : varying(seed)) {
        if (gate.take(time))
          last = time;
        else  // times are smoothed by 20 ms at most, at either end
          ASSERT_LE(time - last, period + period / 2 + 40ms)
              << most << " fps, seed " << seed << ", " << in_ms(time.time_since_epoch()) << " ms";
      }
    }
}

TEST(FrameGate, TheFirstFrameBehindAPauseIsTakenAndTheRowBeginsThere) {
  FrameGate gate{{30, 1}};
  (void)taken(gate, source(60, 10s));
  const auto begin = at(13s + 3ms);
  EXPECT_TRUE(gate.take(begin));
  int count = 1;
  for (int n = 1; n < 120; ++n)
    count += gate.take(begin + n * (Duration{1s} / 60)) ? 1 : 0;
  EXPECT_NEAR(count, 60, 2);
}

TEST(FrameGate, AnotherTimeLineBeginsWithItsFirstFrame) {
  FrameGate gate{{30, 1}};
  gate.thin_out(2);
  (void)taken(gate, source(60, 10s));
  gate.reset();
  EXPECT_EQ(gate.thinning(), 2);
  EXPECT_TRUE(gate.take(at(0s)));
  EXPECT_FALSE(gate.take(at(17ms)));
}

// ---- needs

TEST(FrameGate, AFrameThatMustPassDoesAndTheRowGoesOnFromThere) {
  FrameGate gate{{15, 1}};
  (void)taken(gate, source(60, 10s));
  // The one behind a taken one.
  int n = 600;
  while (!gate.take(frame(60, n)))
    ++n;
  EXPECT_TRUE(gate.take(frame(60, n + 1), Need::Pass));
  for (int i = 2; i <= 4; ++i)
    EXPECT_FALSE(gate.take(frame(60, n + i))) << i;
  EXPECT_TRUE(gate.take(frame(60, n + 5)));
}

TEST(FrameGate, AFrameThatMustStayDoesAndTheNextOneTakesItsPlace) {
  FrameGate gate{{30, 1}};
  (void)taken(gate, source(60, 10s));
  int n = 600;
  while (!gate.take(frame(60, n)))
    ++n;
  EXPECT_FALSE(gate.take(frame(60, n + 1)));
  EXPECT_FALSE(gate.take(frame(60, n + 2), Need::Stay));
  EXPECT_TRUE(gate.take(frame(60, n + 3)));
}

TEST(FrameGate, TheFirstFrameMayHaveToStay) {
  FrameGate gate{{30, 1}};
  EXPECT_FALSE(gate.take(at(0s), Need::Stay));
  EXPECT_TRUE(gate.take(at(33ms)));
}

TEST(FrameGate, KeyFramesBetweenPlacesDoNotAddUp) {
  // Each two seconds one at a frame by chance: a row begins with it, and costs a frame at most.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random{seed};
    FrameGate gate{{25, 1}};
    int count = 0;
    const auto frames = source(60, 200s);
    auto key = random() % 120;
    for (std::size_t n = 0; n < frames.size(); ++n) {
      count += gate.take(frames[n], n == key ? Need::Pass : Need::None) ? 1 : 0;
      if (n == key)
        key += 60 + random() % 120;
    }
    EXPECT_LE(count, 25 * 200 + 100 + 3) << "seed " << seed;
    EXPECT_GE(count, 25 * 200 - 100 - 3) << "seed " << seed;
  }
}

// ---- thinning

TEST(FrameGate, ThinnedOutItTakesEachNthPlace) {
  for (const int n : {2, 4}) {
    FrameGate gate{{30, 1}};
    gate.thin_out(n);
    EXPECT_THAT(cadence(taken(gate, source(30, 60s)), 10), testing::Each(n));
  }
}

TEST(FrameGate, ThinnedOutItTakesEachNthPlaceThroughJitter) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    FrameGate gate{{30, 1}};
    gate.thin_out(2);
    ASSERT_THAT(cadence(taken(gate, source(30, 60s, 10ms, seed)), 30), testing::Each(2)) << seed;
  }
}

TEST(FrameGate, ThinningThatEndsLetsAllThroughAgain) {
  FrameGate gate{{30, 1}};
  gate.thin_out(4);
  (void)taken(gate, source(30, 10s));
  gate.thin_out(1);
  int left_out = 0;
  for (int n = 300; n < 900; ++n)
    left_out += gate.take(frame(30, n)) ? 0 : 1;
  EXPECT_LE(left_out, 3) << "up to the place that was next";
}

TEST(FrameGate, ThinningOfLessThanOneIsNone) {
  for (const int n : {1, 0, -1}) {
    FrameGate gate{{30, 1}};
    gate.thin_out(n);
    EXPECT_EQ(gate.thinning(), 1);
  }
}

}  // namespace
}  // namespace onair::test
