// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/sora_front.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "glue/gsttime.hpp"
#include "log.hpp"
#include "random_text.hpp"

namespace live {

namespace sora = onair::sora;
using onair::ErrorPtr;
using onair::GstPtr;

namespace {

constexpr unsigned kTickMs = 250;
// As soralistensrc has them by default.
constexpr guint kLargestMessage = 64 << 10;
// Of clients that have no worker yet; a hundred times those that publish to one channel.
constexpr std::size_t kMostWaiting = 256;
// Between two messages of the worker, which pings each 5 s. A publisher sends its offer and a dozen candidates.
constexpr std::size_t kMostUnanswered = 256 << 10;
constexpr unsigned kIdLength = 26;

constexpr sora::Signalling::Config kConfig{.connect_timeout = std::chrono::seconds{5}};

onair::ClockTime now() {
  return *onair::to_clock_time(gst_util_get_timestamp());
}

sora::Close too_long() {
  return {SOUP_WEBSOCKET_CLOSE_TOO_BIG, "INVALID-MESSAGE: A message was longer than " +
                                            std::to_string(kLargestMessage) + " bytes."};
}

// The worker has the channel's token, and no other's: who may come in has been decided here.
std::string for_worker(std::string_view connect, const std::string& token) {
  auto json = Json::parse(connect, nullptr, false);
  json["metadata"] = {{"access_token", token}};
  return json_text(json);
}

}  // namespace

struct SoraFront::Client {
  explicit Client(onair::ClockTime time) : signalling{kConfig, time} {}
  sora::Signalling signalling;  // until there is a worker
  std::shared_ptr<sora::WebSocket> socket;
  std::shared_ptr<sora::WebSocket> worker;
  std::string channel;
  std::string place;          // the id of the channel, or of the connection that was made
  std::string connection_id;  // that it is told
  std::string connection_id_of_worker;
  std::string connect;  // the message
  std::optional<IpAddress> from;
  bool is_waiting = false;  // for a place
  std::string remote_address;
  std::string user_agent;
  std::size_t unanswered = 0;  // bytes
  bool is_closed = false;      // the client's WebSocket
  bool is_worker_closed = false;
};

struct SoraFront::Dial {
  SoraFront* front;
  std::weak_ptr<Client> client;
};

SoraFront::SoraFront(ChannelServer& channels, AuthWebhook& auth, PublisherPlaces& places)
    : channels_{channels},
      auth_{auth},
      places_{places},
      // All workers are the same host.
      session_{GstPtr<SoupSession>::adopt(soup_session_new_with_options(
          "max-conns", G_MAXINT, "max-conns-per-host", G_MAXINT, nullptr))} {}

SoraFront::~SoraFront() = default;

void SoraFront::on_web_socket(SoupServerMessage* message, SoupWebsocketConnection* connection,
                              const std::optional<IpAddress>& from) {
  const auto time = now();
  const auto client = std::make_shared<Client>(time);
  client->from = from;
  client->remote_address = from ? from->text() : "unknown";
  client->user_agent = sora::user_agent_of(message);
  client->socket = sora::WebSocket::create_for(
      client, connection, kLargestMessage,
      [this](const auto& who, std::string_view frame) { on_text(who, frame); },
      [this](const auto& who) { on_closed(who); });
  clients_.push_back(client);
  if (!timer_.is_running())
    timer_.start(kTickMs, [this] { tick(); });
  if (budget_.spend(client->remote_address, time))
    return refuse(client,
                  sora::refusal("TOO-MANY-CONNECTIONS", "Too many from this address; wait."));
  const auto waiting = std::count_if(clients_.begin(), clients_.end(),
                                     [](const ClientPtr& one) { return !one->worker; });
  if (static_cast<std::size_t>(waiting) > kMostWaiting)
    refuse(client, sora::refusal("TOO-MANY-CONNECTIONS", "Others are waiting; try again later."));
}

void SoraFront::on_text(const ClientPtr& client, std::string_view frame) {
  if (frame.size() > kLargestMessage)
    return refuse(client, too_long());
  if (client->worker)
    return to_worker(client, frame);
  const auto event = client->signalling.on_text(frame, now());
  if (const auto* request = std::get_if<sora::ConnectRequest>(&event))
    return on_connect(client, *request, frame);
  if (const auto* close = std::get_if<sora::Close>(&event))
    return refuse(client, *close);
  if (std::holds_alternative<sora::Signalling::Goodbye>(event))
    client->socket->close(sora::farewell(onair::EndReason::Deleted, {}));
}

void SoraFront::on_connect(const ClientPtr& client, const sora::ConnectRequest& request,
                           std::string_view frame) {
  const auto* channel = channels_.channel(request.channel_id);
  if (!channel)
    return refuse(client, sora::refusal("CHANNEL-ID-NOT-FOUND", "There is no such channel here."));
  const auto& record = channel->record();
  if (record.request.rtp)
    return refuse(client, sora::refusal("CHANNEL-ID-NOT-FOUND",
                                        "This channel takes RTP that an SFU forwards, and no "
                                        "publishers."));
  const auto& webhook = record.request.auth_webhook_url;
  sora::Rules rules{.is_ready = !channels_.is_closing(), .channel_id = {}, .token = {}};
  if (!webhook)
    rules.token = record.publish_token;
  if (const auto close = sora::check_admission(request, rules))
    return refuse(client, *close);
  client->channel = request.channel_id;
  client->connect = frame;
  client->connection_id = random_text(kIdLength);
  client->place = place_of(channel->record(), client->connection_id);
  if (!webhook)
    return admit(client);
  const Guest guest{.ingest = Ingest::Sora,
                    .channel_id = request.channel_id,
                    .connection_id = client->connection_id,
                    .client_id = request.client_id,
                    .bundle_id = request.bundle_id,
                    .role = sora::to_string(request.role),
                    .wishes = Guest::Wishes{.audio = request.audio,
                                            .video = request.video,
                                            .simulcast = request.simulcast},
                    .metadata = Json::parse(request.metadata, nullptr, false),
                    .remote_address = client->remote_address,
                    .user_agent = client->user_agent};
  auth_.ask(*webhook, guest, [this, weak = std::weak_ptr{client}](const AuthAnswer& answer) {
    const auto strong = weak.lock();
    if (!strong || !strong->socket->is_open())
      return;
    if (!answer.is_allowed)
      return refuse(strong, sora::refusal("AUTH-FAILURE", answer.reason));
    admit(strong);
  });
}

// A worker is started for who may come in, and for nobody else.
void SoraFront::admit(const ClientPtr& client) {
  auto* channel = channels_.channel(client->channel);
  if (!channel)  // since it was asked for
    return refuse(client, sora::refusal("CHANNEL-ID-NOT-FOUND", "There is no such channel here."));
  if (client->from) {
    client->is_waiting = places_.enter(*client->from, client->place, channels_.is_taken());
    if (!client->is_waiting)
      return refuse(client, sora::refusal("TOO-MANY-CONNECTIONS",
                                          "This address publishes to as many channels as it may."));
  }
  channels_.join(
      *channel, client->connection_id, Ingest::Sora,
      [this, weak = std::weak_ptr{client}](const RunningChannel::Endpoint& endpoint) {
        const auto strong = weak.lock();
        if (!strong || !strong->socket->is_open())
          return;
        if (endpoint.is_busy)
          return refuse(strong, sora::refusal("CHANNEL-IN-USE", "Another publisher is live here."));
        if (endpoint.port == 0)
          return refuse(strong,
                        sora::refusal(endpoint.is_full ? "TOO-MANY-CONNECTIONS" : "NOT-READY",
                                      endpoint.why_not));
        dial(strong, endpoint.port);
      });
}

void SoraFront::dial(const ClientPtr& client, unsigned port) {
  const auto url = "ws://127.0.0.1:" + std::to_string(port) + kPath;
  const auto message = GstPtr<SoupMessage>::adopt(soup_message_new("GET", url.c_str()));
  if (!client->user_agent.empty())
    soup_message_headers_replace(soup_message_get_request_headers(message.get()), "User-Agent",
                                 client->user_agent.c_str());
  soup_session_websocket_connect_async(session_.get(), message.get(), nullptr, nullptr,
                                       G_PRIORITY_DEFAULT, nullptr, &SoraFront::on_dialled,
                                       new Dial{this, client});
}

void SoraFront::on_dialled(GObject* session, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<Dial> dial{static_cast<Dial*>(data)};
  GError* raw = nullptr;
  const auto connection = GstPtr<SoupWebsocketConnection>::adopt(
      soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &raw));
  const ErrorPtr error{raw};
  const auto client = dial->client.lock();
  if (!client)
    return;
  const bool is_here = client->socket->is_open();
  if (connection && is_here)
    return dial->front->on_worker(client, connection.get());
  dial->front->on_not_taken(*client);
  if (!is_here)
    return;
  log_line("%s: its process takes no publisher: %s", client->channel.c_str(), error->message);
  dial->front->refuse(
      client, sora::refusal("INTERNAL-ERROR", "The channel's process does not answer. Try again."));
}

void SoraFront::on_worker(const ClientPtr& client, SoupWebsocketConnection* connection) {
  const auto* channel = channels_.channel(client->channel);
  if (!channel)
    return refuse(client, sora::refusal("CHANNEL-ID-NOT-FOUND", "There is no such channel here."));
  client->worker = sora::WebSocket::create_for(
      client, connection, kLargestMessage,
      [](const auto& who, std::string_view frame) {
        who->unanswered = 0;
        who->socket->send(for_client(*who, frame));
      },
      [this](const auto& who) { on_worker_closed(who); });
  settle(client, true);
  client->worker->send(
      for_worker(std::exchange(client->connect, {}), channel->record().publish_token));
}

// The connection has one name, whoever tells it: that by which the webhook was asked and playlists are listed.
std::string SoraFront::for_client(Client& client, std::string_view frame) {
  std::string text{frame};
  auto& former = client.connection_id_of_worker;
  if (former.empty()) {
    const auto json = Json::parse(text, nullptr, false);
    const auto found = json.is_object() ? json.find("connection_id") : json.end();
    if (found == json.end() || !found->is_string())
      return text;
    former = found->get<std::string>();
  }
  for (auto at = text.find(former); !former.empty() && at != std::string::npos;
       at = text.find(former, at + client.connection_id.size()))
    text.replace(at, former.size(), client.connection_id);
  return text;
}

void SoraFront::to_worker(const ClientPtr& client, std::string_view frame) {
  client->unanswered += frame.size();
  if (client->unanswered > kMostUnanswered)
    return refuse(client, sora::refusal("INVALID-MESSAGE", "Too many messages came at a time."));
  client->worker->send(std::string{frame});
}

void SoraFront::on_not_taken(const Client& client) {
  if (auto* channel = channels_.channel_or_connection(client.place))
    channel->on_refused();
}

void SoraFront::on_worker_closed(const ClientPtr& client) {
  client->is_worker_closed = true;
  on_not_taken(*client);
  client->socket->close(client->worker->received().value_or(
      sora::refusal("INTERNAL-ERROR", "The channel's process has broken off. Connect again.")));
  forget(client);
}

void SoraFront::on_closed(const ClientPtr& client) {
  client->is_closed = true;
  settle(client, false);
  // Behind what it has said: a goodbye above all.
  if (client->worker)
    client->worker->close({1000, {}});
  forget(client);
}

void SoraFront::settle(const ClientPtr& client, bool is_accepted) {
  if (std::exchange(client->is_waiting, false))
    places_.on_answer(*client->from, client->place, is_accepted);
}

// When nothing is open any more.
void SoraFront::forget(const ClientPtr& client) {
  if (client->is_closed && (!client->worker || client->is_worker_closed))
    std::erase(clients_, client);
}

void SoraFront::refuse(const ClientPtr& client, const sora::Close& close) {
  if (!client->socket->is_open())
    return;
  auto line = close.reason;  // which may quote the client
  std::replace_if(line.begin(), line.end(), onair::sdp::is_control, ' ');
  log_line("%s: a publisher from %s is refused: %s",
           client->channel.empty() ? "Sora" : client->channel.c_str(),
           client->remote_address.c_str(), line.c_str());
  settle(client, false);
  client->socket->close(close);
}

void SoraFront::tick() {
  const auto time = now();
  const auto clients = clients_;  // closing one may take it away
  for (const auto& client : clients) {
    if (client->socket->is_flooded()) {
      client->socket->cut_off(too_long());
      continue;
    }
    if (client->worker || !client->socket->is_open())
      continue;
    const auto due = client->signalling.tick(time);
    if (const auto* close = std::get_if<sora::Close>(&due))
      refuse(client, *close);
  }
  if (!clients_.empty())
    timer_.start(kTickMs, [this] { tick(); });
}

}  // namespace live
