// SPDX-License-Identifier: LGPL-2.1-or-later
#include "path.hpp"

#include <algorithm>
#include <cmath>

namespace onair::sim {

std::optional<double> pass(Path& path, double now, std::uint32_t size) {
  std::optional<double> at = now;
  for (auto& stage : path) {
    at = stage->pass(*at, size);
    if (!at)
      return std::nullopt;
  }
  return at;
}

std::optional<double> Steps::pass(double now, std::uint32_t) {
  while (current_ + 1 < steps_.size() && now >= steps_[current_ + 1].from)
    ++current_;
  return now + steps_[current_].delay;
}

std::optional<double> OrderedJitter::pass(double now, std::uint32_t) {
  last_ = std::max(last_, now + draw_(now));
  return last_;
}

std::optional<double> FreeJitter::pass(double now, std::uint32_t) {
  return now + draw_();
}

Stalls::Stalls(std::function<double()> gap, std::function<double()> length, double bit_rate)
    : gap_{std::move(gap)}, length_{std::move(length)}, bit_rate_{bit_rate} {
  start_ = gap_();
  end_ = start_ + length_();
}

std::optional<double> Stalls::pass(double now, std::uint32_t size) {
  auto at = std::max(now, free_at_);
  while (at >= start_) {
    at = std::max(at, end_);
    start_ = end_ + gap_();
    end_ = start_ + length_();
  }
  free_at_ = at + size * 8 / bit_rate_;
  return free_at_;
}

VariableLink::VariableLink(std::function<double()> rate, double deepest)
    : rate_{std::move(rate)}, deepest_{deepest}, bit_rate_{rate_()} {}

std::optional<double> VariableLink::pass(double now, std::uint32_t size) {
  if (free_at_ - now > deepest_)
    return std::nullopt;
  auto at = std::max(now, free_at_);
  double bits = size * 8;
  while (true) {
    if (at < step_end_) {
      const auto served = bit_rate_ * (step_end_ - at);
      if (served >= bits)
        break;
      bits -= served;
      at = step_end_;
    }
    step_end_ += kStep;
    bit_rate_ = rate_();
  }
  free_at_ = at + bits / bit_rate_;
  return free_at_;
}

std::optional<double> SharedQueue::pass(double now, std::uint32_t) {
  while (now >= step_ + kStep) {
    step_ += kStep;
    before_ = after_;
    after_ = occupancy_();
  }
  const auto share = std::max(0.0, (now - step_) / kStep);
  last_ = std::max(last_, now + before_ + (after_ - before_) * share);
  return last_;
}

Loss::Loss(double share, double mean_burst, Random random)
    : enter_{share / (1 - share) / mean_burst}, leave_{1 / mean_burst}, random_{random} {
  // Random loss: the next packet's fate has no memory.
  if (mean_burst <= 1) {
    enter_ = share;
    leave_ = 1 - share;
  }
}

std::optional<double> Loss::pass(double now, std::uint32_t) {
  is_bad_ = is_bad_ ? !random_.chance(leave_) : random_.chance(enter_);
  if (is_bad_)
    return std::nullopt;
  return now;
}

std::optional<double> Slots::pass(double now, std::uint32_t) {
  return phase_ + std::ceil((now - phase_) / period_) * period_;
}

std::optional<double> Sequence::pass(double now, std::uint32_t size) {
  while (current_ + 1 < parts_.size() && now >= parts_[current_ + 1].from)
    ++current_;
  const auto at = sim::pass(parts_[current_].path, now, size);
  if (at)
    last_ = std::max(last_, *at);
  return at ? std::optional{last_} : std::nullopt;
}

}  // namespace onair::sim
