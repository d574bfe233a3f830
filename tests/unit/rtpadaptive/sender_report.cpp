// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender_report.hpp"

#include <gtest/gtest.h>

#include "media_clock.hpp"

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRange32 = std::int64_t{1} << 32;
constexpr std::uint32_t kRate = 48'000;
constexpr RunningTime kAnchor{10s};

// A stream of 48 kHz whose first packet is a second of ticks before the wrap.
MediaClock running() {
  MediaClock clock;
  clock.restart(kRate);
  const auto ticks = clock.unroll(std::uint32_t{0} - kRate);
  clock.advance(ticks);
  clock.anchor(ticks, kAnchor);
  return clock;
}

SenderReport report(std::int64_t ticks) {
  return {.ssrc = 7, .ticks = ticks, .ntp = NtpTime{3'900'000'000s}};
}

TEST(SenderReport, TellsTheWallClockOfOtherRtpTimes) {
  const auto said = report(kRange32);
  EXPECT_EQ(said.ntp_at(kRange32, kRate), said.ntp);
  EXPECT_EQ(said.ntp_at(kRange32 + 960, kRate), said.ntp + 20ms);
  EXPECT_EQ(said.ntp_at(kRange32 - 960, kRate), said.ntp - 20ms);
  EXPECT_EQ(said.ntp_at(kRange32 + 24 * 3600 * std::int64_t{kRate}, kRate), said.ntp + 24h);
}

TEST(SenderReport, TicksThatAreNoWholeNanosecondsAreRoundedToTheNearest) {
  const auto said = report(kRange32);
  EXPECT_EQ(said.ntp_at(kRange32 + 1, 90'000), said.ntp + 11'111ns);
  EXPECT_EQ(said.ntp_at(kRange32 + 5, 90'000), said.ntp + 55'556ns);
  EXPECT_EQ(said.ntp_at(kRange32 - 1, 90'000), said.ntp - 11'111ns);
}

TEST(Synchronise, SaysNothingBeforeTheFirstPacket) {
  EXPECT_FALSE(synchronise(report(kRange32), MediaClock{}, std::nullopt));
  MediaClock clock;
  clock.restart(kRate);
  EXPECT_FALSE(synchronise(report(kRange32), clock, std::nullopt));
}

TEST(Synchronise, SaysNothingOfAReportFromBeforeTheStreamBegan) {
  const auto clock = running();
  EXPECT_FALSE(synchronise(report(clock.anchor_ticks() - 1), clock, std::nullopt));
  EXPECT_TRUE(synchronise(report(clock.anchor_ticks()), clock, std::nullopt));
}

TEST(Synchronise, TellsWhereTheStreamBeganAndWhereTheReportIs) {
  auto clock = running();
  const auto ticks = clock.unroll(kRate);  // across the wrap
  clock.advance(ticks);
  const auto result = synchronise(report(ticks), clock, 1s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->base_ticks, 2 * kRange32 - kRate);
  EXPECT_EQ(result->base_time, kAnchor);
  EXPECT_EQ(result->report_ticks, 2 * kRange32 + kRate);
}

TEST(Synchronise, AReportMayBeAheadOfThePacketsByTheLimitAndNoMore) {
  auto clock = running();
  const auto newest = clock.anchor_ticks() + 5 * kRate;
  clock.advance(newest);
  const auto at = [&](std::int64_t ticks, std::optional<Duration> limit) {
    return synchronise(report(ticks), clock, limit)->report_ticks;
  };
  EXPECT_EQ(at(newest + kRate, 1s), newest + kRate);
  EXPECT_EQ(at(newest + kRate + 1, 1s), std::nullopt);
  EXPECT_EQ(at(newest + 1000 * kRate, std::nullopt), newest + 1000 * kRate) << "no limit";
  EXPECT_EQ(at(newest, 0ns), newest);
  EXPECT_EQ(at(newest + 1, 0ns), std::nullopt);
  EXPECT_EQ(at(newest - 4 * kRate, 0ns), newest - 4 * kRate) << "the past is always plausible";
}

TEST(Synchronise, TheBaseTimeFollowsTheDriftSoThatTheReportsTimeIsRight) {
  auto clock = running();
  const auto start = clock.media_time(clock.anchor_ticks());
  const DriftEstimator::Estimate drift{.slope = 100e-6, .deviation = 0, .confidence = 1};
  for (int second = 1; second <= 100; ++second) {
    clock.advance(clock.anchor_ticks() + second * std::int64_t{kRate});
    clock.steer(start + second * 1s, drift);
  }
  const auto ticks = clock.newest_ticks();
  const auto result = synchronise(report(ticks), clock, 1s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->base_ticks, clock.anchor_ticks());
  // rtpbin adds the nominal time between the two to base_time: that must be the report's PTS.
  EXPECT_EQ(result->base_time + 100s, clock.pts(start + 100s));
  EXPECT_NE(result->base_time, kAnchor);
}

}  // namespace
}  // namespace onair
