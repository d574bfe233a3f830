// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>

#include "api/ip_address.hpp"

namespace live {

// How many requests a second each address may send: a token bucket for each of those that have sent some lately. Pure:
// the time comes in. Not thread-safe.
class RequestRates {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // So many seconds' worth at once: a page and what belongs to it.
  static constexpr double kBurstSeconds = 4;
  // More addresses than these are not remembered: who has been quiet for the longest begins anew.
  static constexpr std::size_t kMostAddresses = 10'000;

  explicit RequestRates(double per_second) : per_second_{per_second} {}  // 0: no limit

  // Whether a request may pass: nothing; else when the next one may.
  [[nodiscard]] std::optional<Duration> on_request(const IpAddress& from, Time now);
  [[nodiscard]] std::size_t addresses() const { return buckets_.size(); }

 private:
  struct Bucket {
    IpAddress holder;
    double tokens;
    Time at;
  };

  const double per_second_;
  std::list<Bucket> buckets_;  // who has asked last is the last
  std::map<IpAddress, std::list<Bucket>::iterator> by_holder_;
};

}  // namespace live
