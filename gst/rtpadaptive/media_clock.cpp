// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_clock.hpp"

#include <algorithm>
#include <cmath>

#include "base/ticks.hpp"

namespace onair {

using namespace std::chrono_literals;

namespace {

constexpr Duration kBendInterval{1s};
// Crystals are within 100 ppm; 300 leaves room for a bad sound card, and is 0.3 ms in a second.
constexpr double kMaxDrift = 300e-6;
// The drift is known late (a minute of jittery packets for 20 ppm): what was missed until then is
// caught up at this rate, 0.05 ms in a second.
constexpr double kCatchUp = 50e-6;
constexpr double kCatchUpTime = 20;  // seconds in which a small rest would be gone
// Until the estimate has had this long it may still correct what it said before.
constexpr Duration kSettling{120s};

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) * 1e-9;
}
Duration from_seconds(double value) {
  return Duration{std::llround(value * 1e9)};
}

}  // namespace

void MediaClock::restart(std::uint32_t rate) {
  *this = MediaClock{};
  rate_ = rate;
}

std::int64_t MediaClock::unroll(std::uint32_t rtp_time) const {
  if (!has_ticks_)
    return (std::int64_t{1} << 32) + rtp_time;
  const auto step = static_cast<std::int32_t>(rtp_time - static_cast<std::uint32_t>(newest_ticks_));
  return newest_ticks_ + step;
}

MediaTime MediaClock::media_time(std::int64_t ticks) const {
  return MediaTime{to_duration(ticks, rate_)};
}

void MediaClock::advance(std::int64_t ticks) {
  if (!has_ticks_ || ticks > newest_ticks_)
    newest_ticks_ = ticks;
  has_ticks_ = true;
}

void MediaClock::anchor(std::int64_t ticks, RunningTime pts) {
  const MediaTime media = media_time(ticks);
  anchor_ticks_ = ticks;
  anchor_media_ = media;
  anchor_pts_ = pts;
  knots_[0] = {.media = media, .pts = pts, .slope = 0};
  newest_knot_ = 0;
  knots_used_ = 1;
  target_ = 0;
}

void MediaClock::steer(MediaTime media, const DriftEstimator::Estimate& drift) {
  const Duration since_bend = media - newest().media;
  if (since_bend < kBendInterval)
    return;
  const double slope = std::clamp(drift.slope, -kMaxDrift, kMaxDrift);
  const Duration elapsed = media - anchor_media_;
  if (elapsed < kSettling)
    target_ = slope * seconds(elapsed);
  else
    target_ += slope * seconds(since_bend);
  const double missed =
      target_ - seconds(correction() + from_seconds(newest().slope * seconds(since_bend)));
  const Knot knot{
      .media = media,
      .pts = pts(media),
      .slope = slope + std::clamp(missed / kCatchUpTime, -kCatchUp, kCatchUp),
  };
  newest_knot_ = (newest_knot_ + 1) % kKnots;
  knots_used_ = std::min(knots_used_ + 1, kKnots);
  knots_[newest_knot_] = knot;
}

RunningTime MediaClock::pts(MediaTime media) const {
  std::size_t at = newest_knot_;
  for (std::size_t older = 1; older < knots_used_ && media < knots_[at].media; ++older)
    at = (at + kKnots - 1) % kKnots;
  const Knot& knot = knots_[at];
  const Duration beyond = media - knot.media;
  return knot.pts + beyond + from_seconds(knot.slope * seconds(beyond));
}

Duration MediaClock::correction() const {
  return (newest().pts - anchor_pts_) - (newest().media - anchor_media_);
}

}  // namespace onair
