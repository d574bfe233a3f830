// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "http/acceptor.hpp"
#include "timer.hpp"

namespace live {

// Listens for HTTP on one address. Main thread.
class HttpServer {
 public:
  // `path` is decoded. What is not answered when it returns has been paused.
  using Handler = std::function<void(SoupServerMessage* message, const std::string& path)>;
  using OnWebSocket =
      std::function<void(SoupServerMessage* message, SoupWebsocketConnection* connection)>;
  // Bytes of a request's body; more of it is read and dropped, and answered by 413.
  static constexpr gsize kMostBody = 256 << 10;

  // Who is slower is left, so that nobody holds connections for nothing.
  struct Patience {
    guint head_ms = 60'000;  // until the headers of a request are there
    guint body_ms = 30'000;  // from there to the end of the body
    guint idle_ms = 60'000;  // on a connection where neither side sends anything
  };
  // Connections at a time; more wait.
  static constexpr guint kMostConnections = 10'000;

  explicit HttpServer(Handler handler, Patience patience)
      : handler_{std::move(handler)}, patience_{patience} {}
  explicit HttpServer(Handler handler) : HttpServer{std::move(handler), Patience{}} {}
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Takes WebSockets at this path too; before listen().
  void take_web_sockets(std::string path, OnWebSocket handler) {
    web_socket_path_ = std::move(path);
    on_web_socket_ = std::move(handler);
  }
  // Is told of each request that has been answered, or broken off while it was.
  using Observer = std::function<void(SoupServerMessage* message)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

  // TLS, from then on; for connections to come if it listens already.
  void use(onair::GstPtr<GTlsCertificate> certificate);
  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen(const std::string& address, unsigned port);
  [[nodiscard]] unsigned port() const { return acceptor_->port(); }

 private:
  void add_handlers(const char* root);
  static void on_started(SoupServer* server, SoupServerMessage* message, gpointer self);
  void sweep();

  Handler handler_;
  std::string web_socket_path_;
  OnWebSocket on_web_socket_;
  Patience patience_;
  Observer observer_;
  onair::GstPtr<SoupServer> server_;
  std::unique_ptr<onair::Acceptor> acceptor_;
  onair::GstPtr<GTlsCertificate> certificate_;
  Timer sweep_;
};

}  // namespace live
