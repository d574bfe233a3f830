// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.hpp"
#include "random.hpp"
#include "scenario.hpp"

// What the sender puts on the wire, in order of sending.
namespace onair::sim::sync {

struct Sent {
  Medium medium = Medium::Audio;
  double sent = 0;
  double captured = 0;
  std::uint32_t ssrc = 0;
  std::uint32_t rtp_time = 0;
  std::uint32_t size = 0;
  std::uint16_t sequence = 0;
  bool marker = false;
  std::optional<NtpTime> report;  // a sender report, no packet
};

class StreamSender {
 public:
  StreamSender(const Scenario& scenario, const Sender& sender, Medium medium, Random random);

  // Never earlier than the one before it.
  std::optional<Sent> next();

 private:
  void add_unit();
  void add_audio(double captured);
  void add_frame(double captured);
  std::optional<Sent> make_report(double at);
  Sent make_packet(double captured, double sent, std::uint32_t size, bool marker);
  void restart_if_due(double captured);
  [[nodiscard]] bool is_silent(double captured) const;
  [[nodiscard]] bool is_clock_standing(double captured) const;
  [[nodiscard]] std::int64_t ticks_at(double captured) const;
  [[nodiscard]] double stamp_shift(double captured) const;
  [[nodiscard]] double lag_at(double captured) const;
  void plan_report();

  const Scenario& scenario_;
  const Sender& sender_;
  Medium medium_;
  Random random_;
  Random reports_;

  std::int64_t unit_ = 0;
  bool is_over_ = false;
  std::deque<Sent> queue_;
  double free_at_ = 0;
  double pacer_opens_ = 0;
  double next_hold_ = 0;
  double activity_ = 0;
  double last_sparse_ = -1;

  std::size_t restarts_done_ = 0;
  std::uint32_t ssrc_;
  std::uint32_t base_;
  std::uint16_t sequence_;

  double report_at_;
  double report_interval_;
  struct Last {
    double captured;
    std::uint32_t rtp_time;
  };
  std::optional<Last> last_;  // sent
};

}  // namespace onair::sim::sync
