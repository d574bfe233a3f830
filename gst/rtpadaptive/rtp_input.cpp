// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_input.hpp"

#include <gst/rtp/gstrtcpbuffer.h>
#include <gst/rtp/gstrtpbuffer.h>

namespace onair {

namespace {

std::uint32_t clock_rate_of(const GstCaps* caps) {
  int rate = 0;
  if (!caps || gst_caps_is_empty(caps) || gst_caps_is_any(caps) ||
      !gst_structure_get_int(gst_caps_get_structure(caps, 0), "clock-rate", &rate) || rate <= 0)
    return 0;
  return static_cast<std::uint32_t>(rate);
}

// The first CNAME that a source description (RFC 3550 section 6.5) gives for `ssrc`.
std::string cname_of(GstRTCPPacket& packet, std::uint32_t ssrc) {
  for (gboolean more = gst_rtcp_packet_sdes_first_item(&packet); more;
       more = gst_rtcp_packet_sdes_next_item(&packet)) {
    if (gst_rtcp_packet_sdes_get_ssrc(&packet) != ssrc)
      continue;
    for (gboolean entries = gst_rtcp_packet_sdes_first_entry(&packet); entries;
         entries = gst_rtcp_packet_sdes_next_entry(&packet)) {
      GstRTCPSDESType type{};
      guint8 length = 0;
      guint8* text = nullptr;
      if (gst_rtcp_packet_sdes_get_entry(&packet, &type, &length, &text) &&
          type == GST_RTCP_SDES_CNAME)
        return {reinterpret_cast<const char*>(text), length};
    }
  }
  return {};
}

}  // namespace

std::optional<ParsedPacket> parse_rtp(GstBuffer* buffer) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
    return std::nullopt;
  const ParsedPacket result{
      .packet =
          {
              .ssrc = gst_rtp_buffer_get_ssrc(&rtp),
              .sequence = gst_rtp_buffer_get_seq(&rtp),
              .rtp_time = gst_rtp_buffer_get_timestamp(&rtp),
              .size = static_cast<std::uint32_t>(gst_rtp_buffer_get_packet_len(&rtp)),
              .marker = gst_rtp_buffer_get_marker(&rtp) != FALSE,
              .is_empty = gst_rtp_buffer_get_payload_len(&rtp) == 0,
              .retransmission = GST_BUFFER_FLAG_IS_SET(buffer, GST_RTP_BUFFER_FLAG_RETRANSMISSION),
          },
      .payload_type = gst_rtp_buffer_get_payload_type(&rtp),
  };
  gst_rtp_buffer_unmap(&rtp);
  return result;
}

ParsedRtcp parse_rtcp(GstBuffer* buffer) {
  if (!gst_rtcp_buffer_validate_reduced(buffer))
    return {.content = RtcpContent::Invalid};
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  gst_rtcp_buffer_map(buffer, GST_MAP_READ, &rtcp);
  ParsedRtcp result{.content = RtcpContent::NoReport};
  GstRTCPPacket packet;
  for (gboolean more = gst_rtcp_buffer_get_first_packet(&rtcp, &packet); more;
       more = gst_rtcp_packet_move_to_next(&packet)) {
    const GstRTCPType type = gst_rtcp_packet_get_type(&packet);
    if (type == GST_RTCP_TYPE_SR && result.content == RtcpContent::NoReport) {
      guint64 ntp = 0;
      gst_rtcp_packet_sr_get_sender_info(&packet, &result.report.ssrc, &ntp,
                                         &result.report.rtp_time, nullptr, nullptr);
      // 32.32 fixed point seconds.
      result.report.ntp = NtpTime{Duration{
          static_cast<Duration::rep>(gst_util_uint64_scale(ntp, GST_SECOND, guint64{1} << 32))}};
      result.content = RtcpContent::Report;
    } else if (type == GST_RTCP_TYPE_SDES && result.content == RtcpContent::Report &&
               result.report.cname.empty()) {
      result.report.cname = cname_of(packet, result.report.ssrc);
    }
  }
  gst_rtcp_buffer_unmap(&rtcp);
  return result;
}

bool ClockRates::learn(const GstCaps* caps) {
  int payload = 0;
  if (clock_rate_of(caps) == 0)
    return false;
  if (gst_structure_get_int(gst_caps_get_structure(caps, 0), "payload", &payload)) {
    rates_[static_cast<std::size_t>(payload) & 0x7f] = clock_rate_of(caps);
    return true;
  }
  rates_.fill(clock_rate_of(caps));
  return true;
}

bool ClockRates::learn(const GstCaps* caps, std::uint8_t payload_type) {
  const std::uint32_t rate = clock_rate_of(caps);
  if (rate == 0)
    return false;
  rates_[payload_type & 0x7f] = rate;
  return true;
}

}  // namespace onair
