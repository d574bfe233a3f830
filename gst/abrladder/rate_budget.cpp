// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rate_budget.hpp"

#include <algorithm>
#include <cmath>

namespace onair {
namespace {

constexpr int kRelease = 16;           // frames, about, until a slower rate is believed
constexpr double kWorthTelling = 1.1;  // smaller steps up are not
// Told less by this, so that the rounding of timestamps is not told with each frame.
constexpr double kReserve = 1.02;

}  // namespace

RateBudget::RateBudget(int most_bps, FrameRate nominal)
    : most_bps_{most_bps},
      nominal_{Duration{std::chrono::seconds{1}} * nominal.den / std::max(1, nominal.num)},
      interval_{nominal_} {}

RateBudget::Rate RateBudget::rate() const {
  const Duration buffer{std::llround(kBuffer * 1e9 / told_)};
  return {.bps = static_cast<int>(std::lround(most_bps_ * kShare * told_)), .buffer = buffer};
}

std::optional<RateBudget::Rate> RateBudget::on_frame(RunningTime at) {
  if (last_ && at > *last_) {
    const auto newest = at - *last_;
    if (newest < interval_)
      interval_ = std::max(newest, nominal_);
    else
      interval_ += (newest - interval_) / kRelease;
  }
  last_ = at;
  const double most = std::max(1.0, kBuffer * 1e3 / in_ms(nominal_));
  const double stretch = std::clamp(in_ms(interval_) / in_ms(nominal_), 1.0, most);
  if (stretch >= told_ && stretch < told_ * kWorthTelling)
    return std::nullopt;
  told_ = std::max(1.0, stretch / kReserve);
  return rate();
}

}  // namespace onair
