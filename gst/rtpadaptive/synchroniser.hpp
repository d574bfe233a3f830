// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/time.hpp"
#include "sender_report.hpp"

namespace onair {

// Which of a sender's statements about time rtpbin hears of, to move streams onto one time line by them
// (handle-sync): sender reports, NTP times in packets (RFC 6051), and RTSP's RTP-Info, which says less
// and so is told only where it is new and neither of the others has been told since.
class Synchroniser {
 public:
  // Between two statements, of the sender's wall clock.
  void set_interval(Duration interval) { interval_ = interval; }

  // Is it to be told? One that is, counts as told.
  [[nodiscard]] bool on_report(const SenderReport& said);
  // The packets of a frame say the same: once is enough.
  [[nodiscard]] bool on_packet(const SenderReport& said);
  [[nodiscard]] bool on_rtp_info();

  // What RTP-Info says has changed, or the stream that it is compared with.
  void expect_rtp_info() { rtp_info_is_new_ = true; }
  [[nodiscard]] bool expects_rtp_info() const { return rtp_info_is_new_; }
  void reset() { told_.reset(); }

 private:
  Duration interval_{0};
  std::optional<SenderReport> told_;
  bool rtp_info_is_new_ = false;
};

}  // namespace onair
