// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender_clock.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kRate = 90'000;
constexpr std::uint32_t kSsrc = 7;
constexpr std::int64_t kStart = std::int64_t{1} << 32;
constexpr NtpTime kReported{3'900'000'000s};
constexpr NtpTime kCaptured{3'900'000'010s};

class SenderClockTest : public testing::Test {
 protected:
  void report(std::int64_t ticks = kStart, NtpTime ntp = kReported) {
    clock_.on_report({.ssrc = kSsrc, .ticks = ticks, .ntp = ntp});
  }
  void capture(std::int64_t ticks = kStart, NtpTime ntp = kCaptured) {
    clock_.on_capture_time(kSsrc, ticks, ntp);
  }
  void expect(std::int64_t ticks, NtpTime ntp, SenderClock::Source source,
              std::uint32_t ssrc = kSsrc) {
    const auto statement = clock_.at(ssrc, ticks, kRate);
    ASSERT_TRUE(statement);
    EXPECT_EQ(statement->ntp, ntp);
    EXPECT_EQ(statement->source, source);
  }
  SenderClock clock_;
};

using enum SenderClock::Source;

TEST_F(SenderClockTest, IsUnknownUntilSomethingTells) {
  EXPECT_FALSE(clock_.at(kSsrc, kStart, kRate));
}

TEST_F(SenderClockTest, AReportHoldsForAllTimes) {
  report();
  expect(kStart - kRate, kReported - 1s, Report);
  expect(kStart + std::int64_t{3600} * kRate, kReported + 1h, Report);
}

TEST_F(SenderClockTest, TheNewestCaptureTimeHolds) {
  capture();
  expect(kStart + kRate, kCaptured + 1s, CaptureTime);
  capture(kStart + kRate, kCaptured + 2s);
  expect(kStart + 2 * kRate, kCaptured + 3s, CaptureTime);
}

TEST_F(SenderClockTest, CaptureTimesHoldWhateverReportsSay) {
  report();
  capture();
  expect(kStart, kCaptured, CaptureTime);
  report(kStart + kRate, kReported + 1s);
  expect(kStart + kRate, kCaptured + 1s, CaptureTime);
}

TEST_F(SenderClockTest, ACaptureTimeHoldsForFiveSecondsAndThenReportsDo) {
  report();
  capture();
  expect(kStart + 5 * kRate, kCaptured + 5s, CaptureTime);
  expect(kStart + 5 * kRate + 1, kReported + 5s + 11'111ns, Report);
  expect(kStart - 5 * kRate, kCaptured - 5s, CaptureTime);
  expect(kStart - 5 * kRate - 1, kReported - 5s - 11'111ns, Report);
}

TEST_F(SenderClockTest, AnOldCaptureTimeAloneTellsNothing) {
  capture();
  EXPECT_FALSE(clock_.at(kSsrc, kStart + 5 * kRate + 1, kRate));
  capture(kStart + 10 * kRate);
  expect(kStart + 10 * kRate, kCaptured, CaptureTime);
}

TEST_F(SenderClockTest, EachSsrcHasItsOwn) {
  report();
  EXPECT_FALSE(clock_.at(kSsrc + 1, kStart, kRate));
  clock_.on_capture_time(kSsrc + 1, kStart, kCaptured);
  expect(kStart, kReported, Report);
  expect(kStart, kCaptured, CaptureTime, kSsrc + 1);
}

TEST_F(SenderClockTest, EachKindIsForgottenByItself) {
  report();
  capture();
  clock_.forget_capture_time();
  expect(kStart, kReported, Report);
  capture();
  clock_.forget_report();
  expect(kStart, kCaptured, CaptureTime);
  clock_.forget_capture_time();
  EXPECT_FALSE(clock_.at(kSsrc, kStart, kRate));
}

}  // namespace
}  // namespace onair
