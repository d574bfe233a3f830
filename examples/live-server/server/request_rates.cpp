// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request_rates.hpp"

#include <algorithm>

namespace live {

using Seconds = std::chrono::duration<double>;

std::optional<RequestRates::Duration> RequestRates::on_request(const IpAddress& from, Time now) {
  if (per_second_ <= 0)
    return std::nullopt;
  const auto most = per_second_ * kBurstSeconds;
  const auto holder = from.holder();
  const auto found = by_holder_.find(holder);
  if (found == by_holder_.end()) {
    if (buckets_.size() == kMostAddresses) {
      by_holder_.erase(buckets_.front().holder);
      buckets_.pop_front();
    }
    buckets_.push_back({.holder = holder, .tokens = most, .at = now});
    by_holder_.emplace(holder, std::prev(buckets_.end()));
  } else {
    buckets_.splice(buckets_.end(), buckets_, found->second);
  }
  auto& bucket = buckets_.back();
  bucket.tokens = std::min(most, bucket.tokens + Seconds{now - bucket.at}.count() * per_second_);
  bucket.at = now;
  if (bucket.tokens < 1)
    return std::chrono::ceil<Duration>(Seconds{(1 - bucket.tokens) / per_second_});
  bucket.tokens -= 1;
  return std::nullopt;
}

}  // namespace live
