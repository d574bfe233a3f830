// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web_socket_client.hpp"

#include <utility>

#include "patience.hpp"

namespace onair::test {

WebSocketClient::WebSocketClient(const std::string& url) {
  control_->run([&] {
    session_ = GstPtr<SoupSession>::adopt(soup_session_new());
    const auto message = GstPtr<SoupMessage>::adopt(soup_message_new("GET", url.c_str()));
    soup_session_websocket_connect_async(session_.get(), message.get(), nullptr, nullptr,
                                         G_PRIORITY_DEFAULT, nullptr, on_connected, this);
  });
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, kPatience, [&] { return is_tried_; });
}

WebSocketClient::~WebSocketClient() {
  control_->run([this] {
    if (connection_)
      g_signal_handlers_disconnect_by_data(connection_.get(), this);
    soup_session_abort(session_.get());
    connection_.reset();
    session_.reset();
  });
}

void WebSocketClient::on_connected(GObject* session, GAsyncResult* result, gpointer data) {
  auto* self = static_cast<WebSocketClient*>(data);
  GError* raw = nullptr;
  auto* connection = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &raw);
  const ErrorPtr error{raw};
  if (connection) {
    self->connection_ = GstPtr<SoupWebsocketConnection>::adopt(connection);
    g_signal_connect(connection, "message", G_CALLBACK(on_message), self);
    g_signal_connect(connection, "closed", G_CALLBACK(on_closed), self);
  }
  {
    const std::lock_guard lock{self->mutex_};
    self->is_tried_ = true;
    if (!connection)
      self->end_ = End{.code = 1006, .reason = error->message};
  }
  self->changed_.notify_all();
}

void WebSocketClient::on_message(SoupWebsocketConnection*, gint, GBytes* bytes, gpointer data) {
  auto* self = static_cast<WebSocketClient*>(data);
  gsize size = 0;
  const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  {
    const std::lock_guard lock{self->mutex_};
    self->frames_.emplace_back(text ? std::string{text, size} : std::string{});
  }
  self->changed_.notify_all();
}

void WebSocketClient::on_closed(SoupWebsocketConnection* connection, gpointer data) {
  auto* self = static_cast<WebSocketClient*>(data);
  const char* reason = soup_websocket_connection_get_close_data(connection);
  {
    const std::lock_guard lock{self->mutex_};
    self->end_ = End{.code = soup_websocket_connection_get_close_code(connection),
                     .reason = reason ? reason : ""};
  }
  self->changed_.notify_all();
}

bool WebSocketClient::is_open() {
  const std::lock_guard lock{mutex_};
  return is_tried_ && !end_;
}

bool WebSocketClient::may_send() const {
  return connection_ &&
         soup_websocket_connection_get_state(connection_.get()) == SOUP_WEBSOCKET_STATE_OPEN;
}

void WebSocketClient::send(const std::string& text) {
  control_->run([&] {
    if (may_send())
      soup_websocket_connection_send_text(connection_.get(), text.c_str());
  });
}

void WebSocketClient::send_binary(const std::string& bytes) {
  control_->run([&] {
    if (may_send())
      soup_websocket_connection_send_binary(connection_.get(), bytes.data(), bytes.size());
  });
}

std::optional<std::string> WebSocketClient::next() {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, kPatience, [&] { return !frames_.empty() || end_; });
  if (frames_.empty())
    return std::nullopt;
  auto frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

WebSocketClient::End WebSocketClient::wait_for_end() {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, kPatience, [&] { return end_.has_value(); });
  return end_.value_or(End{});
}

void WebSocketClient::close() {
  control_->run([&] {
    if (may_send())
      soup_websocket_connection_close(connection_.get(), SOUP_WEBSOCKET_CLOSE_GOING_AWAY, nullptr);
  });
}

}  // namespace onair::test
