// SPDX-License-Identifier: LGPL-2.1-or-later
#include "weather/impairment.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair::weather {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSeed = 20'260;
constexpr std::size_t kBytes = 1'000;

constexpr ClockTime at(Duration since_start) {
  return ClockTime{1h} + since_start;
}

bool is_drop(const Fate& fate, DropReason why) {
  const auto* drop = std::get_if<Drop>(&fate);
  return drop && drop->why == why;
}

// A packet each `spacing`: when those leave that are not lost, and how long each took.
struct Journey {
  std::vector<ClockTime> departures;
  std::vector<Duration> delays;
  std::vector<bool> is_lost;  // of all
};

Journey send(Impairment& impairment, int count, Duration spacing, ClockTime start = at(0s)) {
  Journey journey;
  for (int i = 0; i < count; ++i) {
    const auto now = start + i * spacing;
    const auto fate = impairment.on_packet(kBytes, now);
    const auto* pass = std::get_if<Pass>(&fate);
    journey.is_lost.push_back(pass == nullptr);
    if (!pass)
      continue;
    journey.departures.push_back(pass->at);
    journey.delays.push_back(pass->at - now);
  }
  return journey;
}

Journey send(const Weather& weather, int count, Duration spacing, std::uint64_t seed = kSeed) {
  Impairment impairment{weather, seed};
  return send(impairment, count, spacing);
}

double lost_share(const Journey& journey) {
  const auto lost = std::count(journey.is_lost.begin(), journey.is_lost.end(), true);
  return static_cast<double>(lost) / static_cast<double>(journey.is_lost.size());
}

double mean_ms(const std::vector<Duration>& delays) {
  double sum = 0;
  for (const auto delay : delays)
    sum += static_cast<double>(delay.count()) * 1e-6;
  return sum / static_cast<double>(delays.size());
}

double deviation_ms(const std::vector<Duration>& delays) {
  const double mean = mean_ms(delays);
  double sum = 0;
  for (const auto delay : delays)
    sum += std::pow(static_cast<double>(delay.count()) * 1e-6 - mean, 2);
  return std::sqrt(sum / static_cast<double>(delays.size()));
}

bool is_rising(const std::vector<ClockTime>& times) {
  return std::is_sorted(times.begin(), times.end());
}

TEST(Dice, RollsAreEvenAndNormalsAreNormal) {
  Dice dice{kSeed};
  constexpr int kCount = 100'000;
  double rolled = 0;
  double drawn = 0;
  double squares = 0;
  double waited = 0;
  for (int i = 0; i < kCount; ++i) {
    const double roll = dice.roll();
    ASSERT_GE(roll, 0);
    ASSERT_LT(roll, 1);
    rolled += roll / kCount;
    const double normal = dice.normal();
    drawn += normal / kCount;
    squares += normal * normal / kCount;
    waited += dice.exponential() / kCount;
  }
  // Four deviations of a mean of 100 000.
  EXPECT_NEAR(rolled, 0.5, 0.004);
  EXPECT_NEAR(drawn, 0, 0.013);
  EXPECT_NEAR(squares, 1, 0.018);
  EXPECT_NEAR(waited, 1, 0.013);
}

TEST(Impairment, CalmWeatherLetsEverythingThroughAtOnce) {
  const auto journey = send(Weather{}, 1'000, 1ms);
  EXPECT_EQ(lost_share(journey), 0);
  EXPECT_EQ(*std::max_element(journey.delays.begin(), journey.delays.end()), 0ns);
}

TEST(Impairment, TheShareThatIsLostIsTheOneThatWasSet) {
  for (const double loss : {0.0, 0.02, 0.5, 1.0}) {
    const auto journey = send({.loss = loss}, 100'000, 1ms);
    EXPECT_NEAR(lost_share(journey), loss, 4 * std::sqrt(loss * (1 - loss) / 100'000)) << loss;
  }
}

TEST(Impairment, TheSameSeedMakesTheSameWeather) {
  const Weather weather{.loss = 0.1, .delay = 50ms, .jitter = 30ms};
  const auto once = send(weather, 1'000, 5ms, 1);
  EXPECT_EQ(once.delays, send(weather, 1'000, 5ms, 1).delays);
  EXPECT_EQ(once.is_lost, send(weather, 1'000, 5ms, 1).is_lost);
  EXPECT_NE(once.is_lost, send(weather, 1'000, 5ms, 2).is_lost);
}

TEST(Impairment, TheSamePacketsAreLostHoweverTheyAreDelayed) {
  Weather weather{.loss = 0.1};
  const auto calm = send(weather, 1'000, 5ms);
  weather.jitter = 30ms;
  weather.delay = 50ms;
  weather.stall = 100ms;
  weather.every = 1s;
  weather.duplicate = 0.5;
  EXPECT_EQ(send(weather, 1'000, 5ms).is_lost, calm.is_lost);
}

TEST(Impairment, BurstsAreAsLongAndAsFarApartAsWasSet) {
  const auto journey = send({.burst_enter = 0.01, .burst_leave = 0.2}, 200'000, 1ms);
  int bursts = 0;
  for (std::size_t i = 1; i < journey.is_lost.size(); ++i)
    bursts += journey.is_lost[i] && !journey.is_lost[i - 1] ? 1 : 0;
  const double lost = lost_share(journey) * 200'000;
  EXPECT_NEAR(lost / bursts, 5, 0.5);                    // 1 / 0.2
  EXPECT_NEAR(lost_share(journey), 0.01 / 0.21, 0.004);  // enter / (enter + leave)
}

TEST(Impairment, OfABurstOnlyTheShareThatWasSetIsLost) {
  const Weather weather{.burst_enter = 1, .burst_leave = 0, .burst_loss = 0.3};
  EXPECT_NEAR(lost_share(send(weather, 10'000, 1ms)), 0.3, 0.02);
}

TEST(Impairment, ALossHasItsReason) {
  Impairment at_random{{.loss = 1}, kSeed};
  EXPECT_TRUE(is_drop(at_random.on_packet(kBytes, at(0s)), DropReason::Loss));
  Impairment in_burst{{.burst_enter = 1, .burst_leave = 0}, kSeed};
  EXPECT_TRUE(is_drop(in_burst.on_packet(kBytes, at(0s)), DropReason::Burst));
}

TEST(Impairment, UniformJitterFillsItsRangeAndDoesNotLeaveIt) {
  const auto journey =
      send({.delay = 50ms, .jitter = 30ms, .may_reorder = true}, 10'000, 1ms).delays;
  const auto [least, largest] = std::minmax_element(journey.begin(), journey.end());
  EXPECT_GE(*least, 20ms);
  EXPECT_LE(*least, 21ms);
  EXPECT_LE(*largest, 80ms);
  EXPECT_GE(*largest, 79ms);
  EXPECT_NEAR(mean_ms(journey), 50, 1);
  EXPECT_NEAR(deviation_ms(journey), 60 / std::sqrt(12.0), 0.5);
}

TEST(Impairment, NormalJitterHasItsDeviationAndNeverLeavesBeforeItCame) {
  Weather weather{
      .delay = 50ms, .jitter = 10ms, .spread = Weather::Spread::Normal, .may_reorder = true};
  const auto wide = send(weather, 10'000, 1ms).delays;
  EXPECT_NEAR(mean_ms(wide), 50, 0.4);
  EXPECT_NEAR(deviation_ms(wide), 10, 0.4);
  weather.delay = 5ms;
  const auto cut = send(weather, 10'000, 1ms).delays;
  EXPECT_EQ(*std::min_element(cut.begin(), cut.end()), 0ns);
}

TEST(Impairment, OrderIsKeptUnlessReorderingIsAllowed) {
  Weather weather{.delay = 50ms, .jitter = 30ms};
  EXPECT_TRUE(is_rising(send(weather, 1'000, 5ms).departures));
  weather.may_reorder = true;
  EXPECT_FALSE(is_rising(send(weather, 1'000, 5ms).departures));
}

// Why there is a period: who keeps order waits for the slowest of its neighbours.
TEST(Impairment, WhereOrderIsKeptDrawsOfEachPacketShowTheirUpperEndOnly) {
  const auto journey = send({.delay = 50ms, .jitter = 30ms}, 10'000, 5ms).delays;
  EXPECT_GT(mean_ms(journey), 60);
  EXPECT_LE(*std::max_element(journey.begin(), journey.end()), 80ms);
}

TEST(Impairment, AJitterWithAPeriodKeepsOrderAndMean) {
  const auto journey = send({.delay = 50ms, .jitter = 30ms, .period = 100ms}, 100'000, 5ms);
  const auto [least, largest] = std::minmax_element(journey.delays.begin(), journey.delays.end());
  EXPECT_NEAR(mean_ms(journey.delays), 50, 1);
  EXPECT_GE(*least, 20ms);
  EXPECT_LE(*least, 21ms);
  EXPECT_LE(*largest, 80ms);
  EXPECT_GE(*largest, 79ms);
  EXPECT_TRUE(is_rising(journey.departures));
  // From one end to the other in a period at most.
  for (std::size_t i = 1; i < journey.delays.size(); ++i)
    ASSERT_LE(std::chrono::abs(journey.delays[i] - journey.delays[i - 1]), 3ms + 1us);
}

TEST(Impairment, APeriodWithoutPacketsCostsNothing) {
  Impairment impairment{{.delay = 50ms, .jitter = 30ms, .period = 1us}, kSeed};
  const auto journey = send(impairment, 10, 24h);
  for (const auto delay : journey.delays) {
    EXPECT_GE(delay, 20ms);
    EXPECT_LE(delay, 80ms);
  }
}

TEST(Impairment, ALineTakesTheTimeThatItsRateSays) {
  Impairment impairment{{.rate = 1'000'000}, kSeed};  // 1000 bytes: 8 ms
  const auto journey = send(impairment, 3, 1ms);
  EXPECT_EQ(journey.delays, (std::vector<Duration>{8ms, 15ms, 22ms}));
  const auto later = send(impairment, 1, 1ms, at(1s));
  EXPECT_EQ(later.delays, std::vector<Duration>{8ms});
}

TEST(Impairment, WhatWouldWaitLongerThanTheQueueIsLost) {
  Impairment impairment{{.rate = 1'000'000, .queue = 8ms}, kSeed};
  const auto is_taken = [&](ClockTime now) {
    return std::holds_alternative<Pass>(impairment.on_packet(kBytes, now));
  };
  EXPECT_TRUE(is_taken(at(0s)));  // on the line until 8 ms
  EXPECT_TRUE(is_taken(at(0s)));  // waits exactly 8 ms, on the line until 16 ms
  EXPECT_TRUE(is_drop(impairment.on_packet(kBytes, at(8ms - 1ns)), DropReason::QueueFull));
  EXPECT_TRUE(is_taken(at(8ms)));
}

TEST(Impairment, InAStallNothingLeavesAndThenAllAtOnce) {
  const auto journey = send({.stall = 300ms, .every = 2s}, 100'000, 5ms);
  EXPECT_TRUE(is_rising(journey.departures));
  EXPECT_LE(*std::max_element(journey.delays.begin(), journey.delays.end()), 300ms);
  int stalls = 0;
  int delayed = 0;
  for (std::size_t i = 0; i < journey.delays.size(); ++i) {
    delayed += journey.delays[i] > 0ns ? 1 : 0;
    stalls += journey.delays[i] > 0ns && (i == 0 || journey.delays[i - 1] == 0ns) ? 1 : 0;
  }
  // 500 s hold 500/2.3 stalls of 60 packets; four deviations of as many exponential pauses.
  EXPECT_NEAR(stalls, 217, 55);
  EXPECT_NEAR(static_cast<double>(delayed) / stalls, 60, 1);
}

TEST(Impairment, DuplicatesAreOfTheShareThatWasSet) {
  Impairment impairment{{.duplicate = 0.1}, kSeed};
  int copies = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto fate = impairment.on_packet(kBytes, at(i * 1ms));
    copies += std::get<Pass>(fate).copy_at ? 1 : 0;
  }
  EXPECT_NEAR(copies, 1'000, 120);
  EXPECT_EQ(impairment.take_counters().copies, static_cast<std::uint64_t>(copies));
}

TEST(Impairment, WhenItClearsNobodyOvertakesWhatIsUnderWay) {
  Impairment impairment{{.delay = 100ms}, kSeed};
  EXPECT_EQ(send(impairment, 1, 1ms, at(0s)).delays, std::vector<Duration>{100ms});
  impairment.change(Weather{});
  EXPECT_EQ(send(impairment, 1, 1ms, at(30ms)).delays, std::vector<Duration>{70ms});
  EXPECT_EQ(send(impairment, 1, 1ms, at(100ms)).delays, std::vector<Duration>{0ms});
}

TEST(Impairment, CountersAddUpAndBeginAnew) {
  Impairment impairment{{.loss = 0.3, .rate = 1'000'000, .queue = 20ms, .delay = 10ms}, kSeed};
  const auto journey = send(impairment, 1'000, 5ms);
  const auto counters = impairment.take_counters();
  EXPECT_EQ(counters.packets, 1'000u);
  EXPECT_EQ(counters.bytes, 1'000u * kBytes);
  EXPECT_EQ(counters.passed(), journey.delays.size());
  EXPECT_GT(counters.drops[static_cast<std::size_t>(DropReason::QueueFull)], 0u);
  const auto [least, largest] = std::minmax_element(journey.delays.begin(), journey.delays.end());
  EXPECT_EQ(counters.least_delay, *least);
  EXPECT_EQ(counters.largest_delay, *largest);
  EXPECT_EQ(impairment.take_counters().packets, 0u);
}

}  // namespace
}  // namespace onair::weather
