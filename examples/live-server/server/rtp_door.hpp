// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gio/gio.h>

#include "api/rtp_request.hpp"
#include "glue/gstptr.hpp"
#include "learned_stream.hpp"
#include "server/worker_process.hpp"

namespace live {

// The UDP ports of a channel that an SFU feeds. They are the channel's for as long as it lives: a process that reads
// them gets the sockets, and while there is none the first packet that could be the beginning of a stream calls for one,
// which finds it there. Main thread.
class RtpDoor {
 public:
  struct Config {
    RtpRequest request;
    std::string address;    // of ours
    unsigned min_port = 0;  // of those that are not given, both 0: any
    unsigned max_port = 0;
  };
  struct Failure {
    std::string field;  // of the request
    std::string why;    // a sentence
  };

  explicit RtpDoor(Config config);
  ~RtpDoor() { close(); }
  RtpDoor(const RtpDoor&) = delete;
  RtpDoor& operator=(const RtpDoor&) = delete;

  // Takes the ports that it does not have yet; what was taken before by another server is named.
  std::optional<Failure> open(const RtpPorts& former = {});
  [[nodiscard]] RtpPorts ports() const { return ports_; }
  [[nodiscard]] bool is_open() const;
  // For a process. Nothing is left out when it is open.
  [[nodiscard]] std::vector<WorkerProcess::Socket> sockets() const;

  // Throws away what nobody has read.
  void empty();
  // Calls once, and watches no more.
  void watch(std::function<void()> on_knock);
  void rest();
  void close();

 private:
  struct Door {
    const char* name;   // of the socket, as the worker knows it
    std::string field;  // of the request
    unsigned RtpPorts::*number;
    unsigned wanted;  // 0: any
    std::optional<onair::rtplisten::LearnedStream::Config>
        guest;  // who is let in; none: nobody, as of RTCP
    onair::GstPtr<GSocket> socket;
    guint watch = 0;  // 0: nobody looks at what comes
  };

  [[nodiscard]] std::string open(Door& door, unsigned number);
  static gboolean on_readable(GSocket* socket, GIOCondition condition, gpointer self);
  void on_readable(const Door& door);
  [[nodiscard]] bool is_guest(const Door& door, GSocketAddress* from,
                              std::span<const std::uint8_t> packet) const;

  const Config config_;
  RtpPorts ports_;
  std::vector<Door> doors_;
  std::function<void()> on_knock_;
};

}  // namespace live
