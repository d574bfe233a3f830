// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/video_pace.hpp"

#include <algorithm>

namespace onair {

void FrameInterval::on_frame(RunningTime time) {
  if (!newest_) {
    newest_ = time;
    return;
  }
  const Duration advance = std::clamp(time - *newest_, Duration{0}, kMost);
  newest_ = std::max(*newest_, time);
  mean_ = mean_ ? *mean_ + (advance - *mean_) / 8 : advance;
}

void ResponseTime::on_answer(Duration after) {
  latest_[count_++ % latest_.size()] = after;
}

Duration ResponseTime::get() const {
  if (count_ == 0)
    return kGuess;
  auto sorted = latest_;
  const auto used = std::min(count_, sorted.size());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(used / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(used));
  return *middle;
}

}  // namespace onair
