// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gio/gio.h>
#include <sys/types.h>

#include "glue/gstptr.hpp"
#include "json_fields.hpp"

namespace live {

// Messages to and from another process over a Unix socket, each one line of JSON. Lives on the main thread, and never
// blocks it.
class JsonLines {
 public:
  using OnMessage = std::function<void(const Json&)>;
  // Why it is closed, a sentence for the log. Called once; nothing is called after it.
  using OnClose = std::function<void(const std::string& why)>;

  // Longer lines, and more than this that the other does not read, close it.
  static constexpr std::size_t kMostBytes = 1 << 20;

  // Either may delete this. A message whose fields are not what on_message takes them for (Json::exception) closes it.
  JsonLines(onair::GstPtr<GSocket> socket, OnMessage on_message, OnClose on_close);
  ~JsonLines();
  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;

  void send(const Json& message);
  // The process at the other end; 0 if the kernel does not say.
  [[nodiscard]] pid_t peer() const;

 private:
  static gboolean on_readable(GSocket* socket, GIOCondition condition, gpointer self);
  static gboolean on_writable(GSocket* socket, GIOCondition condition, gpointer self);
  void watch(GIOCondition condition, GSocketSourceFunc call, guint& id);
  // Both return whether this is still open.
  [[nodiscard]] bool read();
  [[nodiscard]] bool write();
  void close(const std::string& why);

  onair::GstPtr<GSocket> socket_;
  OnMessage on_message_;
  OnClose on_close_;
  std::string received_;  // of a line that has no end yet
  std::string waiting_;   // to be sent
  bool is_full_ = false;
  guint readable_ = 0;
  guint writable_ = 0;
  std::shared_ptr<bool> is_open_ = std::make_shared<bool>(true);  // outlives this
};

}  // namespace live
