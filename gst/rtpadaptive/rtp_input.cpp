// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_input.hpp"

#include <array>
#include <cstring>

#include <gst/rtp/gstrtcpbuffer.h>
#include <gst/rtp/gstrtpbuffer.h>

#include "header_extension.hpp"
#include "rtp_header.hpp"

namespace onair {

namespace {

bool has_structure(const GstCaps* caps) {
  return caps && !gst_caps_is_empty(caps) && !gst_caps_is_any(caps);
}

// Nanoseconds of a field. What is above a century is no time, and could not be calculated with.
std::optional<Duration> read_time(const GstStructure* structure, const char* field) {
  constexpr Duration kCentury = std::chrono::years{100};
  GstClockTime time = 0;
  if (!gst_structure_get_clock_time(structure, field, &time) || time > to_gst(kCentury))
    return std::nullopt;
  return to_duration(time);
}

// Else a second of the range is no second of RTP time, or one that comes sooner.
bool is_played_normally(const GstStructure* structure) {
  for (const char* field : {"play-speed", "play-scale"}) {
    double rate = 1;
    if (gst_structure_get_double(structure, field, &rate) && rate != 1)
      return false;
  }
  return true;
}

std::uint32_t clock_rate_of(const GstCaps* caps) {
  int rate = 0;
  if (!has_structure(caps) ||
      !gst_structure_get_int(gst_caps_get_structure(caps, 0), "clock-rate", &rate) || rate <= 0)
    return 0;
  return static_cast<std::uint32_t>(rate);
}

// The number that stands behind "extmap-": 1 to 255, as RFC 8285 section 4.3 allows in packets; else 0.
std::uint8_t extension_id(const char* field) {
  constexpr const char* kPrefix = "extmap-";
  if (!g_str_has_prefix(field, kPrefix))
    return 0;
  guint64 id = 0;
  const char* number = field + std::strlen(kPrefix);
  return g_ascii_string_to_unsigned(number, 10, 1, 255, &id, nullptr)
             ? static_cast<std::uint8_t>(id)
             : std::uint8_t{0};
}

// A URI, or an array <direction, URI, attributes>, as gst_sdp_media_attributes_to_caps() writes it.
bool names(const GValue* extension, const char* uri) {
  if (GST_VALUE_HOLDS_ARRAY(extension) && gst_value_array_get_size(extension) == 3)
    extension = gst_value_array_get_value(extension, 1);
  return G_VALUE_HOLDS_STRING(extension) && g_strcmp0(g_value_get_string(extension), uri) == 0;
}

std::uint8_t find_extension_id(const GstCaps* caps, const char* uri) {
  struct Search {
    const char* uri;
    std::uint8_t found = 0;
  } search{uri};
  const auto look = [](GQuark field, const GValue* value, gpointer data) -> gboolean {
    auto& its = *static_cast<Search*>(data);
    const auto id = extension_id(g_quark_to_string(field));
    if (id == 0 || !names(value, its.uri))
      return TRUE;
    its.found = id;
    return FALSE;
  };
  gst_structure_foreach(gst_caps_get_structure(caps, 0), look, &search);
  return search.found;
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

// What `read` makes of a packet's header extension whose id `id_of` tells for its payload type. Those
// that have one are few, so that all are read once more rather than all kept in mind.
template <typename IdOf, typename Read>
std::optional<NtpTime> read_extension(GstBuffer* buffer, IdOf id_of, Read read) {
  std::array<guint8, kMaxRtpHeaderSize + kMostExtensionBytes> copy;
  const std::span<const guint8> head{copy.data(),
                                     gst_buffer_extract(buffer, 0, copy.data(), copy.size())};
  if (head.empty() || !has_extension(head[0]))
    return std::nullopt;
  // Padding is looked at by parse_rtp().
  const auto header = parse_rtp_header(head, gst_buffer_get_size(buffer), 0);
  if (!header)
    return std::nullopt;
  const auto elements = head.subspan(header->extension_offset);
  const auto element = find_header_extension(
      header->extension_profile, elements.first(std::min(elements.size(), header->extension_size)),
      id_of(header->payload_type));
  return element ? read(*element) : std::nullopt;
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

std::optional<NtpTime> parse_capture_time(GstBuffer* buffer, const PayloadTypes& types) {
  return read_extension(
      buffer, [&](std::uint8_t type) { return types.capture_time_id(type); },
      [](std::span<const std::uint8_t> element) { return parse_capture_time(element); });
}

std::optional<NtpTime> parse_ntp_time(GstBuffer* buffer, const PayloadTypes& types) {
  return read_extension(
      buffer, [&](std::uint8_t type) { return types.ntp_time_id(type); },
      [](std::span<const std::uint8_t> element) { return parse_ntp_time(element); });
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

PlayRange read_play_range(const GstCaps* caps) {
  PlayRange range;
  if (!has_structure(caps))
    return range;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  guint value = 0;
  if (gst_structure_get_uint(structure, "seqnum-base", &value))
    range.first_sequence = static_cast<std::uint16_t>(value);
  if (gst_structure_get_uint(structure, "clock-base", &value))
    range.first_rtp_time = value;
  range.npt_start = read_time(structure, "npt-start").value_or(Duration{0});
  const auto stop = read_time(structure, "npt-stop");
  if (stop && *stop >= range.npt_start && is_played_normally(structure))
    range.length = *stop - range.npt_start;
  return range;
}

std::string read_cname(const GstCaps* caps, std::uint32_t ssrc) {
  if (!has_structure(caps))
    return {};
  const std::string field = "ssrc-" + std::to_string(ssrc) + "-cname";
  const char* cname = gst_structure_get_string(gst_caps_get_structure(caps, 0), field.c_str());
  return cname ? cname : "";
}

std::optional<PayloadTypes::Type> PayloadTypes::read(const GstCaps* caps) {
  const std::uint32_t rate = clock_rate_of(caps);
  if (rate == 0)
    return std::nullopt;
  const Type type{.clock_rate = rate,
                  .capture_time_id = find_extension_id(caps, kCaptureTimeUri),
                  .ntp_time_id = find_extension_id(caps, kNtpTimeUri)};
  have_capture_times_ = have_capture_times_ || type.capture_time_id != 0;
  have_ntp_times_ = have_ntp_times_ || type.ntp_time_id != 0;
  return type;
}

bool PayloadTypes::learn(const GstCaps* caps) {
  const auto type = read(caps);
  if (!type)
    return false;
  int payload = 0;
  if (gst_structure_get_int(gst_caps_get_structure(caps, 0), "payload", &payload))
    types_[static_cast<std::size_t>(payload) & 0x7f] = *type;
  else
    types_.fill(*type);
  return true;
}

bool PayloadTypes::learn(const GstCaps* caps, std::uint8_t payload_type) {
  const auto type = read(caps);
  if (!type)
    return false;
  types_[payload_type & 0x7f] = *type;
  return true;
}

}  // namespace onair
