// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair {

// The listening socket of a SoupServer and the connections that came from it. libsoup's own listener
// forgets to listen once accept() has failed, as it does when no file descriptor is left; it ends no
// connection that is silent; and before 3.4 it keeps those open that a client closed between two
// requests, and 344 bytes of each that it has ever had. So connections are accepted, counted and ended here. The thread
// of the server, but for what says otherwise.
class Acceptor {
 public:
  struct Config {
    std::string address;
    guint port = 0;             // 0: any free one
    guint max_connections = 0;  // a quarter of the process's file descriptors is left in any case
    Duration idle_timeout{};
  };

  Acceptor(SoupServer* server, Config config);
  ~Acceptor();  // as stop()
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // TLS, for connections to come.
  void use(GstPtr<GTlsCertificate> certificate) { certificate_ = std::move(certificate); }
  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  // Accepts no more. Connections are libsoup's to close.
  void stop();
  [[nodiscard]] guint port() const { return port_; }
  // Connections at a time, as far as the process may have them.
  [[nodiscard]] std::size_t most() const { return most_; }
  // Listens again, if it had to stop for lack of room.
  void resume();
  // Ends connections whose client has closed its side, and those on which neither side has sent
  // anything for the idle timeout: clients that ask for nothing, or do not read what they asked for.
  void end_idle();
  // Ends the connection of a message at once, whatever is still to be written.
  static void cut_off(SoupServerMessage* message);

  [[nodiscard]] std::size_t connections() const { return open_; }  // any thread

 private:
  enum class Outcome { Accepted, Nobody, NoRoom };
  Outcome accept();
  void watch();
  void forget_closed();

  struct Connection {
    GstPtr<GSocketConnection> stream;
    bool is_ended = false;
  };

  SoupServer* const server_;
  const Config config_;
  std::size_t most_ = 0;
  GstPtr<GTlsCertificate> certificate_;
  GstPtr<GSocket> socket_;
  guint port_ = 0;
  GSource* watch_ = nullptr;  // null while there is no room, and when stopped
  std::vector<Connection> connections_;
  std::atomic<std::size_t> open_ = 0;
};

}  // namespace onair
