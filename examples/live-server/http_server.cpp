// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.hpp"

#include <utility>

#include "http_reply.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GstPtr;

constexpr const char* kTimerKey = "live-timer";
constexpr const char* kSizeKey = "live-body-size";
constexpr gsize kHopeless = 16 * HttpServer::kMostBody;  // not even to be told of

gsize size_of(SoupServerMessage* message) {
  return GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(message), kSizeKey));
}

// libsoup before 3.4 keeps the socket of a client that leaves between two requests, for ever.
bool may_keep_connections() {
  return soup_check_version(3, 4, 0) == TRUE;
}

bool is_upgrade(SoupServerMessage* message) {
  auto* headers = soup_server_message_get_request_headers(message);
  const char* to = soup_message_headers_get_one(headers, "Upgrade");
  return to && g_ascii_strcasecmp(to, "websocket") == 0;
}

// Its end is read, and it is closed as if the client had done so.
void leave(GSocket* socket) {
  if (socket)
    g_socket_shutdown(socket, TRUE, TRUE, nullptr);
}

// The body's size is bounded before it is in memory.
void on_headers(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer) {
  const auto on_chunk = +[](SoupServerMessage* of, GBytes* chunk, gpointer) {
    const auto size = size_of(of) + g_bytes_get_size(chunk);
    g_object_set_data(G_OBJECT(of), kSizeKey, GSIZE_TO_POINTER(size));
    if (size > HttpServer::kMostBody)
      soup_message_body_set_accumulate(soup_server_message_get_request_body(of), FALSE);
    if (size > kHopeless)
      g_socket_close(soup_server_message_get_socket(of), nullptr);
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
  timer->start(ms, [message] { leave(soup_server_message_get_socket(message)); });
}

void wait_no_more(SoupServerMessage* message, gpointer) {
  g_object_set_data(G_OBJECT(message), kTimerKey, nullptr);
}

}  // namespace

// At the first byte of a request, or of a connection.
void HttpServer::on_started(SoupServer*, SoupServerMessage* message, gpointer data) {
  auto* self = static_cast<HttpServer*>(data);
  self->idle_.erase(soup_server_message_get_socket(message));
  wait_for(message, self->patience_.head_ms);
  const auto on_head =
      +[](SoupServerMessage* of, gpointer ms) { wait_for(of, GPOINTER_TO_UINT(ms)); };
  g_signal_connect(message, "got-headers", G_CALLBACK(on_head),
                   GUINT_TO_POINTER(self->patience_.body_ms));
  for (const char* end : {"got-body", "finished"})
    g_signal_connect(message, end, G_CALLBACK(wait_no_more), nullptr);
}

// Its connection may be kept for another request.
void HttpServer::on_finished(SoupServer*, SoupServerMessage* message, gpointer data) {
  auto* self = static_cast<HttpServer*>(data);
  auto* socket = soup_server_message_get_socket(message);
  if (!socket || g_socket_is_closed(socket))
    return;
  auto& idle = self->idle_[socket];
  idle.socket = GstPtr<GSocket>::share(socket);
  idle.timer.start(self->patience_.head_ms, [self, socket] {
    leave(socket);
    self->idle_.erase(socket);
  });
}

HttpServer::~HttpServer() {
  if (!server_)
    return;
  g_signal_handlers_disconnect_by_data(server_.get(), this);
  soup_server_disconnect(server_.get());
}

void HttpServer::use(GstPtr<GTlsCertificate> certificate) {
  certificate_ = std::move(certificate);
  if (server_)
    soup_server_set_tls_certificate(server_.get(), certificate_.get());
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
  if (certificate_)
    soup_server_set_tls_certificate(server_.get(), certificate_.get());
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
  g_signal_connect(server_.get(), "request-finished", G_CALLBACK(&HttpServer::on_finished), this);
  g_signal_connect(server_.get(), "request-started", G_CALLBACK(&HttpServer::on_started), this);
  const auto on_end = +[](SoupServer*, SoupServerMessage* message, gpointer self) {
    if (const auto& observer = static_cast<HttpServer*>(self)->observer_)
      observer(message);
  };
  for (const char* end : {"request-finished", "request-aborted"})
    g_signal_connect(server_.get(), end, G_CALLBACK(on_end), this);
  const auto where =
      GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(address.c_str(), port));
  if (!where)
    return "'" + address + "' is not an IP address";
  GError* raw = nullptr;
  if (!soup_server_listen(server_.get(), where.get(),
                          certificate_ ? SOUP_SERVER_LISTEN_HTTPS : SoupServerListenOptions{},
                          &raw)) {
    const ErrorPtr error{raw};
    return error->message;
  }
  GSList* uris = soup_server_get_uris(server_.get());
  port_ = uris ? static_cast<unsigned>(g_uri_get_port(static_cast<GUri*>(uris->data))) : 0;
  g_slist_free_full(uris, [](gpointer uri) { g_uri_unref(static_cast<GUri*>(uri)); });
  return {};
}

}  // namespace live
