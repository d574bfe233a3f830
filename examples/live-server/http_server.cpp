// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "http_reply.hpp"

namespace live {
namespace {

using onair::Acceptor;
using onair::GstPtr;

constexpr const char* kTimerKey = "live-timer";
constexpr const char* kSizeKey = "live-body-size";
constexpr guint kSweepMs = 5'000;
constexpr gsize kHopeless = 16 * HttpServer::kMostBody;  // not even to be told of

gsize size_of(SoupServerMessage* message) {
  return GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(message), kSizeKey));
}

// libsoup before 3.4 forgets 2 kB of each connection that a client ends between two requests.
bool may_keep_connections() {
  return soup_check_version(3, 4, 0) == TRUE;
}

bool is_upgrade(SoupServerMessage* message) {
  auto* headers = soup_server_message_get_request_headers(message);
  const char* to = soup_message_headers_get_one(headers, "Upgrade");
  return to && g_ascii_strcasecmp(to, "websocket") == 0;
}

// The body's size is bounded before it is in memory.
void on_headers(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
  const auto on_chunk = +[](SoupServerMessage* of, GBytes* chunk, gpointer) {
    const auto size = size_of(of) + g_bytes_get_size(chunk);
    g_object_set_data(G_OBJECT(of), kSizeKey, GSIZE_TO_POINTER(size));
    if (size > HttpServer::kMostBody)
      soup_message_body_set_accumulate(soup_server_message_get_request_body(of), FALSE);
    if (size > kHopeless)
      Acceptor::cut_off(of);
  };
  g_signal_connect(message, "got-chunk", G_CALLBACK(on_chunk), nullptr);
  if (!may_keep_connections() && !is_upgrade(message))
    set_header(message, "Connection", "close");
}

void wait_for(SoupServerMessage* message, guint ms) {
  auto* timer = new Timer;
  g_object_set_data_full(
      G_OBJECT(message), kTimerKey, timer,
      +[](gpointer data) { delete static_cast<Timer*>(data); });
  timer->start(ms, [message] { Acceptor::cut_off(message); });
}

void wait_no_more(SoupServerMessage* message, gpointer) {
  g_object_set_data(G_OBJECT(message), kTimerKey, nullptr);
}

}  // namespace

// At the first byte of a request.
void HttpServer::on_started(SoupServer*, SoupServerMessage* message, gpointer data) {
  auto* self = static_cast<HttpServer*>(data);
  wait_for(message, self->patience_.head_ms);
  const auto on_head =
      +[](SoupServerMessage* of, gpointer ms) { wait_for(of, GPOINTER_TO_UINT(ms)); };
  g_signal_connect(message, "got-headers", G_CALLBACK(on_head),
                   GUINT_TO_POINTER(self->patience_.body_ms));
  for (const char* end : {"got-body", "finished"})
    g_signal_connect(message, end, G_CALLBACK(wait_no_more), nullptr);
}

void HttpServer::sweep() {
  acceptor_->end_idle();
  acceptor_->resume();
  sweep_.start(std::clamp(patience_.idle_ms / 4, 5U, kSweepMs), [this] { sweep(); });
}

HttpServer::~HttpServer() {
  if (!server_)
    return;
  g_signal_handlers_disconnect_by_data(server_.get(), this);
  acceptor_.reset();
  soup_server_disconnect(server_.get());
}

void HttpServer::use(GstPtr<GTlsCertificate> certificate) {
  certificate_ = std::move(certificate);
  if (acceptor_)
    acceptor_->use(certificate_);
}

void HttpServer::add_handlers(const char* root) {
  const auto on_request = [](SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                             gpointer self) {
    if (size_of(message) > kMostBody)
      return send_error(message, 413,
                        "The body is larger than " + std::to_string(kMostBody) + " bytes.");
    auto* server = static_cast<HttpServer*>(self);
    // What has a status is no WebSocket any more.
    if (server->on_web_socket_ && path == server->web_socket_path_ && is_upgrade(message))
      return;
    server->handler_(message, path);
  };
  soup_server_add_early_handler(server_.get(), root, on_headers, nullptr, nullptr);
  soup_server_add_handler(server_.get(), root, on_request, this, nullptr);
}

std::string HttpServer::listen(const std::string& address, unsigned port) {
  server_ = GstPtr<SoupServer>::adopt(soup_server_new("server-header", "gst-onair", nullptr));
  add_handlers(nullptr);
  if (on_web_socket_) {
    const auto on_socket = [](SoupServer*, SoupServerMessage* message, const char*,
                              SoupWebsocketConnection* connection, gpointer self) {
      static_cast<HttpServer*>(self)->on_web_socket_(message, connection);
    };
    add_handlers(web_socket_path_.c_str());  // it has none of those above
    soup_server_add_websocket_handler(server_.get(), web_socket_path_.c_str(), nullptr, nullptr,
                                      on_socket, this, nullptr);
  }
  g_signal_connect(server_.get(), "request-started", G_CALLBACK(&HttpServer::on_started), this);
  const auto on_end = +[](SoupServer*, SoupServerMessage* message, gpointer self) {
    if (const auto& observer = static_cast<HttpServer*>(self)->observer_)
      observer(message);
  };
  for (const char* end : {"request-finished", "request-aborted"})
    g_signal_connect(server_.get(), end, G_CALLBACK(on_end), this);
  acceptor_ = std::make_unique<Acceptor>(
      server_.get(),
      Acceptor::Config{.address = address,
                       .port = port,
                       .max_connections = kMostConnections,
                       .idle_timeout = std::chrono::milliseconds{patience_.idle_ms}});
  acceptor_->use(certificate_);
  const auto why_not = acceptor_->listen();
  if (why_not.empty())
    sweep();
  return why_not;
}

}  // namespace live
