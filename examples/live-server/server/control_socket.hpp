// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <gio/gio.h>

#include "glue/gstptr.hpp"

namespace live {

// Where workers connect to: a Unix socket in the server's folder, which one server at a time has. Main thread.
class ControlSocket {
 public:
  using OnConnection = std::function<void(onair::GstPtr<GSocket> socket)>;

  explicit ControlSocket(OnConnection on_connection) : on_connection_{std::move(on_connection)} {}
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen(const std::string& folder);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static gboolean on_incoming(GSocketService* service, GSocketConnection* connection,
                              GObject* source, gpointer self);

  OnConnection on_connection_;
  std::string path_;
  int lock_ = -1;
  onair::GstPtr<GSocketService> service_;
};

}  // namespace live
