// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_connections.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace live {

ChannelConnections::ChannelConnections(ChannelRegistry& registry, Surroundings surroundings)
    : registry_{registry}, surroundings_{std::move(surroundings)} {}

void ChannelConnections::join(RunningChannel& channel, const std::string& connection_id,
                              Ingest ingest, RunningChannel::OnEndpoint call) {
  const auto& its = channel.record();
  if (!its.takes_several())
    return channel.with_endpoint(ingest, std::move(call));
  if (channel.state() == ChannelState::Ended)
    return call({.why_not = "The channel has ended; make another one."});
  if (its.is_paused)
    return call({.why_not = channel.message()});
  if (const auto live = live_connections(list(its.id)); live >= surroundings_.most)
    return call({.is_full = true,
                 .why_not = "This channel has " + std::to_string(live) +
                            " publishers, and no more are allowed here at a time."});
  ChannelRecord record{.id = place_of(its, connection_id),
                       .channel = its.id,
                       .created = std::chrono::system_clock::now(),
                       .publish_token = its.publish_token,
                       .request = its.request};
  if (!registry_.save(record))
    return call({.why_not = "The connection's state can't be written; the server's log says why."});
  auto& connection = surroundings_.add(std::move(record));
  connection.with_endpoint(ingest, std::move(call));  // or it had ended as soon as it is open
  registry_.open(connection);
}

// ---- which there are

RunningChannel* ChannelConnections::find(const std::string& channel,
                                         const std::string& connection_id) const {
  auto* its = registry_.find(id_of_connection(channel, connection_id));
  return its && its->record().channel == channel ? its : nullptr;
}

std::vector<RunningChannel*> ChannelConnections::of(const std::string& channel) const {
  std::vector<RunningChannel*> found;
  const auto prefix = id_of_connection(channel, "");
  const auto& all = registry_.all();
  for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
    if (at->second->record().channel == channel)
      found.push_back(at->second.get());
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return a->record().created < b->record().created;
  });
  return found;
}

Connections ChannelConnections::list(const std::string& channel) const {
  Connections list;
  for (const auto* connection : of(channel))
    list.push_back(playlist_of(*connection));
  return list;
}

ChannelInfo::Playlist ChannelConnections::playlist_of(const RunningChannel& connection) const {
  const auto& record = connection.record();
  return {.connection_id = record.connection_id(),
          .url = surroundings_.playlist_url(record.id),
          .has_begun = record.broadcasts > 0,
          .state = connection.state(),
          .created = record.created,
          .message = connection.message(),
          .stats = connection.status()};
}

ChannelState ChannelConnections::state_of(const RunningChannel& its) const {
  return its.record().takes_several() ? live::state_of(its.state(), list(its.record().id))
                                      : its.state();
}

// ---- which end and go

void ChannelConnections::stop_all(const std::string& channel) {
  for (auto* connection : of(channel))
    connection->stop();
}

void ChannelConnections::stop_those_of_ended_channels() {
  for (const auto* channel : registry_.channels())
    if (channel->state() == ChannelState::Ended)
      stop_all(channel->record().id);
}

void ChannelConnections::discard(RunningChannel& connection) {
  connection.stop();
  surroundings_.on_discard(connection);
  registry_.discard(connection.record().id);
}

void ChannelConnections::discard_all(const std::string& channel) {
  for (auto* connection : of(channel))
    discard(*connection);
}

void ChannelConnections::on_ended() {
  trimming_.start(0, [this] { trim(); });  // not within its own call
}

void ChannelConnections::trim() {
  if (registry_.is_closing())
    return;
  for (const auto* channel : registry_.channels()) {
    const auto& id = channel->record().id;
    const auto gone = superfluous_connections(list(id));
    for (const auto& connection_id : gone)
      discard(*find(id, connection_id));
    if (!gone.empty())
      surroundings_.on_trimmed(*channel);
  }
  registry_.sweep();
}

}  // namespace live
