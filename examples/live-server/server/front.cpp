// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/front.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "api/imageflux_face.hpp"
#include "api/rest_face.hpp"
#include "http_reply.hpp"
#include "random_text.hpp"
#include "snapshots.hpp"
#include "status_json.hpp"

namespace live {
namespace {

constexpr std::string_view kApiRoot = "/v1/channels/";
constexpr std::string_view kPageRoot = "/channels/";
constexpr std::string_view kWhip = "/whip";
constexpr unsigned kIdLength = 26;

std::string header_of(SoupServerMessage* message, const char* name) {
  const char* value =
      soup_message_headers_get_one(soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

// As check() has found it.
IpNetworks networks_of(const std::string& text) {
  auto read = IpNetworks::parse(text);
  const auto* networks = std::get_if<IpNetworks>(&read);
  return networks ? *networks : IpNetworks{};
}

std::string list_of(SoupServerMessage* message, const char* name) {
  const char* value =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

std::optional<IpAddress> peer_of(SoupServerMessage* message) {
  auto* address = soup_server_message_get_remote_address(message);
  if (!G_IS_INET_SOCKET_ADDRESS(address))
    return std::nullopt;
  const onair::GMemory<char> text{
      g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)))};
  return IpAddress::parse(text.get());
}

ApiError too_many(std::string detail, std::chrono::seconds wait) {
  return {.status = 429,
          .detail = std::move(detail),
          .headers = {{"Retry-After", std::to_string(wait.count())}}};
}

std::string body_of(SoupServerMessage* message) {
  GBytes* bytes = soup_message_body_flatten(soup_server_message_get_request_body(message));
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  std::string body;
  if (data)
    body.assign(data, size);
  g_bytes_unref(bytes);
  return body;
}

void send(SoupServerMessage* message, const ApiReply& reply) {
  for (const auto& [name, value] : reply.headers)
    set_header(message, name.c_str(), value);
  if (reply.content_type.empty())
    soup_server_message_set_status(message, reply.status, nullptr);
  else
    send_text(message, reply.status, reply.content_type.c_str(), reply.body);
}

}  // namespace

Front::Front(const Settings& settings, ChannelServer& channels, const Origin& origin,
             EventStreams& events, Metrics& metrics, std::vector<std::string> tokens)
    : settings_{settings},
      channels_{channels},
      origin_{origin},
      events_{events},
      metrics_{metrics},
      tokens_{tokens},
      metrics_tokens_{{settings.metrics_token}},
      api_{channels, channels.archives(), std::move(tokens)},
      pages_{settings.pages},
      auth_{settings.webhook_secret},
      trusted_{networks_of(settings.trusted_proxies)},
      rates_{settings.requests_per_second},
      places_{settings.publishers_per_address},
      sora_{channels, auth_, places_},
      server_{[this](SoupServerMessage* message, const std::string& path) {
        on_request(message, path);
      }} {
  if (channels.has_sora())
    server_.take_web_sockets(SoraFront::kPath, [this](auto* message, auto* connection) {
      sora_.on_web_socket(message, connection, client_of(message).address);
    });
  server_.observe([this](SoupServerMessage* message) {
    if (const auto status = soup_server_message_get_status(message))
      metrics_.on_request(soup_server_message_get_method(message),
                          g_uri_get_path(soup_server_message_get_uri(message)), status);
  });
}

std::string Front::listen() {
  return server_.listen(settings_.address, settings_.port);
}

std::optional<Front::Target> Front::target_of(const std::string& path, std::string_view root) {
  if (!path.starts_with(root))
    return std::nullopt;
  const auto slash = std::min(path.find('/', root.size()), path.size());
  return Target{.id = path.substr(root.size(), slash - root.size()), .rest = path.substr(slash)};
}

void Front::on_request(SoupServerMessage* message, const std::string& path) {
  if (!is_within_rate(message, path))
    return;
  if (on_channel(message, path))
    return;
  if (path == "/v1/events")
    return follow(message, {});
  if (path == "/" ? std::string_view{soup_server_message_get_method(message)} == "POST"
                  : path.starts_with("/v1/"))
    return path == "/v1/openapi.json" ? send_file(message, LIVE_SERVER_OPENAPI)
                                      : ask(message, path);
  if (answer_to_method(message))
    return;
  if (path == SoraFront::kPath && channels_.has_sora()) {
    set_header(message, "Upgrade", "websocket");
    return send_error(message, 426, "This is for WebSockets: give the address to Sora's SDK.");
  }
  if (path == "/healthz")
    return send_text(message, 200, "text/plain", "ok\n");
  if (path == "/readyz")
    return send_text(message, channels_.is_closing() ? 503 : 200, "text/plain",
                     channels_.is_closing() ? "going down\n" : "ok\n");
  if (path == "/metrics")
    return send_metrics(message);
  if (path == "/")
    return pages_.send(message, "channels");
  if (const auto target = target_of(path, kPageRoot)) {
    const auto* channel = channels_.channel_or_connection(target->id);
    const bool is_connection = channel && channel->record().is_connection();
    const bool is_multi = channel && channel->record().takes_several();
    if (channel && target->rest == "/publish" && channel->record().request.rtp)
      return send_error(message, 404, "An SFU publishes to this channel, not a page.");
    if (channel && target->rest == "/publish" && !is_connection)
      return pages_.send(message, "publish");
    if (channel && target->rest == "/watch")
      return pages_.send(message, is_multi ? "watch-all" : "watch");
    if (channel && target->rest == "/status")
      return send_status(message, *channel);
    if (channel && target->rest == "/thumbnail.jpg")
      return send_file(message, channels_.folder_of(target->id) + "/" + Snapshots::kName);
    if (!channel)
      return send_error(message, 404, "There is no channel '" + target->id + "'.");
  }
  if (!pages_.answer(message, path))
    send_error(message, 404, "There is nothing at " + path + ".");
}

// What of a channel's API does not pass through ChannelApi.
bool Front::on_channel(SoupServerMessage* message, const std::string& path) {
  const auto target = target_of(path, kApiRoot);
  if (!target)
    return false;
  if (target->rest == "/events") {
    follow(message, target->id);
    return true;
  }
  if (!target->rest.starts_with(kWhip) ||
      (target->rest.size() > kWhip.size() && target->rest[kWhip.size()] != '/'))
    return false;
  publish(message, *target);
  return true;
}

void Front::publish(SoupServerMessage* message, const Target& target) {
  auto* channel = channels_.channel_or_connection(target.id);
  const std::string_view method = soup_server_message_get_method(message);
  const auto from = std::string{kApiRoot} + target.id + std::string{kWhip};
  const auto resource = target.rest.substr(kWhip.size());
  set_header(message, "Access-Control-Allow-Origin", "*");
  if (method == "OPTIONS") {
    set_header(message, "Access-Control-Allow-Methods", "OPTIONS, POST, PATCH, DELETE");
    set_header(message, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
    set_header(message, "Access-Control-Max-Age", "86400");
    set_header(message, "Accept-Post", "application/sdp");
    return soup_server_message_set_status(message, 204, nullptr);
  }
  set_header(message, "Access-Control-Expose-Headers",
             "ETag, Link, Location, Retry-After, X-Onair-Connection-Id");
  const bool is_joining = method == "POST" && resource.empty();
  if (!channel || (is_joining && channel->record().is_connection()))
    return send(message, problem_reply(unknown_channel(target.id)));
  if (channel->record().request.rtp)
    return send(message, problem_reply({.status = 404,
                                        .detail = "This channel takes RTP that an SFU forwards, "
                                                  "and no publishers by WHIP."}));
  const auto& webhook = channel->record().request.auth_webhook_url;
  const auto& token = channel->record().publish_token;
  const auto authorization = header_of(message, "Authorization");
  const BearerTokens tokens{{token}};
  if (!webhook && tokens.check(authorization) != BearerTokens::Verdict::Right)
    return send(message, problem_reply({.status = 401,
                                        .detail = "The channel's publish token is needed, as "
                                                  "\"Authorization: Bearer TOKEN\".",
                                        .headers = {{"WWW-Authenticate", "Bearer"}}}));
  if (!is_joining) {
    // With a webhook it is the session's address that nobody else knows.
    if (const auto port = channel->endpoint())
      return whip_.forward(message, from, resource, port, token);
    return send(message, problem_reply({.status = 404,
                                        .detail = "This session is over: nobody publishes now."}));
  }
  if (channels_.is_closing())
    return send(message, problem_reply({.status = 503,
                                        .detail = "The server is going down.",
                                        .headers = {{"Retry-After", "5"}}}));
  const auto connection_id = random_text(kIdLength);
  if (!has_place(message, place_of(channel->record(), connection_id)))
    return;
  soup_server_message_pause(message);
  if (!webhook)
    return admit(message, target.id, connection_id);
  auto metadata = Json::object();
  if (const auto given = bearer_token(authorization))
    metadata["access_token"] = *given;
  const auto client = client_of(message).address;
  const Guest guest{.ingest = Ingest::Whip,
                    .channel_id = target.id,
                    .connection_id = connection_id,
                    .client_id = {},
                    .bundle_id = {},
                    .wishes = std::nullopt,
                    .metadata = std::move(metadata),
                    .remote_address = client ? client->text() : "unknown",
                    .user_agent = header_of(message, "User-Agent")};
  const auto waiting = onair::GstPtr<SoupServerMessage>::share(message);
  auth_.ask(*webhook, guest,
            [this, waiting, id = target.id, connection_id](const AuthAnswer& answer) {
              if (answer.is_allowed)
                return admit(waiting.get(), id, connection_id);
              send(waiting.get(), problem_reply({.status = 403, .detail = answer.reason}));
              soup_server_message_unpause(waiting.get());
            });
}

// A worker is started for who may come in, and for nobody else. The message has been paused.
void Front::admit(SoupServerMessage* message, const std::string& id,
                  const std::string& connection_id) {
  const auto refuse = [](SoupServerMessage* whose, ApiError error) {
    send(whose, problem_reply(std::move(error)));
    soup_server_message_unpause(whose);
  };
  auto* channel = channels_.channel(id);
  if (!channel)  // since it was asked for
    return refuse(message, unknown_channel(id));
  const auto waiting = onair::GstPtr<SoupServerMessage>::share(message);
  const auto token = channel->record().publish_token;
  const auto place = place_of(channel->record(), connection_id);
  channels_.join(
      *channel, connection_id, Ingest::Whip, [=, this](const RunningChannel::Endpoint& endpoint) {
        const auto from = std::string{kApiRoot} + place + std::string{kWhip};
        if (endpoint.port != 0 && place != id)
          set_header(waiting.get(), "X-Onair-Connection-Id", connection_id);
        if (endpoint.port != 0)
          return whip_.forward(waiting.get(), from, {}, endpoint.port, token,
                               [this, place](unsigned status) { on_answered(place, status); });
        if (endpoint.is_busy)  // as whiplistensrc has it
          return refuse(waiting.get(), {.status = 409,
                                        .detail = "Another publisher is live on this endpoint.",
                                        .headers = {{"Retry-After", "2"}}});
        refuse(waiting.get(), {.status = 503,
                               .detail = endpoint.why_not,
                               .headers = {{"Retry-After", endpoint.is_full ? "10" : "2"}}});
      });
}

void Front::on_answered(const std::string& place, unsigned status) {
  auto* channel = channels_.channel_or_connection(place);
  if (channel && status != 201)
    channel->on_refused();
}

void Front::follow(SoupServerMessage* message, const std::string& channel) {
  const auto refuse = [&](ApiError error) { send(message, problem_reply(std::move(error))); };
  if (tokens_.check(header_of(message, "Authorization")) != BearerTokens::Verdict::Right)
    return refuse({.status = 401,
                   .detail = "Send an API token as \"Authorization: Bearer TOKEN\".",
                   .headers = {{"WWW-Authenticate", "Bearer"}}});
  if (std::string_view{soup_server_message_get_method(message)} != "GET")
    return refuse(
        {.status = 405, .detail = "Only GET is possible here.", .headers = {{"Allow", "GET"}}});
  if (!channel.empty() && !channels_.channel(channel))
    return refuse(unknown_channel(channel));
  if (!events_.add(message, channel))
    return refuse({.status = 503,
                   .detail = "Too many listeners; try again later.",
                   .headers = {{"Retry-After", "10"}}});
  const auto base = base_url(message);
  for (const auto& info : channels_.list())
    if (channel.empty() || info.id == channel)
      events_.greet("channel", to_json(info, base));
}

// A proxy on this machine would make everybody a neighbour: what is asked for from loopback needs a token as well.
void Front::send_metrics(SoupServerMessage* message) {
  const auto authorization = header_of(message, "Authorization");
  if (tokens_.check(authorization) != BearerTokens::Verdict::Right &&
      metrics_tokens_.check(authorization) != BearerTokens::Verdict::Right)
    return send(message, problem_reply({.status = 401,
                                        .detail = "Send the metrics token, or an API token, as "
                                                  "\"Authorization: Bearer TOKEN\".",
                                        .headers = {{"WWW-Authenticate", "Bearer"}}}));
  set_header(message, "Cache-Control", "no-store");
  auto now = channels_.figures();
  now.origin = origin_.figures();
  send_text(message, 200, Metrics::kContentType, metrics_.text(now));
}

void Front::ask(SoupServerMessage* message, const std::string& path) {
  ApiRequest request{.method = soup_server_message_get_method(message),
                     .path = path,
                     .headers = {},
                     .body = body_of(message),
                     .base_url = base_url(message)};
  for (const char* name : {"Authorization", "Content-Type", "X-Sora-Target"})
    if (const auto value = header_of(message, name); !value.empty())
      request.headers.emplace(name, value);
  send(message, api_.answer(request));
}

// What the publish and watch pages ask for.
void Front::send_status(SoupServerMessage* message, const RunningChannel& channel) const {
  auto document = channel.status();
  if (document.empty()) {  // as of a channel that has a process, and nothing to tell
    document = to_json(Channel::Status{.message = channel.message()});
    document["broadcast"] = channel.record().broadcasts;
  }
  const auto info = channels_.find(channel.record().channel_id());
  const auto base = base_url(message);
  if (info->whip_url)
    document["whip"] = {{"path", *info->whip_url}};
  if (!channel.record().takes_several()) {
    document["playlist"] = absolute_url(channels_.playlist_url(channel.record().id), base);
  } else {
    document["message"] = info->message;
    auto& connections = document["connections"] = Json::array();
    for (const auto& [connection_id, url, has_begun, state, created, words, stats] :
         info->playlists)
      if (state == ChannelState::Running || state == ChannelState::Reconnecting)
        connections.push_back({{"connection_id", connection_id},
                               {"state", to_string(state)},
                               {"message", words},
                               {"playlist", absolute_url(url, base)}});
  }
  document["target_duration"] =
      channel.record().request.hls.segment_seconds.value_or(settings_.target_duration);
  send_json(message, 200, document);
}

std::string Front::base_url(SoupServerMessage* message) const {
  if (!settings_.public_url.empty())
    return settings_.public_url;
  const auto client = client_of(message);
  return client.scheme + "://" +
         (client.host.empty() ? settings_.address + ":" + std::to_string(port()) : client.host);
}

Client Front::client_of(SoupServerMessage* message) const {
  const auto host = header_of(message, "Host");
  const auto forwarded_for = list_of(message, "X-Forwarded-For");
  const auto forwarded_proto = list_of(message, "X-Forwarded-Proto");
  const auto forwarded_host = list_of(message, "X-Forwarded-Host");
  return live::client_of({.peer = peer_of(message),
                          .scheme = settings_.tls_certificate.empty() ? "http" : "https",
                          .host = host,
                          .forwarded_for = forwarded_for,
                          .forwarded_proto = forwarded_proto,
                          .forwarded_host = forwarded_host},
                         trusted_);
}

// Who watches over the server asks as often as he likes.
bool Front::is_within_rate(SoupServerMessage* message, const std::string& path) {
  const auto from = client_of(message).address;
  if (!from || route_of(soup_server_message_get_method(message), path) == Route::Health)
    return true;
  const auto wait = rates_.on_request(*from, std::chrono::steady_clock::now());
  if (!wait)
    return true;
  set_header(message, "Access-Control-Allow-Origin", "*");
  set_header(message, "Access-Control-Expose-Headers", "Retry-After");
  auto error =
      too_many("Too many requests from this address; requests-per-second of the server is " +
                   Json(settings_.requests_per_second).dump() + ".",
               std::chrono::ceil<std::chrono::seconds>(*wait));
  const bool is_imageflux =
      path == kImageFluxPath && std::string_view{soup_server_message_get_method(message)} == "POST";
  send(message, is_imageflux ? imageflux_error(std::move(error)) : problem_reply(std::move(error)));
  return false;
}

bool Front::has_place(SoupServerMessage* message, const std::string& place) {
  const auto from = client_of(message).address;
  if (!from)
    return true;
  if (!places_.enter(*from, place, channels_.is_taken())) {
    constexpr std::chrono::seconds kWait{10};
    send(message, problem_reply(too_many("This address publishes to " +
                                             std::to_string(settings_.publishers_per_address) +
                                             " channel(s) already, and no more are allowed here.",
                                         kWait)));
    return false;
  }
  struct Entry {
    PublisherPlaces& places;
    IpAddress from;
    std::string place;
  };
  const auto on_finished = +[](SoupServerMessage* finished, gpointer data) {
    const auto* entry = static_cast<Entry*>(data);
    const auto status = soup_server_message_get_status(finished);
    entry->places.on_answer(entry->from, entry->place, SOUP_STATUS_IS_SUCCESSFUL(status));
  };
  g_signal_connect_data(
      message, "finished", G_CALLBACK(on_finished),
      new Entry{.places = places_, .from = *from, .place = place},
      +[](gpointer data, GClosure*) { delete static_cast<Entry*>(data); }, GConnectFlags{});
  return true;
}

}  // namespace live
