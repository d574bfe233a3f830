// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/archives.hpp"
#include "api/channels.hpp"
#include "server/archive_record.hpp"
#include "server/archiver.hpp"
#include "server/channel_events.hpp"
#include "server/channel_record.hpp"
#include "server/event_streams.hpp"
#include "server/metrics.hpp"
#include "server/webhook.hpp"

namespace live {

// Tells the world what becomes of channels and their connections, by server-sent events and webhooks as docs/channel-api.md
// has them. Main thread.
class ChannelNotifier {
 public:
  // Webhooks are signed with the secret.
  ChannelNotifier(std::string webhook_secret, EventStreams& streams, Metrics& metrics);

  // A channel, or a connection of one, that is there from now on.
  void add(const ChannelRecord& record);
  // What the API answers of a channel.
  void on_change(const ChannelInfo& channel);
  void on_state(const EventSubject& subject);
  // What its worker says of itself.
  void on_figures(const EventSubject& subject, const Json& status, const Renditions& asked);
  // Its disk quota is used up.
  void on_full(const EventSubject& subject);
  // Also of a channel that is gone.
  void on_archive(const ArchiveRecord& record, const ArchiveInfo& archive, Archiver::Event event);
  // What is on its way to receivers goes on.
  void on_deleted(const EventSubject& subject);
  // So many webhooks' messages have not been taken.
  [[nodiscard]] std::size_t waiting() const;

 private:
  // Who has asked for a channel's events.
  struct Receiver {
    std::unique_ptr<Webhook> webhook;
    std::map<std::string, ChannelEvents> events;  // by connection; "": of the channel itself
  };

  [[nodiscard]] std::unique_ptr<Webhook> webhook_of(const std::string& channel,
                                                    const std::string& url);
  // Null: nobody has asked for its events.
  [[nodiscard]] ChannelEvents* events_of(const EventSubject& subject);
  void send(const EventSubject& subject, const std::vector<std::string>& events);

  const std::string webhook_secret_;
  EventStreams& streams_;
  Metrics& metrics_;
  std::map<std::string, Receiver> receivers_;                   // by channel
  std::map<std::string, std::unique_ptr<Webhook>> last_words_;  // of channels that are gone
};

}  // namespace live
