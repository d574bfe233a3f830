// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_notifier.hpp"

#include <utility>

namespace live {
namespace {

Metrics::Event event_of(Webhook::Outcome outcome) {
  switch (outcome) {
    case Webhook::Outcome::Delivered:
      return Metrics::Event::WebhookDelivered;
    case Webhook::Outcome::Failed:
      return Metrics::Event::WebhookFailed;
    case Webhook::Outcome::Lost:
      break;
  }
  return Metrics::Event::WebhookLost;
}

}  // namespace

ChannelNotifier::ChannelNotifier(std::string webhook_secret, EventStreams& streams,
                                 Metrics& metrics)
    : webhook_secret_{std::move(webhook_secret)}, streams_{streams}, metrics_{metrics} {}

std::unique_ptr<Webhook> ChannelNotifier::webhook_of(const std::string& channel,
                                                     const std::string& url) {
  return std::make_unique<Webhook>(channel, url, webhook_secret_, [this](Webhook::Outcome outcome) {
    metrics_.on(event_of(outcome));
  });
}

void ChannelNotifier::add(const ChannelRecord& record) {
  const auto& url = record.request.event_webhook_url;
  if (!url || webhook_secret_.empty())  // nobody could tell what is ours
    return;
  auto& [webhook, events] = receivers_[record.channel_id()];
  if (!webhook)
    webhook = webhook_of(record.channel_id(), *url);
  events.emplace(record.connection_id(), ChannelEvents{record});
}

ChannelEvents* ChannelNotifier::events_of(const EventSubject& subject) {
  const auto receiver = receivers_.find(subject.channel_id);
  if (receiver == receivers_.end())
    return nullptr;
  const auto found = receiver->second.events.find(subject.connection_id);
  return found == receiver->second.events.end() ? nullptr : &found->second;
}

void ChannelNotifier::send(const EventSubject& subject, const std::vector<std::string>& events) {
  const auto receiver = receivers_.find(subject.channel_id);
  if (receiver == receivers_.end())
    return;
  for (const auto& event : events)
    receiver->second.webhook->send(webhook_message(event, subject));
}

void ChannelNotifier::on_change(const ChannelInfo& channel) {
  streams_.send(channel.id, "channel", to_json(channel, {}));
}

void ChannelNotifier::on_state(const EventSubject& subject) {
  if (auto* events = events_of(subject))
    send(subject, events->on_state(subject.state));
}

void ChannelNotifier::on_figures(const EventSubject& subject, const Json& status,
                                 const Renditions& asked) {
  Json stats{{"id", subject.channel_id}, {"stats", status}};
  if (!subject.connection_id.empty())
    stats["connection_id"] = subject.connection_id;
  streams_.send(subject.channel_id, "stats", stats);
  if (auto* events = events_of(subject))
    send(subject, events->on_degraded(is_degraded(status, asked)));
}

void ChannelNotifier::on_full(const EventSubject& subject) {
  send(subject, {"channel.full"});
}

void ChannelNotifier::on_archive(const ArchiveRecord& record, const ArchiveInfo& archive,
                                 Archiver::Event event) {
  if (record.event_webhook_url.empty() || webhook_secret_.empty())
    return;
  const EventSubject subject{.channel_id = record.channel_id(),
                             .connection_id = record.connection_id(),
                             .broadcast = record.broadcasts,
                             .state = ChannelState::Ended};
  auto message = webhook_message(
      event == Archiver::Event::Created ? "archive.created" : "archive.failed", subject);
  message["archive"] = to_json(archive);
  if (const auto receiver = receivers_.find(subject.channel_id); receiver != receivers_.end())
    return receiver->second.webhook->send(std::move(message));
  auto& webhook = last_words_[subject.channel_id];
  if (!webhook)
    webhook = webhook_of(subject.channel_id, record.event_webhook_url);
  webhook->send(std::move(message));
}

void ChannelNotifier::on_deleted(const EventSubject& subject) {
  const auto& id = subject.channel_id;
  const auto receiver = receivers_.find(id);
  if (!subject.connection_id.empty()) {
    if (receiver != receivers_.end())
      receiver->second.events.erase(subject.connection_id);
    return;
  }
  send(subject, {"channel.deleted"});
  if (receiver != receivers_.end()) {
    std::erase_if(last_words_, [](const auto& entry) { return entry.second->is_idle(); });
    last_words_[id] = std::move(receiver->second.webhook);
    receivers_.erase(receiver);
  }
  streams_.send(id, "deleted", {{"id", id}});
  streams_.end(id);
}

std::size_t ChannelNotifier::waiting() const {
  std::size_t waiting = 0;
  for (const auto& [id, receiver] : receivers_)
    waiting += receiver.webhook->waiting();
  for (const auto& [id, webhook] : last_words_)
    waiting += webhook->waiting();
  return waiting;
}

}  // namespace live
