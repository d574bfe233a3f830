// SPDX-License-Identifier: LGPL-2.1-or-later
#include "endpoint.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <utility>

#include <sys/socket.h>

#include "http/soup_server.hpp"
#include "rtcingest/secret.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_whip_listen_src_debug);
#define GST_CAT_DEFAULT gst_whip_listen_src_debug

namespace onair::whip {
namespace {

constexpr guint kTickMs = 100;
// A body beyond the limit is read and dropped, so that the client hears 413 rather than a reset;
// one that never ends is cut off here.
constexpr goffset kHardBodyLimit = 8 * 1024 * 1024;
constexpr const char* kSizeKey = "onair-body-size";

std::string header(SoupMessageHeaders* headers, const char* name) {
  const char* value = soup_message_headers_get_list(headers, name);
  return value ? value : "";
}

std::string media_type(SoupMessageHeaders* headers) {
  const char* type = soup_message_headers_get_content_type(headers, nullptr);
  std::string text = type ? type : "";
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Whether the client has closed its side. libsoup does not read while a message is paused, so it
// would only notice when it writes the answer, or not even then.
bool has_hung_up(SoupServerMessage* message) {
  char byte = 0;
  const int fd = g_socket_get_fd(soup_server_message_get_socket(message));
  const auto got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

std::string etag_of(const std::string& id, unsigned generation) {
  return "\"" + id.substr(0, 8) + "-" + std::to_string(generation) + "\"";
}

}  // namespace

Endpoint::Endpoint(ControlThread& control, Config config,
                   std::function<void(const PublisherEvent&)> on_event)
    : control_{control},
      config_{std::move(config)},
      on_event_{std::move(on_event)},
      place_{control, config_.place} {}

Endpoint::~Endpoint() = default;

std::string Endpoint::listen() {
  server_ = GstPtr<SoupServer>::adopt(soup_server_new("server-header", "gst-onair", nullptr));
  const auto on_early = [](SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                           gpointer self) { static_cast<Endpoint*>(self)->on_headers(message); };
  const auto on_request = [](SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                             gpointer self) {
    static_cast<Endpoint*>(self)->on_request(message, path);
  };
  soup_server_add_early_handler(server_.get(), nullptr, on_early, this, nullptr);
  soup_server_add_handler(server_.get(), nullptr, on_request, this, nullptr);
  if (auto error = listen_on(server_.get(), config_.address, config_.port); !error.empty())
    return error;
  port_ = port_of(server_.get());
  control_.every(kTickMs, [this] { tick(); });
  return {};
}

void Endpoint::stop() {
  end_session(EndReason::Stopped, "The endpoint stops.");
  place_.stop();
  if (server_)
    soup_server_disconnect(server_.get());
  server_.reset();
}

// The body's size is bounded before it is in memory.
void Endpoint::on_headers(SoupServerMessage* message) {
  const auto on_chunk = +[](SoupServerMessage* of, GBytes* chunk, gpointer data) {
    const auto* self = static_cast<Endpoint*>(data);
    const auto so_far = GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(of), kSizeKey));
    const auto size = so_far + g_bytes_get_size(chunk);
    g_object_set_data(G_OBJECT(of), kSizeKey, GSIZE_TO_POINTER(size));
    if (size > self->config_.max_request_size)
      soup_message_body_set_accumulate(soup_server_message_get_request_body(of), FALSE);
    if (size > static_cast<gsize>(kHardBodyLimit))
      g_socket_close(soup_server_message_get_socket(of), nullptr);
  };
  g_signal_connect(message, "got-chunk", G_CALLBACK(on_chunk), this);
  const auto announced =
      soup_message_headers_get_content_length(soup_server_message_get_request_headers(message));
  if (announced > static_cast<goffset>(config_.max_request_size))
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

void Endpoint::on_request(SoupServerMessage* message, const char* path) {
  counters_.lock()->requests++;
  if (const auto wait = budget_.spend(host_of(message), config_.place.session.now())) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    return respond(message, problem(429, "Too many requests from this address.",
                                    {{"Retry-After", std::to_string(seconds)}}));
  }
  if (GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(message), kSizeKey)) > config_.max_request_size)
    return respond(message, problem(413, "The body is larger than " +
                                             std::to_string(config_.max_request_size) + " bytes."));

  auto* headers = soup_server_message_get_request_headers(message);
  Request request{.method = soup_server_message_get_method(message),
                  .path = path,
                  .content_type = media_type(headers),
                  .accept = header(headers, "Accept"),
                  .authorization = header(headers, "Authorization"),
                  .if_match = header(headers, "If-Match"),
                  .body = {}};
  GBytes* body = soup_message_body_flatten(soup_server_message_get_request_body(message));
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(body, &size));
  if (data)
    request.body.assign(data, size);
  g_bytes_unref(body);

  auto action = handle(request, state());
  if (const auto* response = std::get_if<Response>(&action))
    return respond(message, *response);
  if (auto* wanted = std::get_if<Publish>(&action))
    return publish(message, std::move(wanted->plan));
  if (const auto* trickle = std::get_if<Trickle>(&action)) {
    place_.session()->add_candidates(trickle->fragment);
    return respond(message, trickled());
  }
  if (const auto* restart = std::get_if<RestartIce>(&action))
    return respond(message, restart_ice(restart->fragment));
  respond(message, terminated());
  end_session(EndReason::Deleted, "The publisher ended its session.");
}

void Endpoint::respond(SoupServerMessage* message, const Response& response) {
  if (response.status >= 400) {
    counters_.lock()->refused_requests++;
    GST_INFO("%s %s from %s: %u %s", soup_server_message_get_method(message),
             g_uri_get_path(soup_server_message_get_uri(message)), host_of(message).c_str(),
             response.status, response.body.c_str());
  }
  auto* headers = soup_server_message_get_response_headers(message);
  for (const auto& [name, value] : cors_headers())
    soup_message_headers_replace(headers, name.c_str(), value.c_str());
  for (const auto& [name, value] : response.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
  // libsoup before 3.4 keeps the socket of a client that leaves between two requests, for ever.
  soup_message_headers_replace(headers, "Connection", "close");
  soup_server_message_set_status(message, response.status, nullptr);
  if (!response.content_type.empty())
    soup_server_message_set_response(message, response.content_type.c_str(), SOUP_MEMORY_COPY,
                                     response.body.data(), response.body.size());
}

EndpointState Endpoint::state() const {
  const auto& settings = config_.place.session;
  EndpointState state{.path = config_.path,
                      .token = config_.token,
                      .is_ready = place_.is_ready(),
                      .takes_simulcast = config_.takes_simulcast,
                      .session = std::nullopt,
                      .ice_servers = ice_server_links(settings.stun_server, settings.turn_server)};
  if (const auto session = place_.session()) {
    state.session = session_state_;
    state.session->remote = session->remote_credentials();
    state.session->is_replaceable = place_.is_replaceable();
  }
  return state;
}

void Endpoint::publish(SoupServerMessage* message, Plan plan) {
  if (place_.session())
    end_session(EndReason::Replaced, "The publisher had gone silent and another one took over.");

  const auto id = random_id();  // the session's URL is what DELETE and PATCH go to
  ice_generation_ = 1;
  session_state_ = {.id = id,
                    .etag = etag_of(id, ice_generation_),
                    .remote = plan.remote,
                    .is_replaceable = false};
  remote_address_ = host_of(message);
  const char* agent =
      soup_message_headers_get_one(soup_server_message_get_request_headers(message), "User-Agent");
  user_agent_ = agent ? agent : "";
  Session::Callbacks callbacks{
      .on_described = [this](const sdp::Description& answer) { on_answer(sdp::to_text(answer)); },
      .on_connected = [this] { emit(PublisherEvent::Kind::Connected); },
      .on_turn = [this](Liveness::Turn turn) { emit(to_event(turn)); },
      .on_ended = [this](EndReason reason,
                         const std::string& detail) { end_session(reason, detail); }};
  const auto session = place_.take(id, std::move(callbacks));
  if (!session)
    return respond(message, problem(500,
                                    "The server cannot make a WebRTC session; its log says "
                                    "why."));
  pending_ = GstPtr<SoupServerMessage>::share(message);
  soup_server_message_pause(message);
  session->answer(std::move(plan));
}

void Endpoint::on_answer(std::string answer) {
  const auto message = std::exchange(pending_, {});
  if (!message)
    return;
  respond(message.get(), published(state(), session_state_, std::move(answer)));
  emit(PublisherEvent::Kind::Offered);
  soup_server_message_unpause(message.get());
}

Response Endpoint::restart_ice(const SdpFragment& fragment) {
  const auto session = place_.session();
  const auto ours = session->restart_ice(fragment);
  if (!ours)
    return problem(500, "ICE could not be restarted; the session goes on as it was.");
  session_state_.etag = etag_of(session_state_.id, ++ice_generation_);
  counters_.lock()->ice_restarts++;
  return restarted(session_state_, session->plan(), *ours);
}

void Endpoint::end_session(EndReason reason, const std::string& detail) {
  if (!place_.leave())
    return;
  if (const auto message = std::exchange(pending_, {})) {
    // What ended it from outside says nothing against another try.
    const auto response = reason == EndReason::Error ? problem(500, detail)
                                                     : problem(503, detail, {{"Retry-After", "1"}});
    respond(message.get(), response);
    soup_server_message_unpause(message.get());
  }
  emit(PublisherEvent::Kind::Ended, reason, detail);
}

void Endpoint::send_eos() {
  place_.send_eos();
  end_session(EndReason::Stopped, "The endpoint takes no more publishers.");
}

void Endpoint::tick() {
  // A client that hangs up before it has its answer does not hold the place.
  if (pending_ && has_hung_up(pending_.get()))
    end_session(EndReason::Deleted, "The publisher hung up before it had its answer.");
  place_.tick();
}

void Endpoint::emit(PublisherEvent::Kind kind, EndReason reason, const std::string& detail) {
  PublisherEvent event{.kind = kind,
                       .session_id = session_state_.id,
                       .remote_address = remote_address_,
                       .user_agent = user_agent_,
                       .has_audio = false,
                       .has_video = false,
                       .layers = {},
                       .reason = reason,
                       .detail = detail};
  place_.add_media(event);
  on_event_(event);
}

}  // namespace onair::whip
