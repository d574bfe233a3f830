// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drift_estimator.hpp"

#include <algorithm>
#include <cmath>

namespace onair {

using namespace std::chrono_literals;

namespace {

constexpr Duration kSecond{1s};
constexpr Duration kLongBlock{5s};
// Pairs nearer than this measure jitter, pairs farther apart meet more route changes.
constexpr Duration kLeastLag{10s};
constexpr Duration kMostLag{30s};
// The first half minute has no such pairs; nearer ones are better than nothing, and say so by their
// scatter.
constexpr Duration kEarlyLeastLag{3s};
constexpr Duration kEarlyMostLag{12s};
constexpr std::size_t kLongBlocksForSlope = 5;
// Sound cards and cameras stay within about ±100 ppm, the worst measured near ±300. A steeper pair
// is a route change or a queue that filled, not a clock.
constexpr double kSteepestClock = 500e-6;
constexpr double kPrior = 50e-6;
// A median needs company.
constexpr std::size_t kLeastPairs = 5;
constexpr std::size_t kMostPairs = 160;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration carried(Duration transit, double slope, Duration by) {
  return transit + Duration{static_cast<Duration::rep>(slope * static_cast<double>(by.count()))};
}

}  // namespace

void DriftEstimator::on_sample(RunningTime arrival, Duration transit) {
  newest_ = second_ ? std::max(newest_, arrival) : arrival;
  const Minimum sample{newest_, transit};
  if (!second_) {
    second_ = Block{newest_, sample};
    long_block_ = Block{newest_, sample};
    floor_ = sample;
    return;
  }
  if (newest_ - second_->start >= kSecond)
    close_second(newest_);
  // Within the block the clocks move 0.3 us at most per ms: plain comparison does.
  if (second_->lowest.at < second_->start || transit < second_->lowest.transit)
    second_->lowest = sample;
  if (long_block_->lowest.at < long_block_->start || transit < long_block_->lowest.transit)
    long_block_->lowest = sample;
  if (transit < carried(floor_->transit, estimate_.slope, newest_ - floor_->at))
    floor_ = sample;
}

std::optional<Duration> DriftEstimator::floor(RunningTime now) const {
  if (!floor_)
    return std::nullopt;
  return carried(floor_->transit, estimate_.slope, now - floor_->at);
}

void DriftEstimator::reset() {
  *this = DriftEstimator{};
}

void DriftEstimator::close_second(RunningTime now) {
  seconds_.push(second_->lowest);
  // A block without a packet has no minimum: marked by a time before its start.
  second_ = Block{now, {now - 1ns, Duration{0}}};
  if (now - long_block_->start >= kLongBlock) {
    long_blocks_.push(long_block_->lowest);
    long_block_ = Block{now, {now - 1ns, Duration{0}}};
    if (long_blocks_.size >= kLongBlocksForSlope)
      adopt(median_slope(long_blocks_, kLeastLag, kMostLag));
  }
  if (long_blocks_.size < kLongBlocksForSlope)
    adopt(median_slope(seconds_, kEarlyLeastLag, kEarlyMostLag));
  find_floor();
}

void DriftEstimator::adopt(const std::optional<Median>& median) {
  if (!median)
    return;
  estimate_.confidence = kPrior * kPrior / (kPrior * kPrior + median->variance);
  estimate_.slope = median->slope * estimate_.confidence;
  estimate_.deviation = std::sqrt(median->variance * estimate_.confidence);
}

template <std::size_t Size>
std::optional<DriftEstimator::Median> DriftEstimator::median_slope(const Ring<Size>& minima,
                                                                   Duration least_lag,
                                                                   Duration most_lag) {
  std::array<double, kMostPairs> slopes;
  std::size_t plausible = 0;
  std::size_t pairs = 0;
  for (std::size_t newer = 0; newer < minima.size; ++newer) {
    for (std::size_t older = newer + 1; older < minima.size; ++older) {
      const auto lag = minima.back(newer).at - minima.back(older).at;
      if (lag > most_lag || plausible == slopes.size())
        break;
      if (lag < least_lag)
        continue;
      ++pairs;
      const auto slope =
          seconds(minima.back(newer).transit - minima.back(older).transit) / seconds(lag);
      if (std::abs(slope) <= kSteepestClock)
        slopes[plausible++] = slope;
    }
  }
  // Where most pairs are no clock at all, the rest tell nothing either: keep what was known.
  if (plausible < kLeastPairs || 2 * plausible < pairs)
    return std::nullopt;
  const auto end = slopes.begin() + static_cast<std::ptrdiff_t>(plausible);
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(plausible / 2);
  std::nth_element(slopes.begin(), middle, end);
  const auto median = *middle;
  for (auto slope = slopes.begin(); slope != end; ++slope)
    *slope = std::abs(*slope - median);
  std::nth_element(slopes.begin(), middle, end);
  // 1.4826: from the median of absolute deviations to the standard deviation of a normal scatter.
  // Pairs overlap: the window is worth as many measurements as lags fit into it.
  const auto scatter = 1.4826 * *middle + 1e-6;
  const auto span = seconds(minima.back(0).at - minima.back(minima.size - 1).at);
  const auto measurements = span / (0.5 * seconds(least_lag + most_lag));
  const auto variance = scatter * scatter / std::max(1.0, measurements) *
                        static_cast<double>(pairs) / static_cast<double>(plausible);
  return Median{median, variance};
}

void DriftEstimator::find_floor() {
  const auto now = newest_;
  auto lowest = carried(seconds_.back(0).transit, estimate_.slope, now - seconds_.back(0).at);
  for (std::size_t age = 1; age < seconds_.size; ++age) {
    const auto& second = seconds_.back(age);
    lowest = std::min(lowest, carried(second.transit, estimate_.slope, now - second.at));
  }
  floor_ = Minimum{now, lowest};
}

}  // namespace onair
