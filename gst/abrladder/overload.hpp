// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// What gives way while encoders can't keep up with a live source: frame rates, the top rendition's
// first. Each step halves one, from the top to the bottom, and again; each is taken back when there
// has been room for long.
class Overload {
 public:
  struct Config {
    Duration patience{std::chrono::seconds{2}};  // how long one is behind before a step is taken
  };
  // Behind by more than this, a rendition does not keep up: a handful of frames, and more than one
  // that takes long because all of it is new.
  static constexpr Duration kBehind = std::chrono::milliseconds{150};
  // Frames are halved twice: fewer than a quarter look like a slide show, and save little.
  static constexpr int kRounds = 2;
  // There has to be room for so many times the patience before a step is taken back; and twice as
  // long after each time that it was too early, up to a limit, until one has lasted as long as was
  // waited for it.
  static constexpr int kCaution = 5;
  static constexpr int kMostCaution = 16 * kCaution;

  struct Step {
    std::size_t rendition;  // whose frame rate changes
    int thinning;           // every n-th frame from now on
    bool is_down;           // rather than back
  };

  // `order`: renditions from the top to the bottom.
  Overload(Config config, std::vector<std::size_t> order);

  // How far the rendition that is most behind is. At most one step at a time.
  [[nodiscard]] std::optional<Step> on_backlog(Duration backlog, ClockTime now);
  [[nodiscard]] std::size_t steps() const { return taken_; }

 private:
  [[nodiscard]] Step step_at(std::size_t index, bool is_down) const;

  Config config_;
  std::vector<std::size_t> order_;
  std::size_t taken_ = 0;
  int caution_ = kCaution;
  std::optional<ClockTime> behind_since_;
  std::optional<ClockTime> free_since_;
  std::optional<ClockTime> back_at_;  // when a step was taken back, if none was taken since
};

}  // namespace onair
