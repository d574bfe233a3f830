// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_gate.hpp"

#include <algorithm>

namespace onair {

FrameGate::FrameGate(FrameRate most)
    : period_{Duration{std::chrono::seconds{1}} * most.den / most.num}, interval_{period_} {}

void FrameGate::thin_out(int n) {
  thinning_ = std::max(1, n);
}

void FrameGate::reset() {
  *this = FrameGate{period_, thinning_};
}

// What comes, without its jitter: times are smoothed to a quarter of it, and stay near the truth.
void FrameGate::follow(RunningTime at) {
  if (!last_) {
    smooth_ = at;
  } else if (at > *last_) {
    // A pause is no frame rate.
    interval_ += (std::min(at - *last_, 4 * interval_) - interval_) / 8;
    smooth_ += interval_;
    smooth_ = std::clamp(smooth_ + (at - smooth_) / 4, at - kMostJitter, at + kMostJitter);
  }
  last_ = at;
}

bool FrameGate::take(RunningTime at, Need need) {
  follow(at);
  // The next one will be farther from its place than this one if it is half an interval away or
  // less.
  const auto early = std::min(interval_, period()) / 2;
  const bool is_due = !due_ || smooth_ + early >= *due_;
  if (need == Need::Stay || (need == Need::None && !is_due))
    return false;
  if (due_ && is_due && smooth_ < *due_ + period()) {
    // Places follow one another at the period, and move a little to where the frames are.
    places_ = std::min(places_ + 1, kMostPlaces);
    *due_ += (smooth_ - *due_) / places_ + period();
  } else {
    // A frame that was not awaited, or that comes after its place has gone by, begins a new row.
    places_ = 1;
    due_ = smooth_ + period();
  }
  return true;
}

}  // namespace onair
