// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"

namespace onair {

// What a buffer remembers of its way: GstReferenceTimestampMetas that survive depayloaders, parsers
// and decoders (docs/architecture.md, "Metas").
//   timestamp/x-rtp      unrolled RTP time in nanoseconds on the sender's media clock; the caps
//                        carry ssrc and clock-rate (uint)
//   timestamp/x-arrival  running time at which the packet arrived
//   timestamp/x-ntp      the sender's NTP time (nanoseconds since 1900), as stock elements mean it;
//                        where packets tell it by abs-capture-time, not sender reports, the caps
//                        carry source=(string)capture, and who looks for the plain caps finds them
class RtpMetas {
 public:
  RtpMetas();

  // `buffer` must be writable.
  void add_times(GstBuffer* buffer, std::uint32_t ssrc, std::uint32_t clock_rate, MediaTime media,
                 RunningTime arrival);
  enum class NtpSource { Report, CaptureTime };
  void add_ntp(GstBuffer* buffer, NtpTime ntp, NtpSource source = NtpSource::Report);

 private:
  GstPtr<GstCaps> rtp_;  // for the SSRC and rate below
  std::uint32_t ssrc_ = 0;
  std::uint32_t clock_rate_ = 0;
  GstPtr<GstCaps> arrival_;
  GstPtr<GstCaps> ntp_;
  GstPtr<GstCaps> captured_ntp_;
};

// What RtpMetas wrote onto a packet, read again from the packet or from what was made of it.
struct RtpTimes {
  std::uint32_t ssrc = 0;
  MediaTime media;
  std::optional<RunningTime> arrival;
  std::optional<NtpTime> ntp;
  bool is_ntp_of_capture = false;  // told by abs-capture-time
};

// A frame that was put together from several packets carries the metas of several: RTP and NTP time are
// those of the first, the arrival the earliest. Nothing without an RTP time.
[[nodiscard]] std::optional<RtpTimes> read_rtp_times(GstBuffer* buffer);

}  // namespace onair
