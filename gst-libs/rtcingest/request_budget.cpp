// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/request_budget.hpp"

#include <algorithm>

namespace onair {

RequestBudget::RequestBudget(Config config)
    : per_request_{std::chrono::ceil<Duration>(
          std::chrono::duration<double>{1 / config.per_second})},
      full_{std::chrono::floor<Duration>(per_request_ * config.burst)} {}

Duration RequestBudget::credit_at(const Bucket& bucket, ClockTime now) const {
  const auto earned = std::max(Duration::zero(), now - bucket.counted_at);
  return earned >= full_ ? full_ : std::min(full_, bucket.credit + earned);
}

std::optional<Duration> RequestBudget::spend(const std::string& address, ClockTime now) {
  if (buckets_.size() >= kMaxAddresses && !buckets_.contains(address)) {
    std::erase_if(buckets_,
                  [&](const auto& entry) { return credit_at(entry.second, now) >= full_; });
    if (buckets_.size() >= kMaxAddresses)
      return std::chrono::seconds{1};
  }
  auto& bucket = buckets_.try_emplace(address, Bucket{full_, now}).first->second;
  bucket = {.credit = credit_at(bucket, now), .counted_at = now};
  if (bucket.credit < per_request_)
    return per_request_ - bucket.credit;
  bucket.credit -= per_request_;
  return std::nullopt;
}

}  // namespace onair
