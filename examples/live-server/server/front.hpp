// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "api/channel_api.hpp"
#include "api/forwarded.hpp"
#include "http_server.hpp"
#include "pages.hpp"
#include "server/auth_webhook.hpp"
#include "server/channel_server.hpp"
#include "server/event_streams.hpp"
#include "server/origin.hpp"
#include "server/publisher_places.hpp"
#include "server/request_rates.hpp"
#include "server/sora_front.hpp"
#include "server/whip_proxy.hpp"

namespace live {

// The HTTP side of a server of many channels: the API, WHIP, events, and pages. Main thread.
//   POST /, /v1/channels…            ChannelApi
//   /v1/channels/ID/whip…            the worker's endpoint
//   /signaling                       SoraFront
//   /v1/events, /v1/channels/ID/events
//   /v1/openapi.json, /healthz, /readyz, /metrics
//   /channels/ID/{publish,watch,status,thumbnail.jpg}, /assets/…
// A connection of a channel that takes several publishers is there as ID-CONNECTION, but for what publishers begin with.
class Front {
 public:
  Front(const Settings& settings, ChannelServer& channels, const Origin& origin,
        EventStreams& events, Metrics& metrics, std::vector<std::string> tokens);

  // TLS, for connections to come.
  void use(onair::GstPtr<GTlsCertificate> certificate) { server_.use(std::move(certificate)); }
  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  [[nodiscard]] unsigned port() const { return server_.port(); }

 private:
  // A path below that of a channel: "" or "/…".
  struct Target {
    std::string id;
    std::string rest;
  };
  static std::optional<Target> target_of(const std::string& path, std::string_view root);

  void on_request(SoupServerMessage* message, const std::string& path);
  [[nodiscard]] bool on_channel(SoupServerMessage* message, const std::string& path);
  void send_status(SoupServerMessage* message, const RunningChannel& channel) const;
  void publish(SoupServerMessage* message, const Target& target);
  void admit(SoupServerMessage* message, const std::string& id, const std::string& connection_id);
  void on_answered(const std::string& place, unsigned status);
  void follow(SoupServerMessage* message, const std::string& channel);
  void send_metrics(SoupServerMessage* message);
  void ask(SoupServerMessage* message, const std::string& path);
  [[nodiscard]] Client client_of(SoupServerMessage* message) const;
  [[nodiscard]] bool is_within_rate(SoupServerMessage* message, const std::string& path);
  [[nodiscard]] bool has_place(SoupServerMessage* message, const std::string& place);
  [[nodiscard]] std::string base_url(SoupServerMessage* message) const;

  const Settings& settings_;
  ChannelServer& channels_;
  const Origin& origin_;
  EventStreams& events_;
  Metrics& metrics_;
  BearerTokens tokens_;
  BearerTokens metrics_tokens_;
  ChannelApi api_;
  Pages pages_;
  AuthWebhook auth_;
  const IpNetworks trusted_;
  RequestRates rates_;
  PublisherPlaces places_;
  SoraFront sora_;
  WhipProxy whip_;
  HttpServer server_;
};

}  // namespace live
