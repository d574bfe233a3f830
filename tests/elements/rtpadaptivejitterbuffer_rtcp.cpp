// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer: sender reports, what is told of them, capture times in packets, and the
// wall clock metas that both become.
#include "rtpadaptivejitterbuffer_rtcp.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <string>

#include <gst/gst.h>
#include <gst/rtp/gstrtcpbuffer.h>
#include <gtest/gtest.h>

#include "rtpadaptivejitterbuffer_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kEager = "release=eager adaptive=false latency=200";
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
  const auto packets = bench.buffers();
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
  EXPECT_EQ(ntp_of(bench.buffers()[1]), (kNtpSeconds + 100) * GST_SECOND + ns(kSpacing));
  EXPECT_EQ(rtcp.syncs(), 2u);
}

TEST(RtpAdaptiveJitterBufferRtcp, WallClockMetasCanBeTurnedOff) {
  JitterBufferBench bench{std::string{kEager} + " add-reference-timestamp-meta=false"};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive(Report{});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.buffers()[1]), std::nullopt);
  EXPECT_TRUE(reference_timestamp(bench.buffers()[1].buffer.get(), "timestamp/x-rtp"));
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportBeforeTheFirstPacketIsToldOfWithIt) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  rtcp.receive(Report{});
  EXPECT_EQ(rtcp.syncs(), 0u);
  bench.push(0);
  EXPECT_EQ(rtcp.syncs(), 1u);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(ntp_of(bench.buffers()[0]), kNtpSeconds * GST_SECOND);
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportBeforeTheFirstPacketAndTheWrapIsTimedAcrossIt) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  const auto first = RtpPacket{6};
  ASSERT_LT(first.rtp_time, kFrame * 6) << "the wrap is behind it";
  rtcp.receive({.rtp_time = RtpPacket{1}.rtp_time});
  bench.push(first);
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(ntp_of(bench.buffers()[0]), kNtpSeconds * GST_SECOND + ns(5 * kSpacing));
}

TEST(RtpAdaptiveJitterBufferRtcp, AReportOfAnotherSsrcSaysNothingOfThisStream) {
  JitterBufferBench bench{kEager};
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive({.ssrc = kOtherSsrc});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.buffers()[1]), std::nullopt);
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
  EXPECT_EQ(ntp_of(bench.buffers()[5]), std::nullopt);
  EXPECT_EQ(ntp_of(bench.buffers()[14]), std::nullopt);
  rtcp.receive({.rtp_time = RtpPacket{14}.rtp_time + 0x7000'0000});
  auto packet = RtpPacket{15};
  packet.rtp_time += 0x7000'0000;
  bench.push(packet);
  ASSERT_TRUE(bench.wait_for("#15"));
  EXPECT_EQ(ntp_of(bench.buffers()[15]), kNtpSeconds * GST_SECOND + ns(kSpacing));
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

// rtpbin aligns streams by it, if told to (rtcp-sync=rtp-info).
TEST(RtpAdaptiveJitterBufferRtcp, HandleSyncHandsOnWhatRtspSaidInTheCaps) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  Rtcp rtcp{bench};
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream(std::string{JitterBufferBench::kCaps} +
                    ", clock-base=(uint)4294963200, npt-start=(guint64)7000000000");
  bench.push(0);
  rtcp.receive(Report{});
  ASSERT_EQ(rtcp.syncs(), 2u) << "by RTP-Info alone, and by the report";
  EXPECT_EQ(uint64_of(rtcp.last(), "clock-base"), 4'294'963'200u);
  EXPECT_EQ(uint64_of(rtcp.last(), "npt-start"), 7 * GST_SECOND);
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
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[1].buffer.get()), ns(kSpacing + 1ms));
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
  bench.open();
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(ntp_of(bench.buffers().back()), std::nullopt);
  EXPECT_EQ(rtcp.syncs(), 1u);
}

// ---- capture times in packets (abs-capture-time)

constexpr guint8 kExtensionId = 5;
constexpr guint32 kCaptured = kNtpSeconds + 1000;  // unlike any report
using Form = RtpPacket::Form;

std::string caps_with(const std::string& field) {
  return std::string{JitterBufferBench::kCaps} + ", " + field;
}
const std::string kCaptureTimeCaps =
    caps_with("extmap-5=(string)http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time");

// A bench whose caps name the extension.
class CaptureBench : public JitterBufferBench {
 public:
  explicit CaptureBench(const std::string& caps = kCaptureTimeCaps)
      : JitterBufferBench{kEager, Start::Ready} {
    set_state(GST_STATE_PLAYING);
    open_stream(caps);
  }
  GstFlowReturn push_captured(std::int64_t n, guint32 ntp_seconds = kCaptured) {
    return push(RtpPacket{n}.captured(kExtensionId, ntp_seconds));
  }
};

// Only where a capture time tells it.
std::optional<GstClockTime> captured_ntp_of(const JitterBufferBench::Item& packet) {
  const auto reference =
      GstPtr<GstCaps>::adopt(gst_caps_from_string("timestamp/x-ntp, source=(string)capture"));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(packet.buffer.get(), reference.get());
  return meta ? std::optional{meta->timestamp} : std::nullopt;
}

TEST(RtpAdaptiveJitterBufferCapture, BuffersCarryTheSendersWallClockFromThePacketThatTellsItOn) {
  CaptureBench bench;
  bench.push_all(0, 2);
  bench.push_captured(3);
  bench.push_all(4, 8);  // across the wrap of RTP time
  ASSERT_TRUE(bench.wait_for("#8"));
  const auto packets = bench.buffers();
  EXPECT_EQ(ntp_of(packets[2]), std::nullopt);
  for (std::size_t n = 3; n <= 8; ++n) {
    EXPECT_EQ(captured_ntp_of(packets[n]),
              kCaptured * GST_SECOND + ns((static_cast<std::int64_t>(n) - 3) * kSpacing));
    EXPECT_EQ(ntp_of(packets[n]), captured_ntp_of(packets[n])) << "stock readers find it too";
  }
  EXPECT_EQ(bench.stat("num-capture-times"), 1u);
}

TEST(RtpAdaptiveJitterBufferCapture, EitherFormIsReadWithAClockOffsetOrWithout) {
  for (const auto form : {Form::OneByte, Form::TwoByte}) {
    for (const std::size_t size : {8u, 16u}) {
      CaptureBench bench;
      bench.push(RtpPacket{0}.captured(kExtensionId, kCaptured, form, size));
      ASSERT_TRUE(bench.wait_for("#0"));
      EXPECT_EQ(captured_ntp_of(bench.buffers()[0]), kCaptured * GST_SECOND);
    }
  }
}

TEST(RtpAdaptiveJitterBufferCapture, TheCapsSayByWhatIdItComes) {
  const std::string uri{"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"};
  const auto reads = [](const std::string& caps, guint8 id, Form form = Form::OneByte) {
    CaptureBench bench{caps};
    bench.push(RtpPacket{0}.captured(id, kCaptured, form));
    EXPECT_TRUE(bench.wait_for("#0"));
    return captured_ntp_of(bench.buffers()[0]).has_value();
  };
  EXPECT_TRUE(reads(caps_with("extmap-1=(string)" + uri), 1));
  EXPECT_TRUE(reads(caps_with("extmap-14=(string)" + uri), 14));
  EXPECT_TRUE(reads(caps_with("extmap-255=(string)" + uri), 255, Form::TwoByte));
  EXPECT_TRUE(reads(caps_with("extmap-3=(string)urn:other, extmap-4=(string)" + uri), 4));
  EXPECT_TRUE(reads(caps_with("extmap-7=(string)<\"sendonly\", \"" + uri + "\", \"\">"), 7))
      << "as it is written with a direction or attributes";
  EXPECT_FALSE(reads(caps_with("extmap-4=(string)" + uri), 5));
  EXPECT_FALSE(reads(caps_with("extmap-5=(string)urn:other"), 5));
  EXPECT_FALSE(reads(caps_with("extmap-256=(string)" + uri), 1));
  EXPECT_FALSE(reads(caps_with("extmap-5x=(string)" + uri), 5));
  EXPECT_FALSE(reads(caps_with("extmap-5=(int)5"), 5));
  EXPECT_FALSE(reads(caps_with("extmap-5=(string)<\"sendonly\", \"urn:other\", \"\">"), 5));
  EXPECT_FALSE(reads(caps_with("extmap-5=(string)<\"" + uri + "\">"), 5));
  EXPECT_FALSE(reads(JitterBufferBench::kCaps, 5));
}

TEST(RtpAdaptiveJitterBufferCapture, WhoeverAnswersRequestPtMapMayNameTheExtension) {
  CaptureBench bench{"application/x-rtp"};
  g_signal_connect(bench.element(), "request-pt-map",
                   G_CALLBACK(+[](GstElement*, guint, gpointer) -> GstCaps* {
                     return gst_caps_from_string(kCaptureTimeCaps.c_str());
                   }),
                   nullptr);
  bench.push_captured(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_TRUE(captured_ntp_of(bench.buffers()[0]));
}

TEST(RtpAdaptiveJitterBufferCapture, ItHoldsWhileItComesWhateverReportsSayAndThenTheyDo) {
  CaptureBench bench;
  Rtcp rtcp{bench};
  bench.push(0);
  rtcp.receive(Report{});
  bench.push(1);
  ASSERT_TRUE(bench.wait_for("#1"));
  bench.push_captured(2);
  rtcp.receive({.rtp_time = RtpPacket{2}.rtp_time});
  bench.push_all(3, 253);
  ASSERT_TRUE(bench.wait_for("#253"));
  const auto packets = bench.buffers();
  EXPECT_EQ(ntp_of(packets[1]), kNtpSeconds * GST_SECOND + ns(kSpacing));
  EXPECT_FALSE(captured_ntp_of(packets[1]));
  EXPECT_EQ(captured_ntp_of(packets[252]), (kCaptured + 5) * GST_SECOND) << "5 s old";
  EXPECT_FALSE(captured_ntp_of(packets[253]));
  EXPECT_EQ(ntp_of(packets[253]), (kNtpSeconds + 5) * GST_SECOND + ns(kSpacing));
}

TEST(RtpAdaptiveJitterBufferCapture, MetasCanBeTurnedOff) {
  CaptureBench bench;
  bench.set("add-reference-timestamp-meta", "false");
  bench.push_captured(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(ntp_of(bench.buffers()[0]), std::nullopt);
}

TEST(RtpAdaptiveJitterBufferCapture, WhatWasSaidBeforeALeapSaysNothingOfAfterIt) {
  CaptureBench bench;
  bench.push_captured(0);
  for (std::int64_t n = 1; n < 10; ++n) {
    auto packet = RtpPacket{n};
    packet.rtp_time += 4 * kRate;  // within what it would hold for
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for("#9"));
  EXPECT_TRUE(captured_ntp_of(bench.buffers()[0]));
  EXPECT_EQ(ntp_of(bench.buffers()[9]), std::nullopt);
}

TEST(RtpAdaptiveJitterBufferCapture, AnotherSsrcIsAnotherStream) {
  CaptureBench bench;
  bench.push_captured(0);
  for (std::int64_t n = 1; n < 10; ++n)
    bench.push(RtpPacket{n}.of(kOtherSsrc));
  ASSERT_TRUE(bench.wait_for("#9"));
  EXPECT_EQ(ntp_of(bench.buffers()[9]), std::nullopt);
}

TEST(RtpAdaptiveJitterBufferCapture, AFlushForgetsIt) {
  CaptureBench bench;
  bench.push_captured(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open_stream(kCaptureTimeCaps);
  bench.forget();
  bench.push(1);
  bench.push_captured(2);
  ASSERT_TRUE(bench.wait_for("#2"));
  EXPECT_EQ(ntp_of(bench.buffers()[0]), std::nullopt);
  EXPECT_TRUE(captured_ntp_of(bench.buffers()[1]));
}

TEST(RtpAdaptiveJitterBufferCapture, APacketInSeveralMemoriesIsReadAsOne) {
  CaptureBench bench;
  auto whole = RtpPacket{0}.captured(kExtensionId, kCaptured).make();
  GstMapInfo map;
  ASSERT_TRUE(gst_buffer_map(whole.get(), &map, GST_MAP_READ));
  GstBuffer* pieces = gst_buffer_new();
  for (gsize at = 0; at < map.size; at += 13) {
    const gsize size = std::min<gsize>(13, map.size - at);
    GstMemory* piece = gst_allocator_alloc(nullptr, size, nullptr);
    GstMapInfo target;
    gst_memory_map(piece, &target, GST_MAP_WRITE);
    std::copy_n(map.data + at, size, target.data);
    gst_memory_unmap(piece, &target);
    gst_buffer_append_memory(pieces, piece);
  }
  gst_buffer_unmap(whole.get(), &map);
  ASSERT_GT(gst_buffer_n_memory(pieces), 2u);
  ASSERT_EQ(gst_pad_push(bench.feeder(), pieces), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(captured_ntp_of(bench.buffers()[0]), kCaptured * GST_SECOND);
}

// Extension, lengths and all: each packet comes out, whatever its extension says.
TEST(RtpAdaptiveJitterBufferCapture, DamagedExtensionsDoNoHarm) {
  CaptureBench bench;
  std::mt19937 random{20261121};
  constexpr std::int64_t kPackets = 2000;
  for (std::int64_t n = 0; n < kPackets; ++n) {
    auto packet =
        RtpPacket{n}.captured(kExtensionId, kCaptured, n % 2 ? Form::OneByte : Form::TwoByte, 16);
    auto buffer = packet.make();
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE));
    // Behind the extension's length, which decides whether this is a packet at all.
    for (int i = 0; i < 3; ++i)
      map.data[16 + random() % 20] = static_cast<guint8>(random());
    if (random() % 4 == 0)
      map.data[12 + random() % 2] = static_cast<guint8>(random());
    gst_buffer_unmap(buffer.get(), &map);
    ASSERT_EQ(gst_pad_push(bench.feeder(), buffer.release()), GST_FLOW_OK);
  }
  EXPECT_TRUE(bench.wait_for_buffers(kPackets));
}

}  // namespace
}  // namespace onair::test
