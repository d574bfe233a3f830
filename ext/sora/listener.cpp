// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener.hpp"

#include <utility>

#include "http/soup_server.hpp"
#include "rtcingest/secret.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_sora_listen_src_debug);
#define GST_CAT_DEFAULT gst_sora_listen_src_debug

namespace onair::sora {
namespace {

constexpr guint kTickMs = 100;
// WebSockets at a time, the publisher's among them: a publisher and a few that are being refused. Who holds
// more of them open than that keeps others out for connect-timeout at most.
constexpr std::size_t kMostClients = 32;

}  // namespace

Listener::Listener(ControlThread& control, Config config, OnEvent on_event)
    : control_{control},
      config_{std::move(config)},
      on_event_{std::move(on_event)},
      place_{control, config_.place} {}

Listener::~Listener() = default;

std::string Listener::listen() {
  server_ = GstPtr<SoupServer>::adopt(soup_server_new("server-header", "gst-onair", nullptr));
  const auto on_socket = [](SoupServer*, SoupServerMessage* message, const char*,
                            SoupWebsocketConnection* connection, gpointer self) {
    static_cast<Listener*>(self)->on_web_socket(message, connection);
  };
  soup_server_add_handler(server_.get(), nullptr, on_other_path, this, nullptr);
  soup_server_add_websocket_handler(server_.get(), config_.path.c_str(), nullptr, nullptr,
                                    on_socket, this, nullptr);
  if (auto error = listen_on(server_.get(), config_.address, config_.port); !error.empty())
    return error;
  port_ = port_of(server_.get());
  control_.every(kTickMs, [this] { tick(); });
  return {};
}

void Listener::stop() {
  end_session(EndReason::Stopped, "The listener stops.");
  place_.stop();
  const auto clients = clients_;  // closing one may take it away
  for (const auto& client : clients)
    client->socket->close(farewell(EndReason::Stopped, {}));
  if (server_)
    soup_server_disconnect(server_.get());
  server_.reset();
}

void Listener::on_other_path(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                             gpointer data) {
  const auto text = "There is nothing here; the WebSocket is at " +
                    static_cast<const Listener*>(data)->config_.path + ".\n";
  soup_server_message_set_status(message, 404, nullptr);
  // libsoup before 3.4 keeps the socket of a client that leaves between two requests, for ever.
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection",
                               "close");
  soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_COPY, text.data(),
                                   text.size());
}

void Listener::on_web_socket(SoupServerMessage* message, SoupWebsocketConnection* connection) {
  const auto now = config_.place.session.now();
  const auto client = std::make_shared<Client>(config_.signalling, now);
  client->remote_address = host_of(message);
  client->user_agent = user_agent_of(message);
  client->socket = WebSocket::create_for(
      client, connection, config_.max_message_size,
      [this](const auto& from, std::string_view frame) { on_text(from, frame); },
      [this](const auto& from) { on_closed(from); });
  clients_.push_back(client);
  counters_.lock()->connections++;
  if (budget_.spend(client->remote_address, now))
    return refuse(client, refusal("TOO-MANY-CONNECTIONS", "Too many from this address; wait."));
  if (clients_.size() > kMostClients)
    return refuse(client, refusal("TOO-MANY-CONNECTIONS", "Others are waiting; try again later."));
}

void Listener::on_text(const std::shared_ptr<Client>& client, std::string_view frame) {
  auto event =
      frame.size() > config_.max_message_size
          ? Signalling::Event{Close{SOUP_WEBSOCKET_CLOSE_TOO_BIG, "INVALID-MESSAGE: " + too_long()}}
          : client->signalling.on_text(frame, config_.place.session.now());
  if (const auto* request = std::get_if<ConnectRequest>(&event))
    return on_connect(client, *request);
  if (const auto* answer = std::get_if<Signalling::Answer>(&event))
    return on_answer(client, answer->sdp);
  if (auto* candidate = std::get_if<Signalling::Candidate>(&event)) {
    if (client == publisher_)
      place_.session()->add_candidates({.candidates = {std::move(candidate->candidate)}});
    return;
  }
  if (const auto* close = std::get_if<Close>(&event)) {
    if (client == publisher_)
      return end_session(EndReason::Error, close->reason, *close);
    return refuse(client, *close);
  }
  if (std::holds_alternative<Signalling::Goodbye>(event)) {
    if (client == publisher_)
      return end_session(EndReason::Deleted, "The publisher ended its session.");
    client->socket->close(farewell(EndReason::Deleted, {}));
  }
}

void Listener::on_closed(const std::shared_ptr<Client>& client) {
  std::erase(clients_, client);
  if (client == publisher_)
    end_session(EndReason::SignallingLost, "The publisher's WebSocket was closed.");
}

std::string Listener::too_long() const {
  return "A message was longer than " + std::to_string(config_.max_message_size) + " bytes.";
}

void Listener::refuse(const std::shared_ptr<Client>& client, const Close& close) {
  counters_.lock()->refused_connections++;
  GST_INFO("%s is refused: %s", client->remote_address.c_str(), close.reason.c_str());
  client->socket->close(close);
}

void Listener::on_connect(const std::shared_ptr<Client>& client, const ConnectRequest& request) {
  const Rules rules{
      .is_ready = place_.is_ready(), .channel_id = config_.channel_id, .token = config_.token};
  if (const auto close = check_admission(request, rules))
    return refuse(client, *close);
  const auto verdict = config_.ask({request, client->remote_address, client->user_agent});
  if (!verdict.location.empty()) {
    GST_INFO("%s is sent to %s", client->remote_address.c_str(), verdict.location.c_str());
    client->socket->send(redirect(verdict.location));
    return client->socket->close({1000, "REDIRECT"});
  }
  if (!verdict.is_allowed)
    return refuse(client, refusal("AUTH-FAILURE", verdict.reason.empty()
                                                      ? "The application refuses the publisher."
                                                      : verdict.reason));
  if (publisher_) {
    if (!place_.is_replaceable())
      return refuse(client, refusal("CHANNEL-IN-USE", "Another publisher is live here."));
    end_session(EndReason::Replaced, "The publisher had gone silent and another one took over.");
  }
  publish(client, request);
}

void Listener::publish(const std::shared_ptr<Client>& client, const ConnectRequest& request) {
  Session::Callbacks callbacks{
      .on_described = [this](const sdp::Description& offer) { on_described(offer); },
      .on_connected = [this] { on_connected(); },
      .on_turn = [this](Liveness::Turn turn) { emit(to_event(turn)); },
      .on_ended = [this](EndReason reason,
                         const std::string& detail) { end_session(reason, detail); }};
  const Identity identity{.session_id = random_id(), .connection_id = random_id()};
  const auto session = place_.take(identity.session_id, std::move(callbacks));
  if (!session)
    return refuse(client, refusal("INTERNAL-ERROR",
                                  "The server cannot make a WebRTC session; its log says why."));
  publisher_ = client;
  request_ = request;
  identity_ = identity;
  session->offer(offering_for(request, config_.takes_simulcast));
}

void Listener::on_described(const sdp::Description& offer) {
  const auto& settings = config_.place.session;
  publisher_->socket->send(publisher_->signalling.offer(
      {.sdp = offer,
       .is_simulcast = !offering_for(request_, config_.takes_simulcast).rids.empty(),
       .identity = identity_,
       .version = config_.version,
       .ice_servers = ice_servers(settings.stun_server, settings.turn_server)},
      settings.now()));
  emit(PublisherEvent::Kind::Offered);
}

void Listener::on_answer(const std::shared_ptr<Client>& client, const sdp::Description& answer) {
  if (client != publisher_)
    return;
  if (const auto refused = place_.session()->accept(answer))
    end_session(
        EndReason::Error, refused->detail,
        refusal(refused->is_malformed ? "INVALID-SDP" : "UNSUPPORTED-SDP", refused->detail));
}

void Listener::on_connected() {
  publisher_->socket->send(publisher_->signalling.created(identity_));
  emit(PublisherEvent::Kind::Connected);
}

void Listener::end_session(EndReason reason, const std::string& detail) {
  end_session(reason, detail, farewell(reason, detail));
}

void Listener::end_session(EndReason reason, const std::string& detail, const Close& close) {
  if (!place_.leave())
    return;
  const auto publisher = std::exchange(publisher_, nullptr);
  publisher->socket->close(close);
  // What it was and is no more.
  on_event_({.kind = PublisherEvent::Kind::Ended,
             .session_id = identity_.session_id,
             .remote_address = publisher->remote_address,
             .user_agent = publisher->user_agent,
             .layers = {},
             .reason = reason,
             .detail = detail},
            request_);
}

void Listener::send_eos() {
  place_.send_eos();
  end_session(EndReason::Stopped, "The listener takes no more publishers.");
}

void Listener::tick_client(const std::shared_ptr<Client>& client, ClockTime now) {
  if (client->socket->is_flooded()) {
    GST_INFO("%s is cut off: it sends without end", client->remote_address.c_str());
    const Close close{SOUP_WEBSOCKET_CLOSE_TOO_BIG, "INVALID-MESSAGE: " + too_long()};
    client->socket->cut_off(close);
    if (client == publisher_)
      end_session(EndReason::Error, too_long(), close);
    return;
  }
  if (!client->socket->is_open())
    return;
  const auto due = client->signalling.tick(now);
  if (const auto* frame = std::get_if<std::string>(&due))
    return client->socket->send(*frame);
  const auto* close = std::get_if<Close>(&due);
  if (!close)
    return;
  if (client == publisher_)
    return end_session(EndReason::SignallingLost, close->reason, *close);
  refuse(client, *close);
}

void Listener::tick() {
  const auto now = config_.place.session.now();
  const auto clients = clients_;  // as above
  for (const auto& client : clients)
    tick_client(client, now);
  place_.tick();
}

// Of the session there is: what was asked for, and once there is an answer, what is sent.
void Listener::emit(PublisherEvent::Kind kind) {
  PublisherEvent event{.kind = kind,
                       .session_id = identity_.session_id,
                       .remote_address = publisher_->remote_address,
                       .user_agent = publisher_->user_agent,
                       .layers = {},
                       .reason = EndReason::Stopped,
                       .detail = {}};
  if (kind == PublisherEvent::Kind::Offered) {
    const auto offering = offering_for(request_, config_.takes_simulcast);
    event.has_audio = offering.audio;
    event.has_video = offering.video;
  } else {
    place_.add_media(event);
  }
  on_event_(event, request_);
}

}  // namespace onair::sora
