// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "channel.hpp"
#include "control/json_lines.hpp"
#include "timer.hpp"

namespace live {

// A channel that is run for a server in another process. Messages, each with a "type":
//   to the server   hello {channel, job: whether there is one}, ready {whip_port}, failed {message},
//                   status {…, as of to_json(Channel::Status)}, admitted {number, port: 0 while the place is taken}
//   from it         job {settings: {NAME: TEXT, …}, ingests: [NAME, …]}, once, with keys {uri, secret} where
//                   segments are to be encrypted, rtp where an SFU sends that, and resume {audio, video} where a
//                   broadcast of such streams was broken off; admit {number, ingest: NAME}: somebody is about to
//                   publish; stop
// A server that dies may be followed by another one, which hears hello, ready and status again. The main thread's.
class Worker {
 public:
  // How long it goes on without a server before it ends its broadcast and itself.
  static constexpr unsigned kOrphanMs = 30'000;

  // `sockets`: see Channel.
  Worker(std::string channel, std::string control, RtpSockets sockets,
         std::function<void()> on_end);

  // Ends the broadcast cleanly, then calls on_end.
  void stop(const char* why);
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  void connect();
  void on_message(const Json& message);
  void on_lost(const std::string& why);
  void begin(const Json& job);
  void admit(const Json& question);
  void fail(const std::string& why);
  void send_ready();
  void send_status();

  const std::string name_;
  const std::string control_;
  RtpSockets sockets_;
  const std::function<void()> on_end_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<JsonLines> server_;
  Timer reconnect_;
  Timer orphan_;
  Timer figures_;
  std::optional<Channel::State> said_;  // the state that the server knows
  bool is_stopping_ = false;
  bool has_failed_ = false;
};

}  // namespace live
