// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wall_clock.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

using Source = WallClock::Source;

constexpr Duration kEpoch = 126 * 365 * 24h;  // 2025, or so
// What a published date may be off by: the promise of EXT-X-PROGRAM-DATE-TIME.
constexpr Duration kMostOff = 50ms;

RunningTime at(Duration time) {
  return RunningTime{time};
}
NtpTime utc(Duration time) {
  return NtpTime{kEpoch + time};
}
Duration date(WallClock& clock, Duration media) {
  return clock.at(at(media))->time_since_epoch() - kEpoch;
}

// A media clock that is off by so many parts per million, and a network.
struct World {
  double ppm = 0;
  Duration jitter{0};
  Duration every = 1s;  // what is told
  Source source = Source::Arrival;
  std::uint64_t seed = 1;
  Duration offset{0};  // of the wall clock
  double garbage = 0;  // of what is told

  Duration media{0};
  std::mt19937_64 random{seed};
  std::optional<std::pair<Duration, Duration>> last{};  // date

  [[nodiscard]] Duration truth(Duration of) const {
    return of + offset +
           Duration{static_cast<std::int64_t>(static_cast<double>(of.count()) * ppm / 1e6)};
  }
  void tell(WallClock& clock) {
    const Duration noise{
        std::uniform_int_distribution<std::int64_t>{-jitter.count(), jitter.count()}(random)};
    const bool is_garbage = std::uniform_real_distribution<>{}(random) < garbage;
    clock.observe(at(media), utc(truth(media) + noise + (is_garbage ? 1h : 0h)), source);
  }
  // Told as it goes on; a date each second. The largest error of those behind `settled`.
  Duration run(WallClock& clock, Duration length, Duration settled = 0s) {
    Duration worst{0};
    const auto end = media + length;
    settled += media;
    for (auto next = media; media < end; media += every) {
      tell(clock);
      for (; next <= media; next += 1s) {
        const auto published = date(clock, next);
        if (last) {
          const auto between = published - last->second - (next - last->first);
          EXPECT_LE(std::chrono::abs(between), (next - last->first) / 200 + 1ns);
        }
        last = {next, published};
        if (next >= settled)
          worst = std::max(worst, std::chrono::abs(published - truth(next)));
      }
    }
    return worst;
  }
  void begin_continuity(WallClock& clock) {
    clock.begin_continuity();
    last.reset();
  }
};

TEST(WallClock, KnowsNothingBeforeItIsTold) {
  WallClock clock;
  EXPECT_FALSE(clock.at(at(0s)));
  EXPECT_FALSE(clock.stats().source);
}

TEST(WallClock, TakesUpWhatItIsToldFirst) {
  WallClock clock;
  clock.observe(at(10s), utc(12s), Source::Local);
  EXPECT_EQ(date(clock, 10s), 12s);
  EXPECT_EQ(date(clock, 9s), 11s);
  EXPECT_EQ(date(clock, 70s), 72s);
}

TEST(WallClock, IsWithin50MsForADayOfDriftAndJitter) {
  for (const double ppm : {-200.0, -80.0, 0.0, 80.0, 200.0})
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      SCOPED_TRACE(testing::Message() << ppm << " ppm, seed " << seed);
      WallClock clock;
      World world{.ppm = ppm, .jitter = 30ms, .seed = seed};
      EXPECT_LE(world.run(clock, 24h), kMostOff);
      EXPECT_EQ(clock.stats().steps, 0U);
    }
}

TEST(WallClock, IsWithin25MsOnceItHasSettled) {
  for (const Duration every : {Duration{20ms}, Duration{200ms}, Duration{1s}, Duration{5s}}) {
    SCOPED_TRACE(testing::Message() << "told each " << in_ms(every) << " ms");
    WallClock clock;
    World world{.ppm = 200, .jitter = 30ms, .every = every};
    EXPECT_LE(world.run(clock, 1h, 1min), 25ms);
  }
}

TEST(WallClock, AShortBurstOfLatePacketsIsNotBelieved) {
  WallClock clock;
  World world;
  world.run(clock, 1min);
  world.offset = 800ms;
  world.run(clock, 4s);
  world.offset = 0s;
  EXPECT_LE(world.run(clock, 1min), 1ms);
  EXPECT_EQ(clock.stats().outliers, 4U);
  EXPECT_EQ(clock.stats().steps, 0U);
}

TEST(WallClock, OneReportInSevenMayBeGarbage) {
  WallClock clock;
  World world{.ppm = 80, .jitter = 5ms, .source = Source::Capture};
  world.tell(clock);
  world.garbage = 1.0 / 7;
  EXPECT_LE(world.run(clock, 1h), kMostOff);
  EXPECT_GT(clock.stats().outliers, 400U);
}

TEST(WallClock, AStepOfTwoSecondsIsFollowedWithoutOne) {
  for (const Duration step : {Duration{2s}, Duration{-2s}}) {
    WallClock clock;
    World world{.ppm = 80, .jitter = 10ms};
    world.run(clock, 10min);
    world.offset = step;
    world.run(clock, 5s + 400s + 1min);  // seen, gone at 0.5 %, settled
    EXPECT_LE(world.run(clock, 10min), kMostOff);
    EXPECT_EQ(clock.stats().steps, 1U);
    EXPECT_EQ(clock.stats().disregarded, 0s);
  }
}

TEST(WallClock, AStepOfAnHourIsTakenUpByTheNextContinuityAndTheDriftIsFollowedMeanwhile) {
  WallClock clock;
  World world{.ppm = 200};
  world.run(clock, 10min);
  world.offset = 1h;
  world.run(clock, 12h);
  // 200 ppm are 8.6 s since then.
  EXPECT_LE(std::chrono::abs(date(clock, world.media) - (world.truth(world.media) - 1h)), kMostOff);
  EXPECT_LE(std::chrono::abs(clock.stats().disregarded - 1h), kMostOff);
  world.begin_continuity(clock);
  EXPECT_LE(world.run(clock, 10min), kMostOff);
  EXPECT_EQ(clock.stats().disregarded, 0s);
}

TEST(WallClock, AnHourForthAndBackIsNoStepInTheEnd) {
  WallClock clock;
  World world;
  world.run(clock, 10min);
  world.offset = 1h;
  world.run(clock, 10min);
  world.offset = 0h;
  world.run(clock, 10s);
  EXPECT_LE(world.run(clock, 10min), 1ms);
  EXPECT_EQ(clock.stats().steps, 2U);
}

TEST(WallClock, StepsOnTheFarSideOfTheBoundAreNotGone) {
  for (const auto& [step, is_gone] :
       {std::pair{WallClock::kMostSlewed, true}, {WallClock::kMostSlewed + 1ns, false}}) {
    WallClock clock;
    World world;
    world.run(clock, 1min);
    world.offset = step;
    world.run(clock, 1min);
    EXPECT_EQ(clock.stats().disregarded == 0s, is_gone);
  }
}

TEST(WallClock, GoesOverToABetterSourceWithoutAStep) {
  WallClock clock;
  World world{.ppm = 80, .jitter = 5ms, .source = Source::Local};
  world.run(clock, 1min);
  world.source = Source::Arrival;
  world.offset = -50ms;
  world.run(clock, 1min);
  world.source = Source::Capture;
  world.offset = -300ms;
  world.run(clock, 2min);
  EXPECT_LE(world.run(clock, 10min), kMostOff);
  EXPECT_EQ(clock.stats().source, Source::Capture);
}

TEST(WallClock, ABetterSourceHoldsForFifteenSeconds) {
  WallClock clock;
  clock.observe(at(0s), utc(0s), Source::Capture);
  clock.observe(at(WallClock::kHolds - 1ns), utc(WallClock::kHolds + 100ms), Source::Arrival);
  EXPECT_EQ(clock.stats().source, Source::Capture);
  clock.observe(at(WallClock::kHolds), utc(WallClock::kHolds + 100ms), Source::Arrival);
  EXPECT_EQ(clock.stats().source, Source::Arrival);
}

TEST(WallClock, OneNewContinuityMayGoBackInTime) {
  WallClock clock;
  World world;
  world.run(clock, 1min);
  clock.begin_continuity();
  EXPECT_EQ(date(clock, 2min), 2min);  // nothing was told yet
  clock.observe(at(-5s), utc(1h), Source::Arrival);
  EXPECT_EQ(date(clock, -5s), 1h);
  EXPECT_EQ(date(clock, 0s), 1h + 5s);
}

// What comes in front of a new time line is told before anybody knows that it is a new one.
TEST(WallClock, AContinuityBeginsWithWhatWasToldOfItsFirstInstant) {
  for (const auto& [told, is_about_it] :
       {std::pair{79s, true}, {81s, true}, {78s, false}, {60s, false}, {82s, false}}) {
    WallClock clock;
    World world;
    world.run(clock, 1min);
    clock.observe(at(told), utc(told + 1h), Source::Capture);
    clock.begin_continuity(at(80s));
    EXPECT_EQ(date(clock, 80s), is_about_it ? 80s + 1h : 80s) << told.count();
    // And does not step with the next one.
    clock.observe(at(85s), utc(85s + 1h), Source::Capture);
    EXPECT_EQ(date(clock, 85s), 85s + 1h);
  }
}

TEST(WallClock, WhatWasAnsweredIsAnsweredAgain) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    WallClock clock;
    World world{.ppm = 200, .jitter = 30ms, .seed = seed};
    std::vector<std::pair<Duration, Duration>> answers;
    for (int round = 0; round < 1000; ++round) {
      if (round == 500)
        world.offset = 3s;
      world.tell(clock);
      world.media += Duration{static_cast<std::int64_t>(random() % 1'000'000'000)};
      // A rendition may be ahead of what was told last, by a segment or so.
      const auto asked =
          world.media + Duration{static_cast<std::int64_t>(random() % 3'000'000'000)};
      answers.emplace_back(asked, date(clock, asked));
      const auto& [earlier, answer] =
          answers[answers.size() - 1 - random() % std::min<std::size_t>(answers.size(), 60)];
      ASSERT_EQ(date(clock, earlier), answer);
    }
  }
}

TEST(WallClock, NothingThatIsToldBreaksIt) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    WallClock clock;
    Duration media{0};
    for (int call = 0; call < 300; ++call) {
      media += Duration{static_cast<std::int64_t>(random() % 20'000'000'000)} - 5s;
      clock.observe(at(media), utc(Duration{static_cast<std::int64_t>(random() >> 4)}),
                    static_cast<Source>(random() % 3));
      const auto first = date(clock, media);
      const auto second = date(clock, media + 1s);
      ASSERT_LE(std::chrono::abs(second - first - 1s), 5ms + 1ns);
      if (random() % 50 == 0)
        clock.begin_continuity();
    }
  }
}

}  // namespace
}  // namespace onair::test
