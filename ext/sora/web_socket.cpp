// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web_socket.hpp"

#include <utility>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "glue/signals.hpp"

namespace onair::sora {
namespace {

constexpr guint kHardLimit = 4;  // times the longest message

// Below what libsoup wraps it into.
GstPtr<GSocket> socket_of(GIOStream* stream) {
  constexpr const char* kBase = "base-iostream";
  auto base = GstPtr<GIOStream>::share(stream);
  while (g_object_class_find_property(G_OBJECT_GET_CLASS(base.get()), kBase)) {
    GIOStream* raw = nullptr;
    g_object_get(base.get(), kBase, &raw, nullptr);
    if (!raw)
      return {};
    base = GstPtr<GIOStream>::adopt(raw);
  }
  return G_IS_SOCKET_CONNECTION(base.get()) ? GstPtr<GSocket>::share(g_socket_connection_get_socket(
                                                  G_SOCKET_CONNECTION(base.get())))
                                            : GstPtr<GSocket>{};
}

}  // namespace

WebSocket::WebSocket(SoupWebsocketConnection* connection, guint largest_frame, Callbacks callbacks)
    : connection_{GstPtr<SoupWebsocketConnection>::share(connection)},
      socket_{socket_of(soup_websocket_connection_get_io_stream(connection))},
      largest_frame_{largest_frame},
      callbacks_{std::move(callbacks)} {}

WebSocket::~WebSocket() = default;

std::shared_ptr<WebSocket> WebSocket::create(SoupWebsocketConnection* connection,
                                             guint largest_message, Callbacks callbacks) {
  const guint largest_frame = kHardLimit * largest_message;
  std::shared_ptr<WebSocket> socket{new WebSocket{connection, largest_frame, std::move(callbacks)}};
  soup_websocket_connection_set_max_incoming_payload_size(connection, largest_frame);
  // From libsoup 3.8 on; before, only each fragment of a message has a limit.
  constexpr const char* kWholeMessage = "max-total-message-size";
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(connection), kWholeMessage))
    g_object_set(connection, kWholeMessage, guint64{largest_frame}, nullptr);
  connect_weak(connection, "message", G_CALLBACK(on_message), socket);
  connect_weak(connection, "closed", G_CALLBACK(on_closed), socket);
  return socket;
}

void WebSocket::on_message(SoupWebsocketConnection*, gint type, GBytes* bytes, gpointer data) {
  const auto self = strong_from<WebSocket>(data);
  if (!self || !self->is_open())
    return;
  if (type != SOUP_WEBSOCKET_DATA_TEXT)
    return self->close({1003, "INVALID-MESSAGE: Messages are text."});  // RFC 6455 section 7.4.1
  self->received_before_ = self->bytes_received();
  gsize size = 0;
  const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  self->callbacks_.on_text(text ? std::string_view{text, size} : std::string_view{});
}

void WebSocket::on_closed(SoupWebsocketConnection*, gpointer data) {
  if (const auto self = strong_from<WebSocket>(data))
    self->callbacks_.on_closed();
}

guint64 WebSocket::bytes_received() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  return socket_ && getsockopt(g_socket_get_fd(socket_.get()), IPPROTO_TCP, TCP_INFO, &info,
                               &size) == 0
             ? info.tcpi_bytes_received
             : 0;
}

bool WebSocket::is_flooded() const {
  constexpr guint64 kHandshake = 16 * 1024;  // it came on the same connection
  return bytes_received() > received_before_ + largest_frame_ + kHandshake;
}

void WebSocket::cut_off(const Close& reason) {
  close(reason);
  if (socket_)
    g_socket_shutdown(socket_.get(), TRUE, FALSE, nullptr);
}

std::optional<Close> WebSocket::received() const {
  const auto code = soup_websocket_connection_get_close_code(connection_.get());
  const char* reason = soup_websocket_connection_get_close_data(connection_.get());
  // 0: nothing came. The others only stand for that (RFC 6455 section 7.4.1).
  if (code == 0 || code == SOUP_WEBSOCKET_CLOSE_NO_STATUS ||
      code == SOUP_WEBSOCKET_CLOSE_ABNORMAL || code == SOUP_WEBSOCKET_CLOSE_TLS_HANDSHAKE)
    return std::nullopt;
  return Close{.code = code, .reason = reason ? reason : ""};
}

bool WebSocket::is_open() const {
  return soup_websocket_connection_get_state(connection_.get()) == SOUP_WEBSOCKET_STATE_OPEN;
}

void WebSocket::send(const std::string& frame) {
  if (is_open())
    soup_websocket_connection_send_text(connection_.get(), frame.c_str());
}

void WebSocket::close(const Close& close) {
  if (is_open())
    soup_websocket_connection_close(connection_.get(), close.code, close.reason.c_str());
}

std::string user_agent_of(SoupServerMessage* message) {
  const char* agent =
      soup_message_headers_get_one(soup_server_message_get_request_headers(message), "User-Agent");
  const GMemory<char> text{g_utf8_make_valid(agent ? agent : "", -1)};
  return text.get();
}

}  // namespace onair::sora
