// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>

#include "base/time.hpp"

namespace onair {

// Since when there has been nothing but filler, and when that is worth telling. Half a second: with
// discontinuous transmission Opus sends a packet each 400 ms, and that is no event.
class FillDiary {
 public:
  static constexpr Duration kTellAfter = std::chrono::milliseconds{500};
  struct Stretch {
    RunningTime since;  // where the filler began
    Duration filled;
  };

  // Filler goes out: the stretch, if it has just become worth telling.
  std::optional<Stretch> on_fill(RunningTime start, Duration length) {
    if (!stretch_)
      stretch_ = Stretch{.since = start, .filled = Duration{0}};
    stretch_->filled += length;
    if (is_told_ || stretch_->filled < kTellAfter)
      return std::nullopt;
    is_told_ = true;
    return stretch_;
  }
  // Input goes out: the stretch that ends, if it was told.
  std::optional<Stretch> on_input() {
    const auto ended = is_told_ ? stretch_ : std::nullopt;
    stretch_.reset();
    is_told_ = false;
    return ended;
  }
  [[nodiscard]] const std::optional<Stretch>& stretch() const { return stretch_; }

 private:
  std::optional<Stretch> stretch_;
  bool is_told_ = false;
};

}  // namespace onair
