// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/worker.hpp"

#include <utility>
#include <variant>

#include <gio/gunixsocketaddress.h>

#include "log.hpp"
#include "settings.hpp"
#include "status_json.hpp"

namespace live {
namespace {

using onair::GstPtr;

constexpr unsigned kReconnectMs = 200;
// Figures that change all the time.
constexpr unsigned kFiguresMs = 1000;

GstPtr<GSocket> connected_to(const std::string& path) {
  auto socket = GstPtr<GSocket>::adopt(
      g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, nullptr));
  const auto address = GstPtr<GSocketAddress>::adopt(g_unix_socket_address_new(path.c_str()));
  if (!socket || !g_socket_connect(socket.get(), address.get(), nullptr, nullptr))
    return GstPtr<GSocket>{};
  return socket;
}

}  // namespace

Worker::Worker(std::string channel, std::string control, RtpSockets sockets,
               std::function<void()> on_end)
    : name_{std::move(channel)},
      control_{std::move(control)},
      sockets_{std::move(sockets)},
      on_end_{std::move(on_end)} {
  orphan_.start(kOrphanMs, [this] { stop("no server"); });
  connect();
}

void Worker::connect() {
  auto socket = connected_to(control_);
  if (!socket) {
    reconnect_.start(kReconnectMs, [this] { connect(); });
    return;
  }
  orphan_.stop();
  server_ = std::make_unique<JsonLines>(
      std::move(socket), [this](const Json& message) { on_message(message); },
      [this](const std::string& why) { on_lost(why); });
  server_->send({{"type", "hello"}, {"channel", name_}, {"job", channel_ != nullptr}});
  if (channel_)
    send_ready();
}

void Worker::on_lost(const std::string& why) {
  server_.reset();
  if (is_stopping_)
    return;
  if (!channel_)
    return on_end_();
  log_warning("the server is gone (%s)", why.c_str());
  orphan_.start(kOrphanMs, [this] { stop("no server"); });
  connect();
}

void Worker::on_message(const Json& message) {
  const auto type = message.value("type", "");
  if (type == "stop")
    return stop("the server");
  if (type == "job" && !channel_ && !is_stopping_ && message.contains("settings"))
    return begin(message);
  if (type == "admit" && channel_)
    return admit(message);
  log_warning("the server sent '%s', which is not known", type.c_str());
}

void Worker::begin(const Json& job) {
  Settings settings;
  for (const auto& [name, text] : job["settings"].items())
    if (const auto mistake = assign(settings, name, text.get<std::string>()))
      return fail(mistake->text);
  if (const auto mistake = check(settings))
    return fail(mistake->text);
  if (const auto keys = job.value("keys", Json{}); keys.is_object())
    settings.keys = SegmentKeys{.uri = keys.value("uri", ""), .secret = keys.value("secret", "")};
  if (const auto rtp = job.value("rtp", Json{}); rtp.is_object()) {
    FieldError error;
    settings.rtp = read_rtp_request(rtp, "rtp", error);
    if (error)
      return fail(error.sentence);
  }
  std::vector<Ingest> ingests;
  for (const auto& name : job.value("ingests", Json::array()))
    if (const auto ingest = ingest_of(name.get<std::string>()))
      ingests.push_back(*ingest);
  channel_ =
      std::make_unique<Channel>(std::move(settings), std::move(ingests), std::move(sockets_));
  channel_->on_change([this] {
    if (said_ != channel_->state())
      send_status();
  });
  if (const auto why = channel_->start(); !why.empty())
    return fail(why);
  if (const auto resume = job.value("resume", Json{}); resume.is_object())
    channel_->resume(resume.value("audio", true), resume.value("video", true));
  send_ready();
}

void Worker::admit(const Json& question) {
  const auto number = question.value("number", std::uint64_t{0});
  const auto answer = [this, number](unsigned port) {
    if (server_)
      server_->send({{"type", "admitted"}, {"number", number}, {"port", port}});
  };
  if (const auto ingest = ingest_of(question.value("ingest", "")))
    return channel_->admit(*ingest, answer);
  answer(0);
}

void Worker::fail(const std::string& why) {
  log_error("%s", why.c_str());
  if (server_)
    server_->send({{"type", "failed"}, {"message", why}});
  has_failed_ = true;
  // Behind the message.
  orphan_.start(0, on_end_);
}

void Worker::send_ready() {
  server_->send({{"type", "ready"}, {"whip_port", channel_->whip_port()}});
  send_status();
}

void Worker::send_status() {
  figures_.start(kFiguresMs, [this] { send_status(); });
  const auto status = channel_->status();
  said_ = status.state;
  if (!server_)
    return;
  auto message = to_json(status);
  message["type"] = "status";
  server_->send(message);
}

void Worker::stop(const char* why) {
  if (is_stopping_)
    return on_end_();  // a second time: now
  is_stopping_ = true;
  log_line("stopping (%s)", why);
  if (!channel_)
    return on_end_();
  channel_->stop(on_end_);
}

}  // namespace live
