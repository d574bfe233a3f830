// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/event_streams.hpp"

#include <algorithm>
#include <utility>

#include "http/acceptor.hpp"
#include "http_reply.hpp"

namespace live {
namespace {

std::string text_of(const char* event, const Json& data) {
  return std::string{"event: "} + event +
         "\ndata: " + data.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
}

}  // namespace

// Their server may be gone.
EventStreams::~EventStreams() {
  for (auto& stream : streams_)
    leave(stream);
}

bool EventStreams::add(SoupServerMessage* message, const std::string& channel) {
  if (streams_.size() >= kMost)
    return false;
  soup_server_message_set_status(message, 200, nullptr);
  set_header(message, "Content-Type", "text/event-stream");
  set_header(message, "Cache-Control", "no-store");
  set_header(message, "X-Accel-Buffering", "no");  // nginx hands each event on at once
  soup_message_headers_set_encoding(soup_server_message_get_response_headers(message),
                                    SOUP_ENCODING_CHUNKED);
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  auto& stream = streams_.emplace_back(
      Stream{.message = onair::GstPtr<SoupServerMessage>::share(message), .channel = channel});
  const auto on_finished = +[](SoupServerMessage* finished, gpointer self) {
    static_cast<EventStreams*>(self)->streams_.remove_if(
        [finished](const Stream& one) { return one.message.get() == finished; });
  };
  stream.on_finished = g_signal_connect(message, "finished", G_CALLBACK(on_finished), this);
  const auto on_written = +[](SoupServerMessage*, guint size, gpointer data) {
    auto& unread = static_cast<Stream*>(data)->unread;
    unread -= std::min<std::size_t>(unread, size);
  };
  stream.on_written = g_signal_connect(message, "wrote-body-data", G_CALLBACK(on_written), &stream);
  if (!heartbeat_.is_running())
    heartbeat_.start(kHeartbeatMs, [this] { beat(); });
  return true;
}

void EventStreams::greet(const char* event, const Json& data) {
  write(streams_.back(), text_of(event, data));
}

void EventStreams::send(const std::string& channel, const char* event, const Json& data) {
  const auto text = text_of(event, data);
  for (auto& stream : streams_)
    if (stream.channel.empty() || stream.channel == channel)
      write(stream, text);
}

void EventStreams::end(const std::string& channel) {
  streams_.remove_if([&channel](Stream& stream) {
    if (stream.channel != channel)
      return false;
    finish(stream);
    return true;
  });
}

void EventStreams::write(Stream& stream, const std::string& text) {
  if (stream.unread > kMostUnread) {  // "finished" follows
    onair::Acceptor::cut_off(stream.message.get());
    return;
  }
  stream.unread += text.size();
  soup_message_body_append(soup_server_message_get_response_body(stream.message.get()),
                           SOUP_MEMORY_COPY, text.data(), text.size());
  soup_server_message_unpause(stream.message.get());
}

void EventStreams::leave(Stream& stream) {
  for (auto* id : {&stream.on_finished, &stream.on_written})
    g_signal_handler_disconnect(stream.message.get(), std::exchange(*id, 0));
}

void EventStreams::finish(Stream& stream) {
  leave(stream);
  soup_message_body_complete(soup_server_message_get_response_body(stream.message.get()));
  soup_server_message_unpause(stream.message.get());
}

// A comment. It is by writing that one notices who has gone.
void EventStreams::beat() {
  for (auto& stream : streams_)
    write(stream, ": still here\n\n");
  if (!streams_.empty())
    heartbeat_.start(kHeartbeatMs, [this] { beat(); });
}

}  // namespace live
