// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

#include "base/time.hpp"

namespace onair {

// What it is worth to be on time: the price of a late unit, in ms of delay of one unit. Who chooses the
// least delay + price * late share keeps the share of late packets at a target, as the price rises with
// what was late beyond it and falls as units come on time. Plain arithmetic: it reads no clock and
// allocates nothing.
//
// Four things make the price. What this network needs on average is learned slowly. The debt of late
// packets beyond the target is paid at once; so is what was late in the last seconds, as bad weather
// comes in fits. And the nearer the late packets of ten minutes come to the most that may be late, the
// dearer the next one is.
class LatePrice {
 public:
  // The share of packets that may be late, 0 to 1 without both.
  explicit LatePrice(double target);
  // What was learned holds for the new target as well.
  void set_target(double target);

  // In order of arrival.
  void on_packet(RunningTime arrival, bool is_late) {
    const auto debt = ((is_late ? 1 : 0) - target_) / packets_per_unit_;
    packet_debt_ += debt;
    recent_debt_ += debt;
    now_ = arrival;
    if (is_late)
      add_late_packet();
  }
  // All packets of one media time have come, `late` of them late; units come each `interval`.
  void on_unit(Duration interval, std::uint32_t packets, std::uint32_t late);
  // A late packet that fills a hole makes a unit late that is over.
  void on_late_filler() { add_late_unit(1); }
  // The best plan at the learned price would be late by this share of units. To be called each time
  // that plans are chosen.
  void learn(double predicted);

  [[nodiscard]] double learned() const;
  [[nodiscard]] double current() const;

 private:
  // Of half a minute each, and the one under way.
  static constexpr std::size_t kSlots = 21;

  void add_late_packet();
  void add_late_unit(double late);
  void move_window();
  [[nodiscard]] double margin() const;

  double target_;
  double log_learned_;
  std::uint32_t choices_ = 0;

  double interval_ = 20;  // between units, in ms
  double packets_per_unit_ = 1;
  double unit_debt_ = 0;    // late units above the target's
  double packet_debt_ = 0;  // late packets above the target's, in units
  double recent_debt_ = 0;  // the same, of the last seconds

  // How many late packets late units had, and the squares of that.
  double late_sum_ = 0;
  double late_squares_ = 0;

  // Late packets of the last ten minutes.
  RunningTime now_{};
  std::array<std::uint32_t, kSlots> slots_{};
  std::int64_t slot_ = 0;
  std::uint32_t window_late_ = 0;
};

}  // namespace onair
