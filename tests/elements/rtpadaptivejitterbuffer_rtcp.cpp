// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer: sender reports, what is told of them, and wall clock metas.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gst/rtp/gstrtcpbuffer.h>
#include <gtest/gtest.h>

#include "rtpadaptivejitterbuffer_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kEager = "release=eager adaptive=false latency=200";
constexpr guint64 kRange32 = guint64{1} << 32;
constexpr guint64 kNtpSeconds = 3'900'000'000;  // since 1900

// A sender report: the stream's RTP time at NTP second kNtpSeconds + `after`.
struct Report {
  guint32 rtp_time = RtpPacket{0}.rtp_time;
  guint32 ssrc = kSsrc;
  guint64 after = 0;
  std::string cname;
  [[nodiscard]] GstPtr<GstBuffer> make() const {
    auto buffer = GstPtr<GstBuffer>::adopt(gst_rtcp_buffer_new(1400));
    GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
    gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &rtcp);
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SR, &packet);
    gst_rtcp_packet_sr_set_sender_info(&packet, ssrc, (kNtpSeconds + after) << 32, rtp_time, 0, 0);
    if (!cname.empty()) {
      gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SDES, &packet);
      gst_rtcp_packet_sdes_add_item(&packet, ssrc);
      gst_rtcp_packet_sdes_add_entry(&packet, GST_RTCP_SDES_CNAME,
                                     static_cast<guint8>(cname.size()),
                                     reinterpret_cast<const guint8*>(cname.data()));
    }
    gst_rtcp_buffer_unmap(&rtcp);
    return buffer;
  }
};

// The element's sink_rtcp, and what handle-sync says.
class Rtcp {
 public:
  explicit Rtcp(JitterBufferBench& bench)
      : bench_{bench},
        pad_{GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "sink_rtcp"))} {
    g_signal_connect(bench.element(), "handle-sync", G_CALLBACK(on_sync), this);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_send_event(pad(), gst_event_new_stream_start("rtcp"));
    gst_pad_send_event(pad(), gst_event_new_segment(&segment));
  }
  ~Rtcp() {
    g_signal_handlers_disconnect_by_data(bench_.element(), this);
    gst_element_release_request_pad(bench_.element(), pad_.get());
  }
  Rtcp(const Rtcp&) = delete;
  Rtcp& operator=(const Rtcp&) = delete;

  [[nodiscard]] GstPad* pad() const { return pad_.get(); }
  GstFlowReturn receive(const Report& report) { return receive(report.make()); }
  GstFlowReturn receive(GstPtr<GstBuffer> buffer) { return gst_pad_chain(pad(), buffer.release()); }
  [[nodiscard]] std::size_t syncs() const { return syncs_.size(); }
  [[nodiscard]] const GstStructure* last() const { return syncs_.back().get(); }

 private:
  static void on_sync(GstElement*, GstStructure* sync, gpointer data) {
    static_cast<Rtcp*>(data)->syncs_.emplace_back(gst_structure_copy(sync));
  }
  JitterBufferBench& bench_;
  GstPtr<GstPad> pad_;
  std::vector<StructurePtr> syncs_;
};

std::optional<GstClockTime> ntp_of(const JitterBufferBench::Item& packet) {
  return reference_timestamp(packet.buffer.get(), "timestamp/x-ntp");
}

TEST(RtpAdaptiveJitterBufferRtcp, ThePadIsThereOnRequestOnce) {
  JitterBufferBench bench{kEager};
  const auto request = [&] {
    GstPadTemplate* templ = gst_element_get_pad_template(bench.element(), "sink_rtcp");
    return GstPtr<GstPad>::adopt(gst_element_request_pad(bench.element(), templ, nullptr, nullptr));
  };
  const auto first = request();
  ASSERT_TRUE(first);
  EXPECT_STREQ(GST_PAD_NAME(first.get()), "sink_rtcp");
  EXPECT_TRUE(GST_PAD_IS_ACTIVE(first.get()));
  EXPECT_FALSE(request());
  EXPECT_FALSE(gst_element_request_pad_simple(bench.element(), "sink_rtp"));
  gst_element_release_request_pad(bench.element(), first.get());
  EXPECT_FALSE(gst_element_get_static_pad(bench.element(), "sink_rtcp"));
  EXPECT_TRUE(request());
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportIsToldOfByHandleSyncAsStockTells) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(RtpPacket{0}.late(5ms));
  bench.push_all(1, 10);
  const auto report = Report{.rtp_time = RtpPacket{10}.rtp_time, .cname = "a@b"};
  EXPECT_EQ(rtcp.receive(report), GST_FLOW_OK);
  ASSERT_EQ(rtcp.syncs(), 1u);
  const auto* sync = rtcp.last();
  EXPECT_TRUE(gst_structure_has_name(sync, "application/x-rtp-sync"));
  EXPECT_EQ(uint64_of(sync, "base-rtptime"), kRange32 + RtpPacket{0}.rtp_time);
  EXPECT_EQ(uint64_of(sync, "base-time"), ns(5ms));
  EXPECT_EQ(uint_of(sync, "clock-rate"), kRate);
  EXPECT_EQ(uint64_of(sync, "clock-base"), G_MAXUINT32);
  EXPECT_EQ(uint64_of(sync, "npt-start"), 0u);
  EXPECT_EQ(uint_of(sync, "ssrc"), kSsrc);
  EXPECT_EQ(uint64_of(sync, "sr-ext-rtptime"), kRange32 + RtpPacket{0}.rtp_time + 10 * kFrame)
      << "unrolled across the wrap, as base-rtptime";
  EXPECT_EQ(uint64_of(sync, "sr-ntpnstime"), kNtpSeconds * GST_SECOND);
  EXPECT_STREQ(gst_structure_get_string(sync, "cname"), "a@b");
  const GValue* buffer = gst_structure_get_value(sync, "sr-buffer");
  ASSERT_TRUE(buffer && GST_VALUE_HOLDS_BUFFER(buffer));
  EXPECT_EQ(gst_buffer_get_size(gst_value_get_buffer(buffer)),
            gst_buffer_get_size(report.make().get()));
}

TEST(RtpAdaptiveJitterBufferRtcp, BuffersCarryTheSendersWallClockFromTheReportOn) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push_all(0, 2);
  ASSERT_TRUE(bench.wait_for("#2"));
  rtcp.receive({.rtp_time = RtpPacket{2}.rtp_time});
  bench.push_all(3, 8);  // across the wrap of RTP time
  ASSERT_TRUE(bench.wait_for("#8"));
  const auto packets = bench.packets();
  EXPECT_EQ(ntp_of(packets[2]), std::nullopt);
  for (std::size_t n = 3; n <= 8; ++n)
    EXPECT_EQ(ntp_of(packets[n]),
              kNtpSeconds * GST_SECOND + ns((static_cast<std::int64_t>(n) - 2) * kSpacing));
}

TEST(RtpAdaptiveJitterBufferRtcp, ALaterReportReplacesTheEarlier) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive(Report{});
  rtcp.receive({.after = 100});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.packets()[1]), (kNtpSeconds + 100) * GST_SECOND + ns(kSpacing));
  EXPECT_EQ(rtcp.syncs(), 2u);
}

TEST(RtpAdaptiveJitterBufferRtcp, WallClockMetasCanBeTurnedOff) {
  JitterBufferBench bench{std::string{kEager} + " add-reference-timestamp-meta=false"};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive(Report{});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.packets()[1]), std::nullopt);
  EXPECT_TRUE(reference_timestamp(bench.packets()[1].buffer.get(), "timestamp/x-rtp"));
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportBeforeTheFirstPacketIsToldOfWithIt) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  rtcp.receive(Report{});
  EXPECT_EQ(rtcp.syncs(), 0u);
  bench.push(0);
  EXPECT_EQ(rtcp.syncs(), 1u);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(ntp_of(bench.packets()[0]), kNtpSeconds * GST_SECOND);
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportBeforeTheFirstPacketAndTheWrapIsTimedAcrossIt) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  const auto first = RtpPacket{6};
  ASSERT_LT(first.rtp_time, kFrame * 6) << "the wrap is behind it";
  rtcp.receive({.rtp_time = RtpPacket{1}.rtp_time});
  bench.push(first);
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(ntp_of(bench.packets()[0]), kNtpSeconds * GST_SECOND + ns(5 * kSpacing));
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportOfAnotherSsrcSaysNothingOfThisStream) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive({.ssrc = kOtherSsrc});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.packets()[1]), std::nullopt);
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportOfBeforeALeapSaysNothingOfAfterIt) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push_all(0, 4);
  rtcp.receive(Report{});
  for (std::int64_t n = 5; n < 15; ++n) {
    auto packet = RtpPacket{n};
    packet.rtp_time += 0x7000'0000;
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for("#14"));
  EXPECT_EQ(ntp_of(bench.packets()[5]), std::nullopt);
  EXPECT_EQ(ntp_of(bench.packets()[14]), std::nullopt);
  rtcp.receive({.rtp_time = RtpPacket{14}.rtp_time + 0x7000'0000});
  auto packet = RtpPacket{15};
  packet.rtp_time += 0x7000'0000;
  bench.push(packet);
  ASSERT_TRUE(bench.wait_for("#15"));
  EXPECT_EQ(ntp_of(bench.packets()[15]), kNtpSeconds * GST_SECOND + ns(kSpacing));
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportTooFarAheadOfThePacketsIsMarked) {
  const auto told = [](guint32 ahead, const char* properties) {
    JitterBufferBench bench{std::string{kEager} + properties};
    Rtcp rtcp{bench};
    bench.push(0);
    rtcp.receive({.rtp_time = RtpPacket{0}.rtp_time + ahead});
    EXPECT_EQ(rtcp.syncs(), 1u);
    return uint64_of(rtcp.last(), "sr-ext-rtptime");
  };
  const guint64 base = kRange32 + RtpPacket{0}.rtp_time;
  EXPECT_EQ(told(kRate, ""), base + kRate) << "a second";
  EXPECT_EQ(told(kRate + 1, ""), G_MAXUINT64);
  EXPECT_EQ(told(100 * kRate, " max-rtcp-rtp-time-diff=-1"), base + 100 * kRate);
  EXPECT_EQ(told(kRate / 10, " max-rtcp-rtp-time-diff=100"), base + kRate / 10);
  EXPECT_EQ(told(kRate / 10 + 1, " max-rtcp-rtp-time-diff=100"), G_MAXUINT64);
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportFromBeforeTheStreamIsNotToldOf) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive({.rtp_time = RtpPacket{0}.rtp_time - 1});
  EXPECT_EQ(rtcp.syncs(), 0u);
}

TEST(RtpAdaptiveJitterBufferRtcp, SyncIntervalThinsTheReportsOut) {
  JitterBufferBench bench{std::string{kEager} + " sync-interval=5000"};
  Rtcp rtcp{bench};
  bench.push_all(0, 1);
  for (const guint64 after : {0u, 2u, 4u})
    rtcp.receive({.after = after});
  EXPECT_EQ(rtcp.syncs(), 1u);
  rtcp.receive({.after = 5});
  EXPECT_EQ(rtcp.syncs(), 2u);
  rtcp.receive({.after = 1});
  EXPECT_EQ(rtcp.syncs(), 3u) << "a wall clock that was set back begins anew";
}

TEST(RtpAdaptiveJitterBufferRtcp, TsOffsetMayBeSetWhileHandleSyncIsOut) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  g_signal_connect(bench.element(), "handle-sync",
                   G_CALLBACK(+[](GstElement* element, GstStructure*, gpointer) {
                     g_object_set(element, "ts-offset", gint64{1'000'000}, nullptr);
                   }),
                   nullptr);
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  rtcp.receive(Report{});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.packets()[1].buffer.get()), ns(kSpacing + 1ms));
}

TEST(RtpAdaptiveJitterBufferRtcp, WhatIsNoRtcpIsDroppedAndCountedWithOneWarningASecond) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  for (const gsize size : {0u, 3u, 4u, 28u}) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
    gst_buffer_memset(buffer, 0, 0, size);
    EXPECT_EQ(gst_pad_chain(rtcp.pad(), buffer), GST_FLOW_OK);
  }
  auto truncated = Report{.cname = "somebody"}.make();
  gst_buffer_resize(truncated.get(), 0, 20);
  EXPECT_EQ(rtcp.receive(std::move(truncated)), GST_FLOW_OK);
  EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 1u);
  EXPECT_EQ(bench.stat("num-invalid"), 5u);
  EXPECT_EQ(rtcp.syncs(), 0u);
}

TEST(RtpAdaptiveJitterBufferRtcp, RtcpWithoutASenderReportIsIgnored) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtcp_buffer_new(1400));
  GstRTCPBuffer map = GST_RTCP_BUFFER_INIT;
  gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &map);
  GstRTCPPacket packet;
  gst_rtcp_buffer_add_packet(&map, GST_RTCP_TYPE_RR, &packet);
  gst_rtcp_packet_rr_set_ssrc(&packet, kSsrc);
  gst_rtcp_buffer_unmap(&map);
  EXPECT_EQ(rtcp.receive(std::move(buffer)), GST_FLOW_OK);
  EXPECT_EQ(rtcp.syncs(), 0u);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_WARNING).empty());
}

TEST(RtpAdaptiveJitterBufferRtcp, EventsOfRtcpTouchTheMediaNeitherByFlushNorByEos) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  const auto before = bench.order();
  for (GstEvent* event : {gst_event_new_stream_start("rtcp"), gst_event_new_flush_start(),
                          gst_event_new_flush_stop(TRUE), gst_event_new_eos()})
    gst_pad_send_event(rtcp.pad(), event);
  EXPECT_EQ(bench.push(1), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.order(), before + " #1");
}

TEST(RtpAdaptiveJitterBufferRtcp, AFlushForgetsTheReport) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive(Report{});
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open_stream();
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.packets().back()), std::nullopt);
  EXPECT_EQ(rtcp.syncs(), 1u);
}

}  // namespace
}  // namespace onair::test
