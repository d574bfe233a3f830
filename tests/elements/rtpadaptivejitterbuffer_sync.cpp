// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer: what becomes of NTP times in packets (RFC 6051) and of RTSP's RTP-Info.
#include <optional>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "rtpadaptivejitterbuffer_bench.hpp"
#include "rtpadaptivejitterbuffer_rtcp.hpp"

namespace onair::test {
namespace {

constexpr const char* kEager = "release=eager adaptive=false latency=200";
constexpr guint8 kExtensionId = 3;
constexpr guint32 kSaid = kNtpSeconds + 500;  // unlike any report
using Form = RtpPacket::Form;

std::string caps_with(const std::string& fields) {
  return std::string{JitterBufferBench::kCaps} + ", " + fields;
}
const std::string kNtpCaps = caps_with("extmap-3=(string)urn:ietf:params:rtp-hdrext:ntp-64");
const std::string kNamedCaps = kNtpCaps + ", ssrc-" + std::to_string(kSsrc) +
                               "-cname=(string)\"a@b\", ssrc-" + std::to_string(kOtherSsrc) +
                               "-cname=(string)\"c@d\"";

// Packets whose header extension says at which NTP second they were sent.
class SyncBench : public JitterBufferBench {
 public:
  explicit SyncBench(const std::string& caps = kNamedCaps, const std::string& properties = {})
      : JitterBufferBench{std::string{kEager} + " " + properties, Start::Ready}, rtcp{*this} {
    set_state(GST_STATE_PLAYING);
    open_stream(caps);
  }
  ~SyncBench() { stop_feeding(); }

  static RtpPacket saying(RtpPacket packet, guint32 ntp_seconds = kSaid) {
    return packet.with_ntp(kExtensionId, ntp_seconds);
  }
  GstFlowReturn push_saying(std::int64_t n, guint32 ntp_seconds = kSaid) {
    return push(saying(RtpPacket{n}, ntp_seconds));
  }
  std::optional<GstClockTime> ntp_of_last() { return ntp_of(buffers().back()); }

  Rtcp rtcp;
};

// ---- NTP times in packets

TEST(RtpAdaptiveJitterBufferNtp, BuffersCarryTheSendersWallClockFromThePacketThatTellsItOn) {
  SyncBench bench;
  bench.push_all(0, 2);
  ASSERT_TRUE(bench.wait_for("#2"));
  bench.push_saying(3);
  bench.push_all(4, 8);  // across the wrap of RTP time
  ASSERT_TRUE(bench.wait_for("#8"));
  const auto packets = bench.buffers();
  EXPECT_EQ(ntp_of(packets[2]), std::nullopt);
  for (std::size_t n = 3; n <= 8; ++n)
    EXPECT_EQ(ntp_of(packets[n]),
              kSaid * GST_SECOND + ns((static_cast<std::int64_t>(n) - 3) * kSpacing));
  EXPECT_EQ(bench.stat("num-capture-times"), 0u);
}

TEST(RtpAdaptiveJitterBufferNtp, ItIsToldOfByHandleSyncAsStockTells) {
  SyncBench bench;
  bench.push(RtpPacket{0}.late(5ms));
  bench.push_all(1, 9);
  bench.push_saying(10);
  ASSERT_EQ(bench.rtcp.syncs(), 1u);
  const auto* sync = bench.rtcp.last();
  EXPECT_TRUE(gst_structure_has_name(sync, "application/x-rtp-sync"));
  EXPECT_EQ(uint64_of(sync, "base-rtptime"), kRange32 + RtpPacket{0}.rtp_time);
  EXPECT_EQ(uint64_of(sync, "base-time"), ns(5ms));
  EXPECT_EQ(uint_of(sync, "clock-rate"), kRate);
  EXPECT_EQ(uint64_of(sync, "clock-base"), G_MAXUINT32);
  EXPECT_EQ(uint64_of(sync, "npt-start"), 0u);
  EXPECT_EQ(uint_of(sync, "ssrc"), kSsrc);
  EXPECT_STREQ(gst_structure_get_string(sync, "cname"), "a@b");
  EXPECT_EQ(uint64_of(sync, "inband-ext-rtptime"), kRange32 + RtpPacket{0}.rtp_time + 10 * kFrame);
  EXPECT_EQ(uint64_of(sync, "inband-ntpnstime"), kSaid * GST_SECOND);
  EXPECT_FALSE(gst_structure_has_field(sync, "sr-buffer"));
}

TEST(RtpAdaptiveJitterBufferNtp, EitherFormIsReadButOnlyOf64Bits) {
  const auto reads = [](Form form, std::size_t size) {
    SyncBench bench;
    bench.push(RtpPacket{0}.with_ntp(kExtensionId, kSaid, form, size));
    EXPECT_TRUE(bench.wait_for("#0"));
    EXPECT_EQ(bench.rtcp.syncs() == 1, bench.ntp_of_last().has_value());
    return bench.ntp_of_last() == kSaid * GST_SECOND;
  };
  for (const auto form : {Form::OneByte, Form::TwoByte}) {
    EXPECT_TRUE(reads(form, 8));
    EXPECT_FALSE(reads(form, 7));
    EXPECT_FALSE(reads(form, 9));
    EXPECT_FALSE(reads(form, 16));
  }
}

TEST(RtpAdaptiveJitterBufferNtp, WhatIsNotNamedIsNotRead) {
  for (const auto& caps : {std::string{JitterBufferBench::kCaps},
                           caps_with("extmap-4=(string)urn:ietf:params:rtp-hdrext:ntp-64"),
                           caps_with("extmap-3=(string)urn:ietf:params:rtp-hdrext:ntp-56")}) {
    SyncBench bench{caps};
    bench.push_saying(0);
    ASSERT_TRUE(bench.wait_for("#0"));
    EXPECT_EQ(bench.ntp_of_last(), std::nullopt) << caps;
  }
}

TEST(RtpAdaptiveJitterBufferNtp, WithoutACnameNobodyCouldSayWhichStreamsBelongTogether) {
  SyncBench bench{kNtpCaps};
  bench.push_saying(0);
  EXPECT_EQ(bench.rtcp.syncs(), 0u);
  bench.rtcp.receive({.cname = "from@rtcp"});
  EXPECT_EQ(bench.rtcp.syncs(), 1u);
  bench.push_saying(1);
  ASSERT_EQ(bench.rtcp.syncs(), 2u);
  EXPECT_STREQ(gst_structure_get_string(bench.rtcp.last(), "cname"), "from@rtcp");
  EXPECT_TRUE(gst_structure_has_field(bench.rtcp.last(), "inband-ntpnstime"));
}

TEST(RtpAdaptiveJitterBufferNtp, WhoeverAnswersRequestPtMapMayNameTheExtensionAndTheCname) {
  SyncBench bench{"application/x-rtp"};
  g_signal_connect(bench.element(), "request-pt-map",
                   G_CALLBACK(+[](GstElement*, guint, gpointer) -> GstCaps* {
                     return gst_caps_from_string(kNamedCaps.c_str());
                   }),
                   nullptr);
  bench.push_saying(0);
  ASSERT_EQ(bench.rtcp.syncs(), 1u);
  EXPECT_STREQ(gst_structure_get_string(bench.rtcp.last(), "cname"), "a@b");
}

TEST(RtpAdaptiveJitterBufferNtp, TheCnameIsThatOfTheStreamThatHasBegun) {
  SyncBench bench;
  bench.push_saying(0);
  for (std::int64_t n = 1; n < 10; ++n)
    bench.push(SyncBench::saying(RtpPacket{n}.of(kOtherSsrc), kSaid + 1));
  ASSERT_TRUE(bench.wait_for("#9"));
  EXPECT_STREQ(gst_structure_get_string(bench.rtcp.last(), "cname"), "c@d");
  EXPECT_EQ(uint_of(bench.rtcp.last(), "ssrc"), kOtherSsrc);
}

TEST(RtpAdaptiveJitterBufferNtp, TheOffsetThatRtpbinSetsHoldsForThePacketThatTold) {
  SyncBench bench;
  g_signal_connect(bench.element(), "handle-sync",
                   G_CALLBACK(+[](GstElement* element, GstStructure*, gpointer) {
                     g_object_set(element, "ts-offset", gint64{1'000'000}, nullptr);
                   }),
                   nullptr);
  bench.push_saying(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[0].buffer.get()), ns(1ms))
      << "streams are together from their first packets on";
}

TEST(RtpAdaptiveJitterBufferNtp, ThePacketsOfAFrameAreToldOfOnce) {
  SyncBench bench;
  for (std::int64_t n = 0; n < 6; ++n) {
    auto packet = RtpPacket{n};
    packet.rtp_time = RtpPacket{n / 3}.rtp_time;
    bench.push(SyncBench::saying(packet, kSaid + static_cast<guint32>(n / 3)));
  }
  EXPECT_EQ(bench.rtcp.syncs(), 2u);
}

TEST(RtpAdaptiveJitterBufferNtp, ReorderedAndRepeatedPacketsSayNothingNew) {
  SyncBench bench;
  bench.push_saying(0);
  bench.push_saying(2, kSaid + 2);
  bench.push_saying(1, kSaid + 1);
  bench.push_saying(2, kSaid + 2);
  bench.push(SyncBench::saying(RtpPacket{1}.repeated(), kSaid + 1));
  EXPECT_EQ(bench.rtcp.syncs(), 2u);
  bench.push(3);
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(bench.ntp_of_last(), (kSaid + 2) * GST_SECOND + ns(kSpacing));
}

TEST(RtpAdaptiveJitterBufferNtp, SyncIntervalThinsThemOut) {
  SyncBench bench{kNamedCaps, "sync-interval=5000"};
  for (const guint32 after : {0u, 1u, 2u, 3u, 4u})
    bench.push_saying(after, kSaid + after);
  EXPECT_EQ(bench.rtcp.syncs(), 1u);
  bench.push_saying(5, kSaid + 5);
  EXPECT_EQ(bench.rtcp.syncs(), 2u);
  ASSERT_TRUE(bench.wait_for("#5"));
  EXPECT_EQ(bench.ntp_of_last(), (kSaid + 5) * GST_SECOND);
  bench.push_saying(6, kSaid + 6);
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(bench.rtcp.syncs(), 2u);
  EXPECT_EQ(bench.ntp_of_last(), (kSaid + 6) * GST_SECOND) << "metas tell it all the same";
}

TEST(RtpAdaptiveJitterBufferNtp, WhatTheSenderSaidLastHoldsByReportOrByPacket) {
  SyncBench bench;
  bench.push_saying(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(bench.ntp_of_last(), kSaid * GST_SECOND);
  bench.rtcp.receive({.rtp_time = RtpPacket{0}.rtp_time});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.ntp_of_last(), kNtpSeconds * GST_SECOND + ns(kSpacing));
  bench.push_saying(2);
  ASSERT_TRUE(bench.wait_for("#2"));
  EXPECT_EQ(bench.ntp_of_last(), kSaid * GST_SECOND);
  EXPECT_EQ(bench.rtcp.syncs(), 3u);
}

TEST(RtpAdaptiveJitterBufferNtp, WhatAStreamOnProbationSaysCountsFromItsBeginningOn) {
  SyncBench bench;
  bench.push_saying(0);
  for (std::int64_t n = 1; n < 10; ++n) {
    auto packet = RtpPacket{n};
    packet.rtp_time += 0x7000'0000;
    bench.push(SyncBench::saying(packet, kSaid + 1000));
    const bool is_known = bench.rtcp.syncs() > 1;
    EXPECT_EQ(is_known, n >= 5) << n;
    if (is_known) {
      EXPECT_EQ(uint64_of(bench.rtcp.last(), "inband-ext-rtptime") -
                    uint64_of(bench.rtcp.last(), "base-rtptime"),
                static_cast<guint64>(n - 1) * kFrame);
    }
  }
  ASSERT_TRUE(bench.wait_for("#9"));
  EXPECT_EQ(bench.ntp_of_last(), (kSaid + 1000) * GST_SECOND);
}

TEST(RtpAdaptiveJitterBufferNtp, AFlushForgetsIt) {
  SyncBench bench;
  bench.push_saying(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open_stream(kNamedCaps);
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.ntp_of_last(), std::nullopt);
  bench.push_saying(2);
  EXPECT_EQ(bench.rtcp.syncs(), 2u);
}

TEST(RtpAdaptiveJitterBufferNtp, CaptureTimesArePreferredForMetas) {
  SyncBench bench{
      kNamedCaps +
      ", extmap-5=(string)http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"};
  bench.push(RtpPacket{0}.captured(5, kSaid + 7));
  bench.push_saying(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.ntp_of_last(), (kSaid + 7) * GST_SECOND + ns(kSpacing));
  EXPECT_EQ(bench.rtcp.syncs(), 1u) << "rtpbin hears of the sender's clock";
}

// ---- RTP-Info

std::string announced(guint32 clock_base, guint64 npt_start = 7 * GST_SECOND) {
  return caps_with("clock-base=(uint)" + std::to_string(clock_base) + ", npt-start=(guint64)" +
                   std::to_string(npt_start));
}

TEST(RtpAdaptiveJitterBufferRtpInfo, IsToldOfByHandleSyncWithTheFirstPacketAndOnce) {
  SyncBench bench{announced(RtpPacket{0}.rtp_time)};
  EXPECT_EQ(bench.rtcp.syncs(), 0u);
  bench.push(RtpPacket{2}.late(5ms));  // two are lost
  ASSERT_EQ(bench.rtcp.syncs(), 1u);
  const auto* sync = bench.rtcp.last();
  EXPECT_TRUE(gst_structure_has_name(sync, "application/x-rtp-sync"));
  EXPECT_EQ(uint64_of(sync, "base-rtptime"), kRange32 + RtpPacket{2}.rtp_time);
  EXPECT_EQ(uint64_of(sync, "base-time"), ns(2 * kSpacing + 5ms));
  EXPECT_EQ(uint_of(sync, "clock-rate"), kRate);
  EXPECT_EQ(uint64_of(sync, "clock-base"), RtpPacket{0}.rtp_time);
  EXPECT_EQ(uint64_of(sync, "npt-start"), 7 * GST_SECOND);
  EXPECT_EQ(uint_of(sync, "ssrc"), kSsrc);
  for (const auto* field : {"sr-ext-rtptime", "sr-ntpnstime", "sr-buffer", "inband-ext-rtptime",
                            "inband-ntpnstime", "cname"})
    EXPECT_FALSE(gst_structure_has_field(sync, field)) << field;
  bench.push_all(3, 100);
  EXPECT_EQ(bench.rtcp.syncs(), 1u);
}

TEST(RtpAdaptiveJitterBufferRtpInfo, IsNotToldOfWhereItDoesNotFitThePackets) {
  constexpr guint32 kNear = 10 * kRate;
  const auto tells = [](guint32 clock_base) {
    SyncBench bench{announced(clock_base)};
    bench.push_all(0, 20);
    return bench.rtcp.syncs() == 1;
  };
  EXPECT_TRUE(tells(RtpPacket{0}.rtp_time - kNear));
  EXPECT_FALSE(tells(RtpPacket{0}.rtp_time - kNear - 1));
  EXPECT_TRUE(tells(RtpPacket{0}.rtp_time + kNear));
  EXPECT_FALSE(tells(RtpPacket{0}.rtp_time + kNear + 1)) << "nor later, when it seems to fit";
}

TEST(RtpAdaptiveJitterBufferRtpInfo, WhereAReportOrAPacketTellsMoreItIsNotToldOfAlone) {
  SyncBench reported{announced(RtpPacket{0}.rtp_time)};
  reported.rtcp.receive(Report{});
  reported.push_all(0, 5);
  ASSERT_EQ(reported.rtcp.syncs(), 1u);
  EXPECT_TRUE(gst_structure_has_field(reported.rtcp.last(), "sr-ext-rtptime"));
  EXPECT_EQ(uint64_of(reported.rtcp.last(), "clock-base"), RtpPacket{0}.rtp_time);

  SyncBench timed{kNamedCaps + ", clock-base=(uint)" + std::to_string(RtpPacket{0}.rtp_time)};
  timed.push_saying(0);
  timed.push_all(1, 5);
  ASSERT_EQ(timed.rtcp.syncs(), 1u);
  EXPECT_TRUE(gst_structure_has_field(timed.rtcp.last(), "inband-ntpnstime"));
  EXPECT_EQ(uint64_of(timed.rtcp.last(), "clock-base"), RtpPacket{0}.rtp_time);
}

TEST(RtpAdaptiveJitterBufferRtpInfo, IsToldOfAgainWhenItSaysSomethingElse) {
  SyncBench bench{announced(RtpPacket{0}.rtp_time)};
  bench.rtcp.receive(Report{});
  bench.push_all(0, 5);
  bench.push_caps(announced(RtpPacket{0}.rtp_time));
  bench.push_all(6, 8);
  EXPECT_EQ(bench.rtcp.syncs(), 1u) << "the same is nothing new";
  bench.push_caps(announced(RtpPacket{9}.rtp_time, 20 * GST_SECOND));
  bench.push_all(9, 20);
  ASSERT_EQ(bench.rtcp.syncs(), 2u);
  EXPECT_EQ(uint64_of(bench.rtcp.last(), "npt-start"), 20 * GST_SECOND);
  EXPECT_EQ(uint64_of(bench.rtcp.last(), "clock-base"), RtpPacket{9}.rtp_time);
}

TEST(RtpAdaptiveJitterBufferRtpInfo, IsToldOfAgainWhenTheStreamBeginsAnew) {
  SyncBench bench{announced(RtpPacket{0}.rtp_time)};
  bench.push_all(0, 5);
  for (std::int64_t n = 6; n < 16; ++n)
    bench.push(RtpPacket{n}.of(kOtherSsrc));
  ASSERT_EQ(bench.rtcp.syncs(), 2u);
  EXPECT_EQ(uint_of(bench.rtcp.last(), "ssrc"), kOtherSsrc);
  EXPECT_EQ(uint64_of(bench.rtcp.last(), "base-rtptime"), kRange32 + RtpPacket{6}.rtp_time);
}

}  // namespace
}  // namespace onair::test
