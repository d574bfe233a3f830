// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "signalling.hpp"

namespace onair::sora {

// One end of a WebSocket, which carries text frames. On the thread of its connection, callbacks too.
class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  struct Callbacks {
    std::function<void(std::string_view frame)> on_text;
    std::function<void()> on_closed;  // by whomever, once
  };

  // A message longer than `largest_message` bytes arrives too, so that the client can hear why it is refused; frames
  // beyond four times that break the connection off without a word.
  static std::shared_ptr<WebSocket> create(SoupWebsocketConnection* connection,
                                           guint largest_message, Callbacks callbacks);
  // The same with callbacks that get the owner of the socket, while there is one.
  template <typename Owner, typename OnText, typename OnClosed>
  static std::shared_ptr<WebSocket> create_for(const std::shared_ptr<Owner>& owner,
                                               SoupWebsocketConnection* connection,
                                               guint largest_message, OnText on_text,
                                               OnClosed on_closed) {
    const std::weak_ptr<Owner> weak = owner;
    return create(connection, largest_message,
                  {.on_text =
                       [weak, on_text](std::string_view frame) {
                         if (const auto strong = weak.lock())
                           on_text(strong, frame);
                       },
                   .on_closed =
                       [weak, on_closed] {
                         if (const auto strong = weak.lock())
                           on_closed(strong);
                       }});
  }
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  void send(const std::string& frame);
  // Says why; on_closed comes when the other side has heard it, or does not answer.
  void close(const Close& close);
  // How the other side has closed it; nothing where it broke off without a word.
  [[nodiscard]] std::optional<Close> received() const;
  // Whether it may still be written to.
  [[nodiscard]] bool is_open() const;
  // Whether more has come since the last message than the longest may take: libsoup before 3.8 would keep the
  // fragments of one that never ends. To be asked now and then.
  [[nodiscard]] bool is_flooded() const;
  // Closes it, and reads no more.
  void cut_off(const Close& close);

 private:
  WebSocket(SoupWebsocketConnection* connection, guint largest_frame, Callbacks callbacks);
  static void on_message(SoupWebsocketConnection* connection, gint type, GBytes* bytes,
                         gpointer data);
  static void on_closed(SoupWebsocketConnection* connection, gpointer data);

  [[nodiscard]] guint64 bytes_received() const;

  const GstPtr<SoupWebsocketConnection> connection_;
  const GstPtr<GSocket> socket_;
  const guint largest_frame_;
  guint64 received_before_ = 0;  // by the last message
  const Callbacks callbacks_;
};

// What the client that asks for a WebSocket calls itself, as valid UTF-8.
[[nodiscard]] std::string user_agent_of(SoupServerMessage* message);

}  // namespace onair::sora
