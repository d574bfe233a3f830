// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/bandwidth.hpp"

#include <algorithm>

namespace onair {
namespace {

std::uint64_t bit_rate(std::uint64_t bytes, Duration duration) {
  const auto bits = static_cast<unsigned __int128>(bytes) * 8 * std::nano::den;
  const auto length = static_cast<std::uint64_t>(duration.count());
  return static_cast<std::uint64_t>((bits + length - 1) / length);
}

}  // namespace

void Bandwidth::on_segment(std::uint64_t bytes, Duration duration) {
  if (duration <= Duration::zero())
    return;
  all_.bytes += bytes;
  all_.duration += duration;
  recent_.push_back({.bytes = bytes, .duration = duration});
  recent_length_ += duration;
  for (; recent_.size() > 1 && 2 * recent_length_ > 3 * config_.target_duration;
       recent_.pop_front())
    recent_length_ -= recent_.front().duration;
  Size run;
  for (auto segment = recent_.rbegin(); segment != recent_.rend(); ++segment) {
    run.bytes += segment->bytes;
    run.duration += segment->duration;
    if (2 * run.duration >= config_.target_duration)
      measured_peak_ = std::max(measured_peak_.value_or(0), bit_rate(run.bytes, run.duration));
  }
}

std::optional<std::uint64_t> Bandwidth::peak() const {
  if (!measured_peak_ || !config_.declared_peak)
    return measured_peak_ ? measured_peak_ : config_.declared_peak;
  return std::max(*measured_peak_, *config_.declared_peak);
}

std::optional<std::uint64_t> Bandwidth::average() const {
  if (config_.declared_average || all_.duration == Duration::zero())
    return config_.declared_average;
  return bit_rate(all_.bytes, all_.duration);
}

}  // namespace onair
