// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transit_envelope.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace onair {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Duration kSecond = std::chrono::seconds(1);
// Crystals are within 100 ppm, converted sample rates within 500: what is believed before the
// envelope says more.
constexpr double kPriorRate = 200e-6;
constexpr std::size_t kLeastMinima = 4;   // that have a slope worth looking at
constexpr double kLeastScatter = 0.2e-3;  // s; timestamps and sockets are no better

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
  for (std::size_t age = 0; age < size_; ++age) {
    const auto& minimum = back(age);
    // The newest counts however old it is: the stream may have been silent since.
    if (lowest && newest_ - minimum.at > memory)
      break;
    const auto transit = along(minimum.transit, rate_, at - minimum.at);
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

  // How far the minima lie above the line says how far its ends may be off.
  std::array<double, kSeconds> heights;
  for (std::size_t i = 0; i < size_; ++i)
    heights[i] = points[i].y - (a.y + slope * (points[i].x - a.x));
  const auto median = heights.begin() + static_cast<std::ptrdiff_t>(size_ / 2);
  std::nth_element(heights.begin(), median, heights.begin() + static_cast<std::ptrdiff_t>(size_));
  const double scatter = std::max(*median, kLeastScatter);
  const double deviation = 2 * scatter / -points[0].x;
  const double trust = kPriorRate * kPriorRate / (kPriorRate * kPriorRate + deviation * deviation);
  rate_ = trust * slope;
  rate_deviation_ = std::sqrt(trust) * deviation;
}

}  // namespace onair
