// SPDX-License-Identifier: LGPL-2.1-or-later
// rtplistensrc with RTCP ports: reports and goodbyes that come, requests and reports that leave.
#include <string>

#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "forwarded.hpp"

namespace onair::test {
namespace {

using Bytes = RtpSender::Bytes;

constexpr guint kMtu = 1400;

// RTCP that `fill` writes.
Bytes rtcp_of(const std::function<void(GstRTCPBuffer&)>& fill) {
  const auto buffer = GstPtr<GstBuffer>::adopt(gst_rtcp_buffer_new(kMtu));
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &rtcp);
  fill(rtcp);
  gst_rtcp_buffer_unmap(&rtcp);
  Bytes bytes(gst_buffer_get_size(buffer.get()));
  gst_buffer_extract(buffer.get(), 0, bytes.data(), bytes.size());
  return bytes;
}

Bytes sender_report(std::uint32_t ssrc, guint64 ntp, std::uint32_t rtp_time) {
  return rtcp_of([&](GstRTCPBuffer& rtcp) {
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SR, &packet);
    gst_rtcp_packet_sr_set_sender_info(&packet, ssrc, ntp, rtp_time, 1, 1);
  });
}

Bytes goodbye(std::uint32_t ssrc) {
  return rtcp_of([&](GstRTCPBuffer& rtcp) {
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_RR, &packet);
    gst_rtcp_packet_rr_set_ssrc(&packet, ssrc);
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_BYE, &packet);
    gst_rtcp_packet_bye_add_ssrc(&packet, ssrc);
  });
}

// The media SSRC of a picture loss indication in this compound packet; 0: there is none.
guint32 picture_lost(const Bytes& bytes) {
  const auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
  if (!gst_rtcp_buffer_validate_reduced(buffer.get()))
    return 0;
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  gst_rtcp_buffer_map(buffer.get(), GST_MAP_READ, &rtcp);
  guint32 ssrc = 0;
  GstRTCPPacket packet;
  for (gboolean more = gst_rtcp_buffer_get_first_packet(&rtcp, &packet); more;
       more = gst_rtcp_packet_move_to_next(&packet)) {
    if (gst_rtcp_packet_get_type(&packet) == GST_RTCP_TYPE_PSFB &&
        gst_rtcp_packet_fb_get_type(&packet) == GST_RTCP_PSFB_TYPE_PLI)
      ssrc = gst_rtcp_packet_fb_get_media_ssrc(&packet);
  }
  gst_rtcp_buffer_unmap(&rtcp);
  return ssrc;
}

// What an SFU sends and hears of RTCP, from a socket of its own.
class WithRtcp : public Forwarded {
 public:
  explicit WithRtcp(const std::string& properties = {}, bool has_test_clock = false)
      : Forwarded{"audio-rtcp-port=0 video-rtcp-port=0 " + properties, {}, has_test_clock} {}

  void report_video(guint64 ntp = 0, std::uint32_t rtp_time = 0) {
    rtcp.send_bytes(rtp.port_of("video-rtcp"), sender_report(0x1111, ntp, rtp_time));
  }
  // The next picture loss indication; 0: none comes.
  guint32 wait_for_picture_lost() {
    for (;;) {
      const auto bytes = rtcp.receive();
      if (!bytes)
        return 0;
      if (const auto ssrc = picture_lost(*bytes))
        return ssrc;
    }
  }

  RtpSender rtcp{RtpSender::video()};
};

TEST(RtpListenSrcRtcp, KeyFrameIsAskedForWhereTheRtcpComesFrom) {
  WithRtcp live;
  // Slices of a picture that nothing precedes.
  RtpSender video{{.payload = {0x41, 1}}};
  live.report_video();
  video.send(live.rtp.port_of("video"), 3);
  REQUIRE_PAD(sink, live.rtp, "video_0");
  EXPECT_EQ(live.wait_for_picture_lost(), 0x1111u);
  EXPECT_TRUE(eventually([&] {
    const auto stats = live.rtp.stats();
    guint requests = 0;
    gst_structure_get_uint(gst_value_get_structure(gst_structure_get_value(stats.get(), "video")),
                           "keyframe-requests", &requests);
    return requests > 0;
  }));
}

TEST(RtpListenSrcRtcp, ConsumersRequestLeavesAsPictureLossIndication) {
  WithRtcp live;
  live.report_video();
  live.send_video(3);  // IDR slices: we need not ask
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 3u);
  gst_pad_push_event(video->pad(),
                     gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
  EXPECT_EQ(live.wait_for_picture_lost(), 0x1111u);
}

TEST(RtpListenSrcRtcp, SenderReportsPlaceThePackets) {
  WithRtcp live;
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  Kept kept{video->pad()};
  constexpr guint64 kNtp = 3'900'000'000;  // s since 1900
  live.report_video(kNtp << 32, live.video.timestamp());
  const auto has_ntp = [&] {
    live.send_video();
    const auto buffers = kept.buffers();
    return !buffers.empty() &&
           reference_timestamp(buffers.back().get(), "timestamp/x-ntp").has_value();
  };
  ASSERT_TRUE(eventually(has_ntp));
  const auto ntp = reference_timestamp(kept.buffers().back().get(), "timestamp/x-ntp");
  ASSERT_TRUE(ntp);
  EXPECT_GE(*ntp, kNtp * GST_SECOND);
  EXPECT_LT(*ntp, (kNtp + 3600) * GST_SECOND);
}

TEST(RtpListenSrcRtcp, AfterAGoodbyeAnotherTakesThePlaceAtOnce) {
  WithRtcp live;
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  ASSERT_TRUE(live.rtp.wait_for_session("connected"));
  live.rtcp.send_bytes(live.rtp.port_of("video-rtcp"), goodbye(0x1111));
  RtpSender next{RtpSender::video(0x3333)};
  // The two sockets are read by threads of their own.
  EXPECT_TRUE(eventually([&] {
    next.send(live.rtp.port_of("video"), 1);
    return uint64_field(live.rtp.stats().get(), "sessions") == 2;
  }));
  EXPECT_EQ(live.rtp.next_session_message(), "ended: replaced");
  EXPECT_EQ(live.rtp.next_session_message(), "offered");
}

TEST(RtpListenSrcRtcp, DamagedRtcpDoesNotHinderAnybody) {
  WithRtcp live;
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  for (const auto& bytes : {Bytes{}, Bytes{0x81}, Bytes{0x81, 200, 0xff, 0xff}, Bytes(60, 0x80)})
    live.rtcp.send_bytes(live.rtp.port_of("video-rtcp"), bytes);
  live.report_video();
  live.send_video(3);
  EXPECT_PACKETS(video, 5u);
  gst_pad_push_event(video->pad(),
                     gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
  EXPECT_EQ(live.wait_for_picture_lost(), 0x1111u);
  EXPECT_TRUE(live.rtp.errors().empty());
}

}  // namespace
}  // namespace onair::test
