// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/multi_channel.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace live {

std::size_t live_connections(const Connections& connections) {
  return static_cast<std::size_t>(
      std::count_if(connections.begin(), connections.end(),
                    [](const auto& one) { return one.state != ChannelState::Ended; }));
}

ChannelState state_of(ChannelState own, const Connections& connections) {
  if (own == ChannelState::Ended)
    return live_connections(connections) == 0 ? ChannelState::Ended : ChannelState::Stopping;
  constexpr std::array kLiveliestFirst{ChannelState::Running, ChannelState::Reconnecting,
                                       ChannelState::Starting};
  for (const auto state : kLiveliestFirst)
    if (std::any_of(connections.begin(), connections.end(),
                    [state](const auto& one) { return one.state == state; }))
      return state;
  return own;
}

std::string message_of(ChannelState state, const Connections& connections) {
  const auto on_air = std::count_if(connections.begin(), connections.end(), [](const auto& one) {
    return one.state == ChannelState::Running || one.state == ChannelState::Reconnecting;
  });
  if (state == ChannelState::Ended)
    return "It has ended.";
  if (on_air > 0)
    return on_air == 1 ? "One broadcaster is on the air."
                       : std::to_string(on_air) + " broadcasters are on the air.";
  return state == ChannelState::Starting ? "A broadcaster is connecting."
                                         : "Waiting for broadcasters.";
}

std::vector<std::string> superfluous_connections(const Connections& connections) {
  std::vector<std::string> ids;
  Connections ended;
  for (const auto& one : connections) {
    if (one.state != ChannelState::Ended)
      continue;
    if (one.has_begun)
      ended.push_back(one);
    else
      ids.push_back(one.connection_id);
  }
  if (ended.size() <= kMostEndedConnections)
    return ids;
  std::stable_sort(ended.begin(), ended.end(),
                   [](const auto& a, const auto& b) { return a.created < b.created; });
  ended.resize(ended.size() - kMostEndedConnections);
  for (const auto& one : ended)
    ids.push_back(one.connection_id);
  return ids;
}

std::vector<ChannelRecord> take_orphans(std::vector<ChannelRecord>& records) {
  std::set<std::string> channels;
  for (const auto& record : records)
    if (!record.is_connection())
      channels.insert(record.id);
  const auto at = std::stable_partition(records.begin(), records.end(), [&](const auto& record) {
    return channels.contains(record.channel_id());
  });
  std::vector<ChannelRecord> orphans{std::make_move_iterator(at),
                                     std::make_move_iterator(records.end())};
  records.erase(at, records.end());
  return orphans;
}

}  // namespace live
