// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <libsoup/soup.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"

namespace onair::test {

// A WebSocket to the element under test. From the test's thread.
class WebSocketClient {
 public:
  struct End {
    unsigned code = 0;  // 0: it is not closed
    std::string reason;
    bool operator==(const End&) const = default;
  };

  explicit WebSocketClient(const std::string& url);
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  [[nodiscard]] bool is_open();
  void send(const std::string& text);
  void send_binary(const std::string& bytes);
  // The next text frame; nothing when the WebSocket closes before, or none comes.
  std::optional<std::string> next();
  // How the other side has closed it, when it does.
  End wait_for_end();
  void close();

 private:
  static void on_connected(GObject* session, GAsyncResult* result, gpointer data);
  static void on_message(SoupWebsocketConnection* connection, gint type, GBytes* bytes,
                         gpointer data);
  static void on_closed(SoupWebsocketConnection* connection, gpointer data);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_tried_ = false;
  std::deque<std::string> frames_;
  std::optional<End> end_;

  // Control thread only.
  [[nodiscard]] bool may_send() const;
  GstPtr<SoupSession> session_;
  GstPtr<SoupWebsocketConnection> connection_;
  std::unique_ptr<ControlThread> control_ = std::make_unique<ControlThread>("ws-client");
};

}  // namespace onair::test
