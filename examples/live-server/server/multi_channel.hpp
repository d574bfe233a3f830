// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/channels.hpp"
#include "server/channel_record.hpp"

// A channel that takes several publishers at a time: each connection is run as a channel of its own, with a process, a
// folder and a state file, for one broadcast. The channel itself has none of these processes. Pure.
namespace live {

using Connections = std::vector<ChannelInfo::Playlist>;

// Those that have ended and are still there to be watched.
constexpr std::size_t kMostEndedConnections = 100;

// The liveliest of them; `own` tells whether the channel is to end, or has.
ChannelState state_of(ChannelState own, const Connections& connections);
// A sentence for a person.
std::string message_of(ChannelState state, const Connections& connections);
std::size_t live_connections(const Connections& connections);
// Which have to go: those that ended before anything could be watched, and the oldest of too many.
std::vector<std::string> superfluous_connections(const Connections& connections);
// Connections whose channel is not among the records, taken out of these.
std::vector<ChannelRecord> take_orphans(std::vector<ChannelRecord>& records);

}  // namespace live
