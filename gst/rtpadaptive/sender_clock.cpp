// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender_clock.hpp"

#include "base/ticks.hpp"

namespace onair {

std::optional<SenderClock::Statement> SenderClock::at(std::uint32_t ssrc, std::int64_t ticks,
                                                      std::uint32_t clock_rate) const {
  if (capture_time_ && capture_time_->ssrc == ssrc &&
      std::chrono::abs(to_duration(ticks - capture_time_->ticks, clock_rate)) <= kCaptureTimeHolds)
    return Statement{capture_time_->ntp_at(ticks, clock_rate), Source::CaptureTime};
  if (report_ && report_->ssrc == ssrc)
    return Statement{report_->ntp_at(ticks, clock_rate), Source::Report};
  return std::nullopt;
}

}  // namespace onair
