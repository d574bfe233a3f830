// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.hpp"

namespace onair {

// How many requests an address may still make: a token bucket for each, counted in time, so that it is
// exact: a request costs `per_request`, and time passing earns itself. Memory is bounded: beyond
// kMaxAddresses, buckets that are full again are forgotten, and while there are none a stranger has
// to wait.
class RequestBudget {
 public:
  static constexpr std::size_t kMaxAddresses = 4096;

  struct Config {
    double per_second = 10;  // > 0; a publisher trickles a handful of candidates within a second
    double burst = 50;       // >= 1
  };

  explicit RequestBudget(Config config);

  // Takes one request from the budget. Nothing: go ahead; else how long to wait.
  [[nodiscard]] std::optional<Duration> spend(const std::string& address, ClockTime now);

 private:
  struct Bucket {
    Duration credit{};
    ClockTime counted_at{};
  };
  [[nodiscard]] Duration credit_at(const Bucket& bucket, ClockTime now) const;

  Duration per_request_;
  Duration full_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace onair
