// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <string>

#include "api/ip_address.hpp"

namespace live {

// How many channels each address may publish to at a time. Pure. Not thread-safe.
class PublisherPlaces {
 public:
  // Whether somebody publishes to a channel now, or is about to.
  using IsTaken = std::function<bool(const std::string& channel)>;

  explicit PublisherPlaces(unsigned most) : most_{most} {}  // 0: no limit

  // Whether somebody from there may try; on_answer() follows if so. Who comes back to the same channel is the same one.
  [[nodiscard]] bool enter(const IpAddress& from, const std::string& channel,
                           const IsTaken& is_taken);
  void on_answer(const IpAddress& from, const std::string& channel, bool is_accepted);

 private:
  const unsigned most_;
  std::map<IpAddress, unsigned> waiting_;        // for an answer
  std::map<std::string, IpAddress> publishers_;  // who was taken last, by channel
};

}  // namespace live
