// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "sender_report.hpp"

namespace onair {

// What is known of the sender's wall clock at the RTP times of one stream. Two kinds of statement
// tell it: sender reports, which packets may repeat (ntp-64), and capture times in packets
// (abs-capture-time). Either holds at the nominal clock rate until the next one of its kind.
//
// The two are never mixed, as changes between them would look like steps of the clock: while capture
// times come they hold, and reports only where the newest capture time is further away than
// kCaptureTimeHolds, or where there has been none.
class SenderClock {
 public:
  enum class Source { Report, CaptureTime };
  struct Statement {
    NtpTime ntp;
    Source source;
  };

  // As long as libwebrtc's receiver extrapolates; its sender repeats itself each second.
  static constexpr Duration kCaptureTimeHolds = std::chrono::seconds{5};

  void on_report(const SenderReport& report) { report_ = report; }
  void on_capture_time(std::uint32_t ssrc, std::int64_t ticks, NtpTime ntp) {
    capture_time_ = SenderReport{.ssrc = ssrc, .ticks = ticks, .ntp = ntp};
  }
  // Another time line: what was said spoke of the former one.
  void forget_report() { report_.reset(); }
  void forget_capture_time() { capture_time_.reset(); }

  [[nodiscard]] std::optional<Statement> at(std::uint32_t ssrc, std::int64_t ticks,
                                            std::uint32_t clock_rate) const;

 private:
  std::optional<SenderReport> report_;
  std::optional<SenderReport> capture_time_;  // a report in all but its name
};

}  // namespace onair
