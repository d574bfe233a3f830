// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// What the last RTCP sender report (RFC 3550 section 6.4.1) said, and what it says about other RTP
// times of the same stream.
struct SenderReport {
  std::uint32_t ssrc = 0;
  std::int64_t ticks = 0;  // unrolled by the same clock as the packets
  NtpTime ntp;

  // The sender's wall clock at `ticks`, at the nominal clock rate.
  [[nodiscard]] NtpTime ntp_at(std::int64_t at_ticks, std::uint32_t clock_rate) const;
};

// What rtpbin needs to move streams onto one time line (its handle-sync signal).
struct Synchronisation {
  std::int64_t base_ticks;
  RunningTime base_time;  // PTS of base_ticks on the line that holds at the report
  // No value: the report is further ahead of the packets than is plausible.
  std::optional<std::int64_t> report_ticks;
};

class MediaClock;

// The PTS of the anchor, on the line that holds at `ticks`.
RunningTime base_time(const MediaClock& clock, std::int64_t ticks);

// Nothing while no packet has come, or if the report is from before the stream began.
// `max_ahead`: how far a report's RTP time may be ahead of the newest packet's; no value: any.
std::optional<Synchronisation> synchronise(const SenderReport& report, const MediaClock& clock,
                                           std::optional<Duration> max_ahead);

}  // namespace onair
