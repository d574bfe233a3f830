// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lag_estimator.hpp"

namespace onair {

namespace {

constexpr Duration kResolution = std::chrono::seconds{1};

}  // namespace

LagEstimator::LagEstimator(Duration window) : window_{window} {}

void LagEstimator::add(RunningTime now, Duration lag) {
  while (!minima_.empty() && minima_.back().lag >= lag)
    minima_.pop_back();
  if (minima_.empty() || now - minima_.back().at >= kResolution)
    minima_.push_back({.at = now, .lag = lag});
  // The last one is never too old: either it is new, or younger than the resolution.
  while (minima_.front().at <= now - window_)
    minima_.pop_front();
}

void LagEstimator::rebase(RunningTime now, Duration lag) {
  minima_.clear();
  add(now, lag);
}

std::optional<Duration> LagEstimator::envelope() const {
  return minima_.empty() ? std::nullopt : std::optional{minima_.front().lag};
}

}  // namespace onair
