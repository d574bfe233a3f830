// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/publisher_places.hpp"

namespace live {

bool PublisherPlaces::enter(const IpAddress& from, const std::string& channel,
                            const IsTaken& is_taken) {
  const auto holder = from.holder();
  const auto waiting = waiting_.find(holder);
  auto taken = waiting == waiting_.end() ? 0 : waiting->second;
  std::erase_if(publishers_, [&](const auto& entry) { return !is_taken(entry.first); });
  for (const auto& [other, publisher] : publishers_)
    if (other != channel && publisher == holder)
      ++taken;
  if (most_ != 0 && taken >= most_)
    return false;
  ++waiting_[holder];
  return true;
}

void PublisherPlaces::on_answer(const IpAddress& from, const std::string& channel,
                                bool is_accepted) {
  const auto holder = from.holder();
  if (const auto waiting = waiting_.find(holder);
      waiting != waiting_.end() && --waiting->second == 0)
    waiting_.erase(waiting);
  if (is_accepted)
    publishers_.insert_or_assign(channel, holder);
}

}  // namespace live
