// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/retirement.hpp"

#include <utility>

namespace onair {

void Retirement::add(std::string uri, ClockTime until) {
  entries_.push_back({.uri = std::move(uri), .until = until});
}

void Retirement::take_due(ClockTime now, std::vector<std::string>& due) {
  for (; !entries_.empty() && entries_.front().until <= now; entries_.pop_front())
    due.push_back(std::move(entries_.front().uri));
}

std::optional<std::string> Retirement::take_first() {
  if (entries_.empty())
    return std::nullopt;
  auto uri = std::move(entries_.front().uri);
  entries_.pop_front();
  return uri;
}

}  // namespace onair
