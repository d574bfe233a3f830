// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender_report.hpp"

#include "base/ticks.hpp"
#include "media_clock.hpp"

namespace onair {

NtpTime SenderReport::ntp_at(std::int64_t at_ticks, std::uint32_t clock_rate) const {
  return ntp + to_duration(at_ticks - ticks, clock_rate);
}

RunningTime base_time(const MediaClock& clock, std::int64_t ticks) {
  return clock.pts(clock.media_time(ticks)) -
         to_duration(ticks - clock.anchor_ticks(), clock.rate());
}

std::optional<Synchronisation> synchronise(const SenderReport& report, const MediaClock& clock,
                                           std::optional<Duration> max_ahead) {
  if (!clock.is_anchored() || report.ticks < clock.anchor_ticks())
    return std::nullopt;
  Synchronisation result{
      .base_ticks = clock.anchor_ticks(),
      .base_time = onair::base_time(clock, report.ticks),
      .report_ticks = report.ticks,
  };
  if (max_ahead && to_duration(report.ticks - clock.newest_ticks(), clock.rate()) > *max_ahead)
    result.report_ticks.reset();
  return result;
}

}  // namespace onair
