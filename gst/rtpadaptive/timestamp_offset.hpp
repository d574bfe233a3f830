// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace onair {

// What is added to timestamps on their way out: ts-offset, which rtpbin sets to move streams onto one
// time line, and the time for which the output stood still.
class TimestampOffset {
 public:
  void aim_at(Duration target) { remainder_ = target - offset_; }
  void set_paused_for(Duration paused) { paused_ = paused; }

  // Moves with the first packet of a frame, by at most `most` (0: at once). True if it has moved.
  bool step(Duration most) {
    if (remainder_ == Duration{0})
      return false;
    const Duration by = most == Duration{0} ? remainder_ : std::clamp(remainder_, -most, most);
    offset_ += by;
    remainder_ -= by;
    return true;
  }
  // Never before zero.
  [[nodiscard]] Duration apply(Duration position) const {
    return std::max(position + paused_ + offset_, Duration{0});
  }

 private:
  Duration offset_{0};  // as it is applied now
  Duration remainder_{0};
  Duration paused_{0};
};

}  // namespace onair
