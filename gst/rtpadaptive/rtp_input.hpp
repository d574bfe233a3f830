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
#include "play_range.hpp"
#include "sender_report.hpp"

namespace onair {

// From GStreamer's RTP and RTCP buffers to the core's descriptions.

struct ParsedPacket {
  JitterBuffer::Packet packet;  // without token, clock rate and arrival
  std::uint8_t payload_type;
};
// Nothing if it is no RTP packet (truncated, wrong version).
std::optional<ParsedPacket> parse_rtp(GstBuffer* buffer);

class PayloadTypes;
// The wall clock that an RTP packet says it was captured at (abs-capture-time).
std::optional<NtpTime> parse_capture_time(GstBuffer* buffer, const PayloadTypes& types);
// The wall clock at its RTP time, as reports mean it (ntp-64).
std::optional<NtpTime> parse_ntp_time(GstBuffer* buffer, const PayloadTypes& types);

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

// What caps from rtspsrc have of RTP-Info (seqnum-base, clock-base) and of the range (npt-start,
// npt-stop, in nanoseconds).
PlayRange read_play_range(const GstCaps* caps);

// An SDP's "a=ssrc:<n> cname:" comes as a field of the caps. Empty: they name none for this SSRC.
std::string read_cname(const GstCaps* caps, std::uint32_t ssrc);

// What is known of each payload type, from caps and from whoever answers request-pt-map: the clock
// rate, and as what header extensions (extmap-<id>) its packets carry times.
class PayloadTypes {
 public:
  // True if the caps name a rate; else they tell nothing. `payload` of caps without one: every
  // payload type.
  bool learn(const GstCaps* caps);
  // The answer for one payload type; false if it names no rate.
  bool learn(const GstCaps* caps, std::uint8_t payload_type);
  [[nodiscard]] std::uint32_t clock_rate(std::uint8_t payload_type) const {
    return types_[payload_type & 0x7f].clock_rate;
  }
  // 0: none.
  [[nodiscard]] std::uint8_t capture_time_id(std::uint8_t payload_type) const {
    return types_[payload_type & 0x7f].capture_time_id;
  }
  [[nodiscard]] std::uint8_t ntp_time_id(std::uint8_t payload_type) const {
    return types_[payload_type & 0x7f].ntp_time_id;
  }
  [[nodiscard]] bool have_capture_times() const { return have_capture_times_; }
  [[nodiscard]] bool have_ntp_times() const { return have_ntp_times_; }
  void clear() { *this = PayloadTypes{}; }

 private:
  struct Type {
    std::uint32_t clock_rate = 0;
    std::uint8_t capture_time_id = 0;
    std::uint8_t ntp_time_id = 0;
  };
  // No value: they name no rate.
  std::optional<Type> read(const GstCaps* caps);

  std::array<Type, 128> types_{};
  bool have_capture_times_ = false;  // some have had
  bool have_ntp_times_ = false;
};

}  // namespace onair
