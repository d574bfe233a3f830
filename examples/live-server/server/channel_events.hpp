// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "api/channels.hpp"
#include "server/channel_record.hpp"

namespace live {

// What webhooks are told of a channel, or of a connection of one, by the states that it had and has: publisher.connected,
// publisher.left, playlist.ready, broadcast.ended, channel.ended. Pure.
class ChannelEvents {
 public:
  // A channel that was on the air when its server ended goes on with its broadcast, and one that had ended has been told of.
  explicit ChannelEvents(const ChannelRecord& record)
      : is_connection_{record.is_connection()},
        takes_several_{record.takes_several()},
        is_on_air_{record.is_on_air},
        has_ended_{record.has_ended} {}

  [[nodiscard]] std::vector<std::string> on_state(ChannelState state);
  // channel.degraded and channel.restored: whether the picture of a rendition comes at fewer frames than asked for.
  [[nodiscard]] std::vector<std::string> on_degraded(bool is_degraded);

 private:
  [[nodiscard]] std::vector<std::string> on_broadcast(ChannelState state);

  const bool is_connection_;
  const bool takes_several_;
  bool has_publisher_ = false;
  bool is_on_air_;
  bool has_ended_;
  bool is_degraded_ = false;
};

// Whether an encoder is too slow for one of the renditions, by what a worker says of itself.
bool is_degraded(const Json& status, const Renditions& asked);

// Whom an event is about.
struct EventSubject {
  std::string channel_id;
  std::string connection_id = {};  // empty: the channel itself
  unsigned broadcast = 0;
  ChannelState state = ChannelState::Creating;
};

// As receivers of webhooks get it, but for what Webhook adds.
Json webhook_message(const std::string& event, const EventSubject& subject);

}  // namespace live
