// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packets.hpp"

#include <gst/rtp/gstrtcpbuffer.h>
#include <gst/rtp/gstrtpbuffer.h>

#include "glue/gsttime.hpp"

namespace onair::sim::sync {

namespace {

constexpr char kCname[] = "sender";
constexpr guint kMtu = 200;

void stamp(GstBuffer* buffer, RunningTime arrival) {
  GST_BUFFER_PTS(buffer) = to_gst(arrival);
  GST_BUFFER_DTS(buffer) = to_gst(arrival);
}

// 32.32 fixed point; what garbage is before 1900 becomes its midnight.
guint64 to_ntp(NtpTime time) {
  return gst_util_uint64_scale(to_gst(time.time_since_epoch()), guint64{1} << 32, GST_SECOND);
}

}  // namespace

GstPtr<GstCaps> caps_of(Medium medium) {
  const auto is_audio = medium == Medium::Audio;
  return GstPtr<GstCaps>::adopt(
      gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, is_audio ? "audio" : "video",
                          "clock-rate", G_TYPE_INT, static_cast<gint>(clock_rate(medium)),
                          "encoding-name", G_TYPE_STRING, is_audio ? "OPUS" : "H264", "payload",
                          G_TYPE_INT, static_cast<gint>(payload_type(medium)), nullptr));
}

GstPtr<GstBuffer> make_rtp(const Arrived& packet) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(4, 0, 0));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer.get(), GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_payload_type(&rtp, static_cast<guint8>(payload_type(packet.medium)));
  gst_rtp_buffer_set_ssrc(&rtp, packet.ssrc);
  gst_rtp_buffer_set_seq(&rtp, packet.sequence);
  gst_rtp_buffer_set_timestamp(&rtp, packet.rtp_time);
  gst_rtp_buffer_set_marker(&rtp, packet.marker ? TRUE : FALSE);
  gst_rtp_buffer_unmap(&rtp);
  stamp(buffer.get(), packet.arrival);
  return buffer;
}

GstPtr<GstBuffer> make_rtcp(const Arrived& report) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtcp_buffer_new(kMtu));
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;
  gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &rtcp);
  gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SR, &packet);
  gst_rtcp_packet_sr_set_sender_info(&packet, report.ssrc, to_ntp(*report.report), report.rtp_time,
                                     1, 1);
  gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SDES, &packet);
  gst_rtcp_packet_sdes_add_item(&packet, report.ssrc);
  gst_rtcp_packet_sdes_add_entry(&packet, GST_RTCP_SDES_CNAME, sizeof kCname - 1,
                                 reinterpret_cast<const guint8*>(kCname));
  gst_rtcp_buffer_unmap(&rtcp);
  stamp(buffer.get(), report.arrival);
  return buffer;
}

}  // namespace onair::sim::sync
