// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"

namespace live {

// Listens for HTTP on one address. Main thread.
class HttpServer {
 public:
  // `path` is decoded. What is not answered when it returns has been paused.
  using Handler = std::function<void(SoupServerMessage* message, const std::string& path)>;
  // Bytes of a request's body; more of it is read and dropped, and answered by 413.
  static constexpr gsize kMostBody = 256 << 10;

  explicit HttpServer(Handler handler) : handler_{std::move(handler)} {}
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen(const std::string& address, unsigned port);
  [[nodiscard]] unsigned port() const { return port_; }

 private:
  Handler handler_;
  onair::GstPtr<SoupServer> server_;
  unsigned port_ = 0;
};

}  // namespace live
