// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_input.hpp"

#include <array>

#include <gst/rtp/gstrtcpbuffer.h>
#include <gst/rtp/gstrtpbuffer.h>

#include "rtp_header.hpp"

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

// Nearly always the first memory has all of the header. Where it has not (rtprtxreceive makes a
// memory of each part), it is copied out. Either costs a fraction of gst_rtp_buffer_map().
std::optional<RtpHeader> read_header(GstBuffer* buffer, std::size_t size) {
  if (gst_buffer_n_memory(buffer) == 0)
    return std::nullopt;
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  GstMapInfo map;
  if (!gst_memory_map(memory, &map, GST_MAP_READ))
    return std::nullopt;
  std::array<guint8, kMaxRtpHeaderSize> copy;
  std::span<const guint8> head{map.data, map.size};
  const bool is_plain = map.size >= kFixedRtpHeaderSize && !has_extension(map.data[0]);
  if (!is_plain && map.size < kMaxRtpHeaderSize)
    head = {copy.data(), gst_buffer_extract(buffer, 0, copy.data(), copy.size())};
  guint8 last = 0;
  if (!head.empty() && has_padding(head[0]))
    gst_buffer_extract(buffer, size - 1, &last, 1);
  const auto header = parse_rtp_header(head, size, last);
  gst_memory_unmap(memory, &map);
  return header;
}

}  // namespace

std::optional<ParsedPacket> parse_rtp(GstBuffer* buffer) {
  const std::size_t size = gst_buffer_get_size(buffer);
  const auto header = read_header(buffer, size);
  if (!header)
    return std::nullopt;
  return ParsedPacket{
      .packet =
          {
              .ssrc = header->ssrc,
              .sequence = header->sequence,
              .rtp_time = header->timestamp,
              .size = static_cast<std::uint32_t>(size),
              .marker = header->marker,
              .is_empty = header->payload_size == 0,
              .retransmission = GST_BUFFER_FLAG_IS_SET(buffer, GST_RTP_BUFFER_FLAG_RETRANSMISSION),
          },
      .payload_type = header->payload_type,
  };
}

ParsedRtcp parse_rtcp(GstBuffer* buffer) {
  // An empty one makes the validation complain of its caller.
  if (gst_buffer_get_size(buffer) == 0 || !gst_rtcp_buffer_validate_reduced(buffer))
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
