// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overload.hpp"

#include <algorithm>
#include <utility>

namespace onair {

Overload::Overload(Config config, std::vector<std::size_t> order)
    : config_{config}, order_{std::move(order)} {}

// The index-th step halves a frame rate; taken back, it is what it was before that.
Overload::Step Overload::step_at(std::size_t index, bool is_down) const {
  const auto round = static_cast<int>(index / order_.size());
  return {.rendition = order_[index % order_.size()],
          .thinning = 1 << (is_down ? round + 1 : round),
          .is_down = is_down};
}

std::optional<Overload::Step> Overload::on_backlog(Duration backlog, ClockTime now) {
  if (order_.empty())
    return std::nullopt;
  if (backlog > kBehind) {
    free_since_.reset();
    if (!behind_since_)
      behind_since_ = now;
    if (now - *behind_since_ < config_.patience || taken_ == order_.size() * kRounds)
      return std::nullopt;
    if (back_at_) {
      const bool was_too_early = now - *back_at_ < config_.patience * caution_;
      caution_ = was_too_early ? std::min(2 * caution_, kMostCaution) : kCaution;
      back_at_.reset();
    }
    behind_since_ = now;
    return step_at(taken_++, true);
  }
  behind_since_.reset();
  if (!free_since_)
    free_since_ = now;
  if (taken_ == 0 || now - *free_since_ < config_.patience * caution_)
    return std::nullopt;
  free_since_ = now;
  back_at_ = now;
  return step_at(--taken_, false);
}

}  // namespace onair
