// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>

#include "base/time.hpp"

namespace onair {

// Finds bursts of delay that come at regular intervals, as those of key frames and of a satellite's
// hand-overs do, and says when the next one is due. Reads no clock and allocates nothing.
class BurstRhythm {
 public:
  // `share` of the units count as events.
  explicit BurstRhythm(float share) : share_{share} {}
  // A unit of that media time was so much above the floor, in ms; units come each `interval`.
  void on_unit(Duration media, float delay, Duration interval);
  // The level to be held for a unit of that media time, in ms; 0 where no burst is due.
  [[nodiscard]] float lift(Duration media, Duration interval) const;

 private:
  static constexpr std::size_t kEvents = 16;
  [[nodiscard]] bool has_event(Duration around, Duration tolerance) const;
  void look_for_period(Duration media, float delay, Duration interval);
  void follow(Duration media, float delay, Duration tolerance);

  float share_;
  float quantile_ = 5;
  std::array<Duration, kEvents> events_{};  // oldest overwritten
  std::size_t next_event_ = 0;
  std::size_t event_count_ = 0;
  bool is_locked_ = false;
  Duration period_{0};
  Duration due_{0};
  float level_ = 0;
  float worst_ = 0;  // in the window around due_
  Duration worst_at_{0};
  int misses_ = 0;
};

}  // namespace onair
