// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "api/channels.hpp"

namespace live {

// What webhooks are told of a channel, by the states that it had and has: publisher.connected, publisher.left,
// playlist.ready, broadcast.ended, channel.ended. Pure.
class ChannelEvents {
 public:
  // A channel that was on the air when its server ended goes on with its broadcast.
  explicit ChannelEvents(bool is_on_air) : is_on_air_{is_on_air} {}

  [[nodiscard]] std::vector<std::string> on_state(ChannelState state);
  // channel.degraded and channel.restored: whether the picture of a rendition comes at fewer frames than asked for.
  [[nodiscard]] std::vector<std::string> on_degraded(bool is_degraded);

 private:
  bool has_publisher_ = false;
  bool is_on_air_;
  bool has_ended_ = false;
  bool is_degraded_ = false;
};

// Whether an encoder is too slow for one of the renditions, by what a worker says of itself.
bool is_degraded(const Json& status, const Renditions& asked);

}  // namespace live
