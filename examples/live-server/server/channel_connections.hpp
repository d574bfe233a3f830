// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "api/channels.hpp"
#include "ingest.hpp"
#include "server/channel_record.hpp"
#include "server/channel_registry.hpp"
#include "server/multi_channel.hpp"
#include "server/running_channel.hpp"
#include "timer.hpp"

namespace live {

// The connections of channels that take several publishers, from join() until nobody needs them; multi_channel.hpp decides
// about them. Main thread.
class ChannelConnections {
 public:
  struct Surroundings {
    std::size_t most = 0;  // of a channel at a time
    std::function<std::string(const std::string& id)> playlist_url;
    std::function<RunningChannel&(ChannelRecord record)> add;  // to the registry
    std::function<void(const RunningChannel& connection)> on_discard;
    // Connections of that channel are gone, which nobody needed.
    std::function<void(const RunningChannel& channel)> on_trimmed;
  };

  ChannelConnections(ChannelRegistry& registry, Surroundings surroundings);

  // Somebody who may publish goes to his place: see place_of(). Where it takes several that is made for him. Calls at once
  // or later.
  void join(RunningChannel& channel, const std::string& connection_id, Ingest ingest,
            RunningChannel::OnEndpoint call);

  // Null if there is none.
  [[nodiscard]] RunningChannel* find(const std::string& channel,
                                     const std::string& connection_id) const;
  // The oldest first.
  [[nodiscard]] std::vector<RunningChannel*> of(const std::string& channel) const;
  // The same as the channel's owner sees them.
  [[nodiscard]] Connections list(const std::string& channel) const;
  [[nodiscard]] ChannelInfo::Playlist playlist_of(const RunningChannel& connection) const;
  // Of any channel or connection: one that takes several is what these are.
  [[nodiscard]] ChannelState state_of(const RunningChannel& its) const;

  void stop_all(const std::string& channel);
  // What a server that was killed meanwhile has left undone.
  void stop_those_of_ended_channels();
  void discard(RunningChannel& connection);
  void discard_all(const std::string& channel);
  // One has: those that nobody needs any more go soon.
  void on_ended();

 private:
  void trim();

  ChannelRegistry& registry_;
  const Surroundings surroundings_;
  Timer trimming_;
};

}  // namespace live
