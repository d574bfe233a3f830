// SPDX-License-Identifier: LGPL-2.1-or-later
#include "synchroniser.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr NtpTime kStart{3'900'000'000s};

SenderReport said(std::int64_t ticks, Duration after = 0s, std::uint32_t ssrc = 7) {
  return {.ssrc = ssrc, .ticks = ticks, .ntp = kStart + after};
}

TEST(Synchroniser, EachReportIsToldOfUnlessAnIntervalIsSet) {
  Synchroniser sync;
  EXPECT_TRUE(sync.on_report(said(0)));
  EXPECT_TRUE(sync.on_report(said(0)));
  sync.set_interval(5s);
  EXPECT_FALSE(sync.on_report(said(1, 5s - 1ns)));
  EXPECT_TRUE(sync.on_report(said(1, 5s)));
  EXPECT_FALSE(sync.on_report(said(1, 10s - 1ns))) << "counted from what was told";
  EXPECT_TRUE(sync.on_report(said(1, 5s - 1ns))) << "the wall clock was set back";
}

TEST(Synchroniser, AFrameIsToldOfOnce) {
  Synchroniser sync;
  EXPECT_TRUE(sync.on_packet(said(100)));
  EXPECT_FALSE(sync.on_packet(said(100)));
  EXPECT_TRUE(sync.on_packet(said(101)));
  EXPECT_TRUE(sync.on_packet(said(101, 0s, 8))) << "another stream";
  EXPECT_TRUE(sync.on_report(said(101, 0s, 8))) << "a report is something new";
}

TEST(Synchroniser, PacketsAndReportsShareTheInterval) {
  Synchroniser sync;
  sync.set_interval(1s);
  EXPECT_TRUE(sync.on_packet(said(0)));
  EXPECT_FALSE(sync.on_report(said(1, 1s - 1ns)));
  EXPECT_TRUE(sync.on_report(said(2, 1s)));
  EXPECT_FALSE(sync.on_packet(said(3, 2s - 1ns)));
  EXPECT_TRUE(sync.on_packet(said(4, 2s)));
  sync.reset();
  EXPECT_TRUE(sync.on_packet(said(4, 2s)));
}

TEST(Synchroniser, RtpInfoIsToldOfOnceAndNotWhereAnotherToldItSince) {
  Synchroniser sync;
  EXPECT_FALSE(sync.on_rtp_info());
  sync.expect_rtp_info();
  EXPECT_TRUE(sync.on_rtp_info());
  EXPECT_FALSE(sync.on_rtp_info());
  sync.expect_rtp_info();
  EXPECT_TRUE(sync.on_report(said(0)));
  EXPECT_FALSE(sync.on_rtp_info());
  sync.expect_rtp_info();
  sync.set_interval(1s);
  EXPECT_FALSE(sync.on_report(said(1)));
  EXPECT_TRUE(sync.on_rtp_info()) << "the report was not told";
}

}  // namespace
}  // namespace onair
