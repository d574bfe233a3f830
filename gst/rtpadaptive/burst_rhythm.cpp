// SPDX-License-Identifier: LGPL-2.1-or-later
#include "burst_rhythm.hpp"

#include <algorithm>

namespace onair {

using namespace std::chrono_literals;

namespace {

constexpr float kQuantileStep = 0.1F;
constexpr double kWindow = 1.2;      // units around the instant at which a burst is due
constexpr float kRhythmGain = 1.5F;  // sizes of key frames scatter; three units of it cost little
constexpr Duration kShortestPeriod{200ms};
constexpr Duration kLongestPeriod{20s};
constexpr int kMissesToUnlock = 3;

}  // namespace

bool BurstRhythm::has_event(Duration around, Duration tolerance) const {
  return std::any_of(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(event_count_),
                     [&](Duration event) { return std::chrono::abs(event - around) <= tolerance; });
}

float BurstRhythm::lift(Duration media, Duration interval) const {
  const auto is_due = is_locked_ && std::chrono::abs(media - due_) <= scaled(interval, kWindow);
  return is_due ? kRhythmGain * level_ : 0;
}

void BurstRhythm::on_unit(Duration media, float delay, Duration interval) {
  const auto is_event = delay > quantile_;
  // The quantile that `share_` of the units exceed, by steps that balance there.
  quantile_ *= is_event ? 1 + kQuantileStep * (1 - share_) : 1 - kQuantileStep * share_;
  quantile_ = std::max(quantile_, 0.5F);
  if (is_locked_)
    follow(media, delay, scaled(interval, kWindow));
  if (!is_event)
    return;
  const auto newest = (next_event_ + kEvents - 1) % kEvents;
  if (event_count_ > 0 &&
      media - events_[newest] < std::max<Duration>(100ms, scaled(interval, 3.5)))
    return;
  if (!is_locked_)
    look_for_period(media, delay, interval);
  events_[next_event_] = media;
  next_event_ = (next_event_ + 1) % kEvents;
  event_count_ = std::min(event_count_ + 1, kEvents);
}

// Four events in a row at one distance are no chance: among 16 events in two minutes, random ones
// line up like that less than once in a thousand.
void BurstRhythm::look_for_period(Duration media, float delay, Duration interval) {
  const auto tolerance = scaled(interval, kWindow);
  for (std::size_t age = 0; age < event_count_; ++age) {
    const auto period = media - events_[(next_event_ + 2 * kEvents - 1 - age) % kEvents];
    if (period > kLongestPeriod)
      return;
    if (period < kShortestPeriod || !has_event(media - 2 * period, tolerance) ||
        !has_event(media - 3 * period, tolerance))
      continue;
    is_locked_ = true;
    period_ = period;
    due_ = media + period;
    level_ = 1.2F * delay;
    worst_ = 0;
    misses_ = 0;
    return;
  }
}

void BurstRhythm::follow(Duration media, float delay, Duration tolerance) {
  if (std::chrono::abs(media - due_) <= tolerance && delay > worst_) {
    worst_ = delay;
    worst_at_ = media;
  }
  if (media <= due_ + tolerance)
    return;
  if (worst_ > 0.4F * level_) {
    misses_ = 0;
    level_ = std::max(0.93F * level_, worst_);
    due_ = worst_at_ + period_;
  } else {
    ++misses_;
    due_ += period_;
  }
  worst_ = 0;
  // After a pause of the sender the series has to be found again.
  is_locked_ = misses_ < kMissesToUnlock && media < due_;
}

}  // namespace onair
