// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control/json_lines.hpp"

#include <array>
#include <utility>

#include <gst/gst.h>

namespace live {

using onair::ErrorPtr;
using onair::GstPtr;

JsonLines::JsonLines(GstPtr<GSocket> socket, OnMessage on_message, OnClose on_close)
    : socket_{std::move(socket)},
      on_message_{std::move(on_message)},
      on_close_{std::move(on_close)} {
  g_socket_set_blocking(socket_.get(), FALSE);
  watch(G_IO_IN, &JsonLines::on_readable, readable_);
}

JsonLines::~JsonLines() {
  *is_open_ = false;
  for (const auto id : {readable_, writable_})
    if (id)
      g_source_remove(id);
  g_socket_close(socket_.get(), nullptr);
}

void JsonLines::watch(GIOCondition condition, GSocketSourceFunc call, guint& id) {
  GSource* source = g_socket_create_source(socket_.get(), condition, nullptr);
  g_source_set_callback(source, G_SOURCE_FUNC(call), this, nullptr);
  id = g_source_attach(source, nullptr);
  g_source_unref(source);
}

pid_t JsonLines::peer() const {
  const auto credentials =
      GstPtr<GCredentials>::adopt(g_socket_get_credentials(socket_.get(), nullptr));
  const auto pid = credentials ? g_credentials_get_unix_pid(credentials.get(), nullptr) : -1;
  return pid > 0 ? pid : 0;
}

void JsonLines::close(const std::string& why) {
  const auto call = std::exchange(on_close_, nullptr);
  *is_open_ = false;
  if (call)
    call(why);
}

gboolean JsonLines::on_readable(GSocket*, GIOCondition, gpointer data) {
  auto* self = static_cast<JsonLines*>(data);
  return self->read() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

bool JsonLines::read() {
  std::array<char, 16'384> bytes;
  GError* raw = nullptr;
  const auto count = g_socket_receive(socket_.get(), bytes.data(), bytes.size(), nullptr, &raw);
  const ErrorPtr error{raw};
  if (count < 0 && g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return true;
  const auto end = [this](const std::string& why) {
    readable_ = 0;  // the source goes as its call returns
    close(why);
    return false;
  };
  if (count <= 0)
    return end(is_full_ ? "the other side does not read"
               : error  ? error->message
                        : "the other side closed it");
  received_.append(bytes.data(), static_cast<std::size_t>(count));
  const auto is_open = is_open_;
  const auto on_message = on_message_;  // which may delete this
  std::size_t begin = 0;
  for (auto at = received_.find('\n'); at != std::string::npos; at = received_.find('\n', begin)) {
    auto message = Json::parse(received_.begin() + static_cast<std::ptrdiff_t>(begin),
                               received_.begin() + static_cast<std::ptrdiff_t>(at), nullptr, false);
    begin = at + 1;
    if (!message.is_object())
      return end("the other side sent what is no object of JSON");
    try {
      on_message(message);
    } catch (const Json::exception& mistake) {  // a field of another type than it has
      if (*is_open)
        return end(std::string{"the other side sent what is not understood: "} + mistake.what());
    }
    if (!*is_open)
      return false;
  }
  received_.erase(0, begin);
  return received_.size() < kMostBytes || end("the other side sent a line without an end");
}

// Whoever sends does not expect to be deleted by that: on_close_ is left to reading.
void JsonLines::send(const Json& message) {
  if (!*is_open_ || is_full_)
    return;
  waiting_ += message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  is_full_ = waiting_.size() >= kMostBytes;
  if (is_full_)
    g_socket_shutdown(socket_.get(), TRUE, TRUE, nullptr);
  else if (!writable_)
    watch(G_IO_OUT, &JsonLines::on_writable, writable_);
}

gboolean JsonLines::on_writable(GSocket*, GIOCondition, gpointer data) {
  auto* self = static_cast<JsonLines*>(data);
  return self->write() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

// That the other side is gone is seen by reading.
bool JsonLines::write() {
  const auto count =
      g_socket_send(socket_.get(), waiting_.data(), waiting_.size(), nullptr, nullptr);
  if (count > 0)
    waiting_.erase(0, static_cast<std::size_t>(count));
  if (!waiting_.empty() && !is_full_)
    return true;
  writable_ = 0;
  return false;
}

}  // namespace live
