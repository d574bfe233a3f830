// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steering.hpp"

#include <algorithm>
#include <cmath>

namespace onair {
namespace {

using std::chrono::milliseconds;

constexpr Duration kDeadBand = milliseconds(1);
constexpr Duration kClose = std::chrono::microseconds(250);  // a slew that has begun goes so far
constexpr Duration kStep = milliseconds(300);
constexpr Duration kStepOfBreak = milliseconds(40);
constexpr Duration kSettling = std::chrono::seconds(1);
constexpr Duration kHurry = std::chrono::seconds(10);
constexpr double kFastest = 60e-3;  // s/s: 2 ms of a frame at 30 fps
// Two frames that far apart are not steered between.
constexpr Duration kLongestInterval = std::chrono::seconds(1);

double speed(Duration error) {
  if (error < milliseconds(40))
    return 5e-3;
  return error < milliseconds(120) ? 20e-3 : kFastest;
}

Duration part(double speed, Duration time) {
  return Duration{std::llround(speed * static_cast<double>(time.count()))};
}

}  // namespace

void Steering::place(MediaTime media, Duration offset) {
  offset_ = offset;
  media_ = media;
  is_slewing_ = false;
  size_ = 0;
  remember();
  hurry(media);
}

void Steering::hurry(MediaTime media) {
  fast_until_ = media + kHurry;
}

void Steering::settle(MediaTime media) {
  hurry(media);
  settling_until_ = media + kSettling;
}

Duration Steering::offset_at(MediaTime media) const {
  for (std::size_t age = 0; age < size_; ++age) {
    const auto& knot = knots_[(next_ + kKnots - 1 - age) % kKnots];
    if (knot.media <= media)
      return knot.offset;
  }
  return size_ > 0 ? knots_[(next_ + kKnots - size_) % kKnots].offset : offset_;
}

void Steering::remember() {
  knots_[next_] = {media_, offset_};
  next_ = (next_ + 1) % kKnots;
  size_ = std::min(size_ + 1, kKnots);
}

Duration Steering::follow(MediaTime media, Duration target, double rate) {
  if (media <= media_)
    return offset_at(media);
  const auto interval = media - media_;
  media_ = media;
  offset_ += part(rate, interval);
  const auto error = target - offset_;
  const auto size = std::chrono::abs(error);
  if (size > (media < settling_until_ ? kStepOfBreak : kStep)) {
    ++steps_;
    is_slewing_ = false;
    offset_ = target;
    remember();
    return offset_;
  }
  if (!is_slewing_ && size > kDeadBand) {
    is_slewing_ = true;
    ++slews_;
  }
  if (is_slewing_) {
    const auto most = part(media < fast_until_ ? kFastest : speed(size),
                           std::min<Duration>(interval, kLongestInterval));
    offset_ += std::clamp(error, -most, most);
    is_slewing_ = std::chrono::abs(target - offset_) > kClose;
  }
  remember();
  return offset_;
}

}  // namespace onair
