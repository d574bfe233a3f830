// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <libsoup/soup.h>

#include "channel.hpp"
#include "http_server.hpp"
#include "pages.hpp"

namespace live {

// The pages over HTTP, and /status for them. Main thread.
class WebServer {
 public:
  struct Config {
    std::string pages;  // folder
    unsigned whip_port = 0;
    unsigned hls_port = 0;
    double target_duration = 0;
  };
  WebServer(Config config, std::function<Channel::Status()> status);

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen(const std::string& address, unsigned port) {
    return server_.listen(address, port);
  }
  [[nodiscard]] unsigned port() const { return server_.port(); }

 private:
  void on_request(SoupServerMessage* message, const std::string& path);
  void send_status(SoupServerMessage* message);
  [[nodiscard]] std::string playlist_url(SoupServerMessage* message) const;

  Config config_;
  std::function<Channel::Status()> status_;
  Pages pages_;
  HttpServer server_;
};

}  // namespace live
