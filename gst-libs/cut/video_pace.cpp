// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/video_pace.hpp"

#include <algorithm>

namespace onair {

void FrameInterval::on_frame(RunningTime time, std::optional<Duration> duration) {
  if (!newest_) {
    newest_ = time;
    if (duration && *duration > Duration{0} && *duration <= kMost)
      mean_ = duration;
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

bool KeyFrameRequests::take(RunningTime newest, Duration apart) {
  const auto repeat = std::max(kRepeat, 2 * response()) * (1 << doublings_);
  if (newest_ && newest - *newest_ < (since_ ? repeat : apart))
    return false;
  repeats_ += since_ ? 1 : 0;
  since_ = since_.value_or(newest);
  newest_ = newest;
  return true;
}

void KeyFrameRequests::on_key_frame(RunningTime time) {
  if (!since_)
    return;
  if (repeats_ == 0)
    response_.on_answer(time - *since_);
  doublings_ = std::min(repeats_, kMostDoublings);
  repeats_ = 0;
  since_.reset();
}

void KeyFrameRequests::reset() {
  since_.reset();
  newest_.reset();
  repeats_ = 0;
}

}  // namespace onair
