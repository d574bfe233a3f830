// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_gate.hpp"

#include <algorithm>

namespace onair {

FrameGate::FrameGate(FrameRate most)
    : period_{Duration{std::chrono::seconds{1}} * most.den / most.num} {}

void FrameGate::thin_out(int n) {
  thinning_ = std::max(1, n);
}

void FrameGate::reset() {
  last_.reset();
  due_.reset();
  interval_ = Duration{0};
}

bool FrameGate::take(RunningTime at, Need need) {
  if (last_ && at > *last_) {
    const auto newest = at - *last_;
    // A pause is no frame rate.
    if (interval_ == Duration{0})
      interval_ = newest;
    else if (newest < 4 * interval_)
      interval_ += (newest - interval_) / 8;
  }
  last_ = at;
  // The next one will be farther from its place than this one if it is half an interval away or less; and a
  // source as slow as the rendition is never thinned out for its jitter.
  const auto early = std::min(interval_, period()) / 2;
  if (need == Need::Stay || (need == Need::None && due_ && at + early < *due_))
    return false;
  // Places follow one another at the period. A frame that was not awaited, or that comes after its place
  // has gone by, begins a new row of them.
  const bool is_in_its_place = due_ && at + early >= *due_ && at < *due_ + period();
  due_ = (is_in_its_place ? *due_ : at) + period();
  return true;
}

}  // namespace onair
