// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_clock.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/ticks.hpp"
#include "drift_estimator.hpp"

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRange32 = std::int64_t{1} << 32;
constexpr RunningTime kAnchor{10s};

MediaClock running(std::uint32_t rate, std::uint32_t first) {
  MediaClock clock;
  clock.restart(rate);
  const auto ticks = clock.unroll(first);
  clock.advance(ticks);
  clock.anchor(ticks, kAnchor);
  return clock;
}

DriftEstimator::Estimate drift(double ppm) {
  return {.slope = ppm * 1e-6, .deviation = 0, .confidence = 1};
}

Duration since_anchor(const MediaClock& clock, MediaTime media) {
  return media - clock.media_time(clock.anchor_ticks());
}

// A packet in order at `media`, and then the clock may bend.
RunningTime run_to(MediaClock& clock, MediaTime media, const DriftEstimator::Estimate& estimate) {
  const auto pts = clock.pts(media);
  clock.steer(media, estimate);
  return pts;
}

TEST(MediaClock, IsAnchoredByTheFirstPacketAndFreedByARestart) {
  MediaClock clock;
  EXPECT_FALSE(clock.is_anchored());
  EXPECT_EQ(clock.rate(), 0u);
  clock.restart(48'000);
  EXPECT_FALSE(clock.is_anchored());
  EXPECT_EQ(clock.rate(), 48'000u);
  clock.anchor(clock.unroll(5), kAnchor);
  EXPECT_TRUE(clock.is_anchored());
  EXPECT_EQ(clock.anchor_ticks(), kRange32 + 5);
  EXPECT_EQ(clock.pts(clock.media_time(kRange32 + 5)), kAnchor);
  clock.restart(90'000);
  EXPECT_FALSE(clock.is_anchored());
  EXPECT_EQ(clock.rate(), 90'000u);
}

TEST(MediaClock, RtpTimeIsUnrolledAcrossTheWrapForwards) {
  auto clock = running(48'000, 0xffff'ff00);
  EXPECT_EQ(clock.newest_ticks(), kRange32 + 0xffff'ff00);
  EXPECT_EQ(clock.unroll(0xffff'ffff), kRange32 + 0xffff'ffff);
  EXPECT_EQ(clock.unroll(0), 2 * kRange32);
  EXPECT_EQ(clock.unroll(7), 2 * kRange32 + 7);
}

TEST(MediaClock, RtpTimeIsUnrolledAcrossTheWrapBackwards) {
  auto clock = running(48'000, 3);
  EXPECT_EQ(clock.unroll(0xffff'ffff), kRange32 - 1) << "from before the first packet";
  clock.advance(clock.unroll(100));
  EXPECT_EQ(clock.unroll(0xffff'fff0), kRange32 - 16);
}

TEST(MediaClock, ReorderedPacketsFindTheirTimeOnBothSidesOfTheWrap) {
  auto clock = running(90'000, 0xffff'f000);
  clock.advance(clock.unroll(0x1000));
  EXPECT_EQ(clock.newest_ticks(), 2 * kRange32 + 0x1000);
  EXPECT_EQ(clock.unroll(0xffff'f800), kRange32 + 0xffff'f800);
  clock.advance(clock.unroll(0xffff'f800));
  EXPECT_EQ(clock.newest_ticks(), 2 * kRange32 + 0x1000) << "it does not go back";
  EXPECT_EQ(clock.unroll(0x800), 2 * kRange32 + 0x800);
}

TEST(MediaClock, LessThanHalfTheRangeIsForwardsAndExactlyHalfIsBackwards) {
  for (const std::uint32_t first : {0u, 1u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
    const auto clock = running(90'000, first);
    const auto from = clock.newest_ticks();
    EXPECT_EQ(clock.unroll(first + 0x7fff'ffff), from + 0x7fff'ffff);
    EXPECT_EQ(clock.unroll(first + 0x8000'0000), from - 0x8000'0000LL);
    EXPECT_EQ(clock.unroll(first + 0x8000'0001), from - 0x7fff'ffff);
  }
}

TEST(MediaClock, UnrollingDoesNotMoveTheClock) {
  const auto clock = running(90'000, 1000);
  EXPECT_EQ(clock.unroll(0x7000'0000), kRange32 + 0x7000'0000);
  EXPECT_EQ(clock.unroll(0xe000'0000), 0xe000'0000) << "still counted from the newest packet";
}

TEST(MediaClock, TicksAreRoundedOnceAndNeverSummedUp) {
  auto clock = running(44'100, 0);
  std::uint32_t rtp_time = 0;
  for (std::int64_t i = 1; i <= 20'000; ++i) {
    rtp_time += 1024;
    const auto ticks = clock.unroll(rtp_time);
    clock.advance(ticks);
    const auto exact = to_duration(kRange32 + i * 1024, 44'100);
    ASSERT_EQ(clock.media_time(ticks).time_since_epoch(), exact);
  }
}

TEST(MediaClock, WithoutDriftPtsIsTheAnchorPlusMediaTime) {
  auto clock = running(48'000, 0xffff'0000);
  std::uint32_t rtp_time = 0xffff'0000;
  for (std::int64_t i = 0; i < 30'000; ++i, rtp_time += 960) {  // ten minutes, across the wrap
    const auto ticks = clock.unroll(rtp_time);
    clock.advance(ticks);
    ASSERT_EQ(run_to(clock, clock.media_time(ticks), {}), kAnchor + i * 20ms);
  }
  EXPECT_EQ(clock.correction(), 0ns);
}

TEST(MediaClock, PacketsFromBeforeTheAnchorAreOnTheSameLine) {
  const auto clock = running(48'000, 5);
  EXPECT_EQ(clock.pts(clock.media_time(clock.unroll(std::uint32_t{5} - 960))), kAnchor - 20ms);
}

TEST(MediaClock, BendsOnceASecondAndNotBefore) {
  auto clock = running(1000, 0);
  const auto at = [&](Duration after) { return clock.media_time(kRange32) + after; };
  clock.steer(at(1s - 1ns), drift(100));
  EXPECT_EQ(clock.pts(at(10s)), kAnchor + 10s) << "a nanosecond too early";
  clock.steer(at(1s), drift(100));
  EXPECT_GT(clock.pts(at(10s)), kAnchor + 10s);
  const auto before = clock.pts(at(10s));
  clock.steer(at(2s - 1ns), drift(-300));
  EXPECT_EQ(clock.pts(at(10s)), before);
  clock.steer(at(2s), drift(-300));
  EXPECT_LT(clock.pts(at(10s)), before);
}

TEST(MediaClock, ABendChangesNothingBehindItAndDoesNotStep) {
  auto clock = running(1000, 0);
  std::mt19937 random{7};
  const auto start = clock.media_time(kRange32);
  std::vector<RunningTime> said;
  for (int ms = 0; ms < 60'000; ++ms) {
    const auto media = start + ms * 1ms;
    said.push_back(clock.pts(media));
    clock.steer(media, drift(static_cast<double>(random() % 600) - 300));
    // The next nanosecond is one nanosecond later, give or take the rounding.
    ASSERT_LE(clock.pts(media + 1ns) - said.back(), 2ns);
    ASSERT_GE(clock.pts(media + 1ns) - said.back(), 0ns);
    ASSERT_EQ(clock.pts(media), said.back());
    // Reordered packets of the last two seconds are on the pieces that held for them.
    for (int back = 0; back <= std::min(ms, 2000); back += 97)
      ASSERT_EQ(clock.pts(media - back * 1ms), said[said.size() - 1 - static_cast<size_t>(back)]);
  }
}

TEST(MediaClock, ReorderedPacketsOfFifteenSecondsStillFindTheirPieceOfLine) {
  auto clock = running(1000, 0);
  const auto start = clock.media_time(kRange32);
  std::vector<RunningTime> said;
  for (int second = 0; second <= 40; ++second)
    said.push_back(run_to(clock, start + second * 1s, drift(second % 2 == 0 ? 250 : -250)));
  for (int second = 25; second <= 40; ++second)
    EXPECT_EQ(clock.pts(start + second * 1s), said[static_cast<std::size_t>(second)]) << second;
}

TEST(MediaClock, TheSlopeStaysWithin350PpmWhateverTheEstimateSays) {
  for (const double ppm : {300.0, -300.0, 5000.0, -5000.0, 1e6, -1e6}) {
    auto clock = running(1000, 0);
    std::mt19937 random{3};
    auto media = clock.media_time(kRange32);
    auto last = clock.pts(media);
    for (int i = 0; i < 3000; ++i) {
      media += 100ms;
      // Turns round every minute, so that the line is always far from where it should be.
      const auto pts = run_to(clock, media, drift(i / 600 % 2 == 0 ? ppm : -ppm));
      ASSERT_LE(std::chrono::abs(pts - last - 100ms), Duration{35'001}) << ppm << " at " << i;
      last = pts;
    }
  }
}

TEST(MediaClock, PtsAreStrictlyMonotoneForStrictlyMonotoneTicks) {
  constexpr std::uint32_t kSeed = 20'261'121;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random{kSeed};
  for (const std::uint32_t rate : {8'000u, 44'100u, 48'000u, 90'000u, 1'000'000u}) {
    auto clock = running(rate, 0xffff'fff0);
    std::uint32_t rtp_time = 0xffff'fff0;
    auto last = kAnchor;
    for (int i = 0; i < 100'000; ++i) {
      const auto step = random() % 1000 == 0 ? random() % (60 * rate) : 1 + random() % 3;
      rtp_time += static_cast<std::uint32_t>(step);
      const auto ticks = clock.unroll(rtp_time);
      clock.advance(ticks);
      const auto media = clock.media_time(ticks);
      const auto pts = run_to(clock, media, drift(static_cast<double>(random() % 1000) - 500));
      ASSERT_GT(pts, last) << "at " << rate << " Hz";
      ASSERT_EQ(clock.pts(media), pts);
      last = pts;
    }
  }
}

TEST(MediaClock, AStallOfAnHourMovesNothing) {
  auto clock = running(90'000, 0);
  const auto start = clock.media_time(kRange32);
  clock.steer(start + 5s, {});
  EXPECT_EQ(run_to(clock, start + 1h, {}), kAnchor + 1h);
  EXPECT_EQ(clock.correction(), 0ns);
}

TEST(MediaClock, CorrectionIsWhatTheLineHasBeenBentBy) {
  auto clock = running(1000, 0);
  const auto start = clock.media_time(kRange32);
  for (int second = 1; second <= 300; ++second)
    run_to(clock, start + second * 1s, drift(40));
  const auto last_bend = start + 300s;
  EXPECT_EQ(clock.correction(), clock.pts(last_bend) - kAnchor - since_anchor(clock, last_bend));
  EXPECT_GT(clock.correction(), 0ns);
}

TEST(MediaClock, AKnownDriftIsFollowedToTheMicrosecond) {
  for (const double ppm : {200.0, 20.0, 0.0, -20.0, -200.0}) {
    auto clock = running(1000, 0);
    const auto start = clock.media_time(kRange32);
    for (int second = 1; second <= 600; ++second)
      run_to(clock, start + second * 1s, drift(ppm));
    const double wanted = 600 * ppm * 1e3;  // ns
    EXPECT_NEAR(static_cast<double>((clock.pts(start + 600s) - kAnchor - 600s).count()), wanted,
                1000)
        << ppm;
  }
}

TEST(MediaClock, WhatWasMissedWhileTheDriftWasUnknownIsCaughtUpSlowly) {
  auto clock = running(1000, 0);
  const auto start = clock.media_time(kRange32);
  for (int second = 1; second <= 100; ++second)
    run_to(clock, start + second * 1s, {});
  // 200 ppm all along, it is found out: 20 ms are missing, and come at 50 ppm beyond the drift.
  for (int second = 101; second <= 110; ++second)
    run_to(clock, start + second * 1s, drift(200));
  const auto ahead = [&](int second) {
    return clock.pts(start + second * 1s) - kAnchor - second * 1s;
  };
  EXPECT_NEAR(static_cast<double>((ahead(110) - ahead(102)).count()), 8 * 250e3, 1e3);
  for (int second = 111; second <= 800; ++second)
    run_to(clock, start + second * 1s, drift(200));
  EXPECT_NEAR(static_cast<double>(ahead(800).count()), 800 * 200e3, 50e3);
}

TEST(MediaClock, AfterTwoMinutesAnEstimateIsTakenForTheFutureOnly) {
  auto clock = running(1000, 0);
  const auto start = clock.media_time(kRange32);
  for (int second = 1; second <= 200; ++second)
    run_to(clock, start + second * 1s, {});
  for (int second = 201; second <= 300; ++second)
    run_to(clock, start + second * 1s, drift(100));
  const auto ahead = clock.pts(start + 300s) - kAnchor - 300s;
  // From the bend at 201 s on, and the second before it: not 300 s of drift.
  EXPECT_NEAR(static_cast<double>(ahead.count()), 100 * 100e3, 200e3);
}

// The sender's crystal is off by `ppm` (positive: it is slow, transit grows); packets every 20 ms,
// delayed by up to `jitter`. Gives how far PTS is from our time of the sampling, at the worst.
Duration worst_error_after_two_minutes(double ppm, Duration jitter, std::uint32_t seed) {
  std::mt19937 random{seed};
  MediaClock clock;
  DriftEstimator estimator;
  clock.restart(48'000);
  std::uint32_t rtp_time = 0xffff'0000;
  Duration worst{0};
  for (int i = 0; i < 50 * 600; ++i, rtp_time += 960) {
    const auto ticks = clock.unroll(rtp_time);
    clock.advance(ticks);
    const auto media = clock.media_time(ticks);
    const Duration sampled = 10s + Duration{std::llround(i * 20e6 * (1 + ppm * 1e-6))};
    const Duration delay = i > 0 && jitter > 0ns
                               ? Duration{random() % static_cast<std::uint64_t>(jitter.count())}
                               : Duration{0};
    const RunningTime arrival{sampled + delay};
    if (!clock.is_anchored())
      clock.anchor(ticks, arrival);
    estimator.on_sample(arrival, transit(arrival, media));
    const auto pts = run_to(clock, media, estimator.estimate());
    if (i >= 50 * 120)
      worst = std::max(worst, std::chrono::abs(pts.time_since_epoch() - sampled));
  }
  return worst;
}

TEST(MediaClock, OnACleanNetworkPtsAreWithinAMillisecondOfTheTruthAfterTwoMinutes) {
  for (const double ppm : {200.0, 100.0, 20.0, 0.0, -20.0, -100.0, -200.0})
    EXPECT_LT(worst_error_after_two_minutes(ppm, 0ns, 1), 1ms) << ppm << " ppm";
}

TEST(MediaClock, AMillisecondOfJitterCostsLittleMore) {
  for (const std::uint32_t seed : {1u, 2u, 3u})
    for (const double ppm : {200.0, 0.0, -200.0})
      EXPECT_LT(worst_error_after_two_minutes(ppm, 1ms, seed), 2ms) << ppm << " ppm, seed " << seed;
}

}  // namespace
}  // namespace onair
