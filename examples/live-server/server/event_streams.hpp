// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <list>
#include <string>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "json_fields.hpp"
#include "timer.hpp"

namespace live {

// Who listens to what changes, by server-sent events (HTML, section 9.2). Main thread.
class EventStreams {
 public:
  // More listeners than this are refused.
  static constexpr std::size_t kMost = 1000;
  // Who reads so much slower than it is sent is closed, and may come again.
  static constexpr std::size_t kMostUnread = 1 << 20;
  // Proxies close what is silent for long.
  static constexpr unsigned kHeartbeatMs = 15'000;

  EventStreams() = default;
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // To one who asks for events of `channel`, or of all where it is empty. False if there are too many.
  [[nodiscard]] bool add(SoupServerMessage* message, const std::string& channel);
  // To the listener that was added last.
  void greet(const char* event, const Json& data);
  void send(const std::string& channel, const char* event, const Json& data);
  [[nodiscard]] std::size_t listeners() const { return streams_.size(); }
  // Its listeners are told no more.
  void end(const std::string& channel);

 private:
  struct Stream {
    onair::GstPtr<SoupServerMessage> message;
    std::string channel;
    gulong on_finished = 0;
    gulong on_written = 0;
    std::size_t unread = 0;
  };
  static void write(Stream& stream, const std::string& text);
  static void leave(Stream& stream);
  static void finish(Stream& stream);
  void beat();

  std::list<Stream> streams_;
  Timer heartbeat_;
};

}  // namespace live
