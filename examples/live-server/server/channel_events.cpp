// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_events.hpp"

#include <algorithm>
#include <utility>

namespace live {

std::vector<std::string> ChannelEvents::on_state(ChannelState state) {
  auto events = takes_several_ ? std::vector<std::string>{} : on_broadcast(state);
  // It is the channel that ends for good, with the last of its connections: these may be on their way out still under the
  // next server.
  const bool has_ended = state == ChannelState::Ended;
  if (!std::exchange(has_ended_, has_ended) && has_ended && !is_connection_)
    events.emplace_back("channel.ended");
  return events;
}

std::vector<std::string> ChannelEvents::on_broadcast(ChannelState state) {
  std::vector<std::string> events;
  const bool has_publisher = state == ChannelState::Running;
  const bool is_on_air =
      has_publisher || state == ChannelState::Reconnecting ||
      (is_on_air_ && state != ChannelState::Idle && state != ChannelState::Ended);
  if (has_publisher && !std::exchange(has_publisher_, true))
    events.emplace_back("publisher.connected");
  if (!has_publisher && std::exchange(has_publisher_, false))
    events.emplace_back("publisher.left");
  const bool was_on_air = std::exchange(is_on_air_, is_on_air);
  if (is_on_air && !was_on_air)
    events.emplace_back("playlist.ready");
  if (!is_on_air && was_on_air)
    events.emplace_back("broadcast.ended");
  return events;
}

std::vector<std::string> ChannelEvents::on_degraded(bool is_degraded) {
  if (std::exchange(is_degraded_, is_degraded) == is_degraded)
    return {};
  return {is_degraded ? "channel.degraded" : "channel.restored"};
}

bool is_degraded(const Json& status, const Renditions& asked) {
  const auto found = status.find("renditions");
  if (found == status.end() || !found->is_array())
    return false;
  for (std::size_t i = 0; i < std::min(found->size(), asked.size()); ++i) {
    const auto& video = (*found)[i].value("video", Json::object());
    if (asked[i].video && video.contains("fps") && video.value("fps", 0.0) < asked[i].video->fps)
      return true;
  }
  return false;
}

Json webhook_message(const std::string& event, const EventSubject& subject) {
  Json message{{"event", event},
               {"channel_id", subject.channel_id},
               {"broadcast", subject.broadcast},
               {"state", to_string(subject.state)}};
  if (!subject.connection_id.empty())
    message["connection_id"] = subject.connection_id;
  return message;
}

}  // namespace live
