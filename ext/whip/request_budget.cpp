// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request_budget.hpp"

#include <algorithm>

namespace onair::whip {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

double RequestBudget::level_at(const Bucket& bucket, ClockTime now) const {
  const double earned = std::max(0.0, seconds(now - bucket.filled_at)) * config_.per_second;
  return std::min(config_.burst, bucket.level + earned);
}

std::optional<Duration> RequestBudget::spend(const std::string& address, ClockTime now) {
  if (buckets_.size() >= kMaxAddresses && !buckets_.contains(address)) {
    std::erase_if(buckets_,
                  [&](const auto& entry) { return level_at(entry.second, now) >= config_.burst; });
    if (buckets_.size() >= kMaxAddresses)
      return std::chrono::seconds{1};
  }
  auto& bucket = buckets_.try_emplace(address, Bucket{config_.burst, now}).first->second;
  bucket = {.level = level_at(bucket, now), .filled_at = now};
  if (bucket.level >= 1) {
    bucket.level -= 1;
    return std::nullopt;
  }
  const double wait = (1 - bucket.level) / config_.per_second;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{wait});
}

}  // namespace onair::whip
