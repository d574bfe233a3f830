// SPDX-License-Identifier: LGPL-2.1-or-later
#include "succession.hpp"

namespace onair {

std::optional<std::size_t> Succession::begin(ClockTime now) {
  since_ = now;
  current_ = failures_.empty() ? std::nullopt : std::optional<std::size_t>{0};
  return current_;
}

std::optional<std::size_t> Succession::on_failure(ClockTime now) {
  if (current_) {
    auto& failures = failures_[*current_];
    failures = now - since_ >= kWorked ? 1 : failures + 1;
    pass_on();
  }
  since_ = now;
  return current_;
}

std::optional<std::size_t> Succession::on_absence(ClockTime now) {
  if (current_) {
    failures_[*current_] = kChances;
    pass_on();
  }
  since_ = now;
  return current_;
}

void Succession::pass_on() {
  const auto failed = *current_;
  current_.reset();
  for (std::size_t step = 1; step <= failures_.size() && !current_; ++step) {
    const auto next = (failed + step) % failures_.size();
    if (failures_[next] < kChances)
      current_ = next;
  }
}

}  // namespace onair
