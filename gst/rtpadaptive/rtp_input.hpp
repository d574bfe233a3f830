// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "jitter_buffer.hpp"
#include "sender_report.hpp"

namespace onair {

// From GStreamer's RTP and RTCP buffers to the core's descriptions.

struct ParsedPacket {
  JitterBuffer::Packet packet;  // without token, clock rate and arrival
  std::uint8_t payload_type;
};
// Nothing if it is no RTP packet (truncated, wrong version).
std::optional<ParsedPacket> parse_rtp(GstBuffer* buffer);

struct ParsedReport {
  std::uint32_t ssrc;
  std::uint32_t rtp_time;
  NtpTime ntp;
  std::string cname;  // empty: not in this packet
};
enum class RtcpContent { Report, NoReport, Invalid };
struct ParsedRtcp {
  RtcpContent content;
  ParsedReport report;  // of RtcpContent::Report
};
ParsedRtcp parse_rtcp(GstBuffer* buffer);

// The clock rate of each payload type, from caps and from whoever answers request-pt-map.
class ClockRates {
 public:
  // True if the caps name a rate. `payload` of caps without one: every payload type.
  bool learn(const GstCaps* caps);
  // The answer for one payload type; false if it names no rate.
  bool learn(const GstCaps* caps, std::uint8_t payload_type);
  [[nodiscard]] std::uint32_t rate(std::uint8_t payload_type) const {
    return rates_[payload_type & 0x7f];
  }
  void clear() { rates_.fill(0); }

 private:
  std::array<std::uint32_t, 128> rates_{};
};

}  // namespace onair
