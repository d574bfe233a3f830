// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transit_envelope.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace onair {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Duration kSecond = std::chrono::seconds(1);
// Less than what any stream has minima of, so that all forget at once: a change of route that both see
// must not move one against the other.
constexpr Duration kLongestMemory = std::chrono::seconds(290);
// Crystals are within 100 ppm, converted sample rates within 500: what is believed before the
// envelope says more.
constexpr double kPriorRate = 200e-6;
// A camera of 29.97 pictures a second whose times are those of 30 is off by 1000 ppm. What changes
// faster is a queue that fills or empties; and so is, for less time than queues take, what is beyond
// any crystal.
constexpr double kMostRate = 1.5e-3;
constexpr double kMostRateAtFirst = 600e-6;
constexpr double kAtFirst = 30;           // s
constexpr std::size_t kLeastMinima = 4;   // that have a slope worth looking at
constexpr double kLeastScatter = 0.2e-3;  // s; timestamps and sockets are no better
// So many near the line are needed for anything to be said of it.
constexpr std::size_t kLeastWithoutQueue = 8;
// What crystals do when they get warmer, at most: each second the rate is known less by this.
constexpr double kAging = 0.1e-6;

double seconds(Duration duration) {
  return Seconds{duration}.count();
}

Duration along(Duration transit, double rate, Duration elapsed) {
  return transit + Duration{std::llround(rate * static_cast<double>(elapsed.count()))};
}

}  // namespace

void TransitEnvelope::on_sample(RunningTime arrival, Duration transit) {
  if (size_ == 0 && !second_)
    first_ = arrival;
  newest_ = std::max(newest_, arrival);
  if (second_ && arrival - second_start_ >= kSecond)
    close_second();
  if (!second_) {
    second_ = Minimum{arrival, transit};
    second_start_ = arrival;
  } else if (transit < second_->transit) {
    second_ = Minimum{arrival, transit};
  }
}

void TransitEnvelope::restart(RunningTime now) {
  size_ = 0;
  next_ = 0;
  second_.reset();
  first_ = now;
}

std::optional<Duration> TransitEnvelope::floor(RunningTime at, Duration memory) const {
  std::optional<Duration> lowest;
  if (second_)
    lowest = along(second_->transit, rate_, at - second_->at);
  const auto fading = kCarriedError / seconds(memory);
  for (std::size_t age = 0; age < size_; ++age) {
    const auto& minimum = back(age);
    const auto since = newest_ - minimum.at;
    // The newest counts however old it is: the stream may have been silent since.
    if (lowest && since > kLongestMemory)
      break;
    auto transit = along(minimum.transit, rate_, at - minimum.at);
    if (since > memory)
      transit = along(transit, fading, since - memory);
    lowest = lowest ? std::min(*lowest, transit) : transit;
  }
  return lowest;
}

Duration TransitEnvelope::span() const {
  return size_ == 0 && !second_ ? Duration{0} : newest_ - first_;
}

void TransitEnvelope::close_second() {
  minima_[next_] = *second_;
  next_ = (next_ + 1) % kSeconds;
  size_ = std::min(size_ + 1, kSeconds);
  second_.reset();
  find_rate();
}

void TransitEnvelope::find_rate() {
  rate_deviation_ = std::min(rate_deviation_ + kAging, kPriorRate);
  if (size_ < kLeastMinima)
    return;
  struct Point {
    double x;
    double y;
  };
  // Relative to the newest, oldest first.
  const auto& origin = back(0);
  std::array<Point, kSeconds> points;
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const auto& minimum = back(size_ - 1 - i);
    points[i] = {seconds(minimum.at - origin.at), seconds(minimum.transit - origin.transit)};
    sum += points[i].x;
  }
  const double middle = sum / static_cast<double>(size_);

  // Andrew's monotone chain, the lower half.
  std::array<Point, kSeconds> hull;
  std::size_t corners = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const auto& point = points[i];
    while (corners >= 2) {
      const auto& b = hull[corners - 1];
      const auto& a = hull[corners - 2];
      if ((b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x) > 0)
        break;
      --corners;
    }
    hull[corners++] = point;
  }
  std::size_t right = 1;
  while (right + 1 < corners && hull[right].x < middle)
    ++right;
  if (corners < 2)
    return;
  const auto& a = hull[right - 1];
  const auto& b = hull[right];
  if (b.x - a.x <= 0)
    return;
  const double slope = (b.y - a.y) / (b.x - a.x);

  // How far those minima lie above the line that should be on it says how far its ends may be off.
  std::array<double, kSeconds> heights;
  for (std::size_t i = 0; i < size_; ++i)
    heights[i] = points[i].y - (a.y + slope * (points[i].x - a.x));
  std::sort(heights.begin(), heights.begin() + static_cast<std::ptrdiff_t>(size_));
  // How many met no queue nobody knows. The fewer they are, the less far they reach to the ends of the
  // time that all span: as many as leave the least doubt.
  double off = std::numeric_limits<double>::infinity();
  for (auto rank = std::min(size_ - 1, kLeastWithoutQueue); rank < size_; ++rank) {
    const double share = static_cast<double>(rank) / static_cast<double>(size_);
    off = std::min(
        off, std::max(2.0, 1 / share) * std::max(heights[rank], kLeastScatter) / -points[0].x);
  }
  const double trust = kPriorRate * kPriorRate / (kPriorRate * kPriorRate + off * off);
  const double deviation = std::sqrt(trust) * off;
  const double most = -points[0].x < kAtFirst ? kMostRateAtFirst : kMostRate;
  // A queue that fills bends the line; clocks do not. What was known better is kept.
  if (std::abs(slope) > most || deviation > rate_deviation_)
    return;
  rate_ = trust * slope;
  rate_deviation_ = deviation;
}

}  // namespace onair
