// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/time.hpp"

namespace onair {

// Why a publisher's session is over.
enum class EndReason {
  Deleted,         // the publisher said goodbye
  SignallingLost,  // the connection that it was agreed on is gone, where that must stay
  IceFailed,       // no network path was found
  DtlsFailed,      // the handshake failed, or the certificate is not the offered one
  IdleTimeout,     // nothing came for too long
  Replaced,        // it was silent and somebody with the same right wants the place
  Application,     // the application ended it
  Stopped,         // the element stops
  Error            // something inside broke
};
const char* to_string(EndReason reason);

// Decides when a publisher is gone, and when it seems so. Each limit is exact: at the limit it is still there.
class Liveness {
 public:
  struct Config {
    Duration connect_timeout{std::chrono::seconds{15}};  // from the offer to the first packet
    Duration idle_timeout{std::chrono::seconds{10}};     // from the last packet; zero: for ever
    Duration silence_time{};                             // from the last packet; zero: never told
  };
  enum class Turn { FellSilent, IsBack };

  Liveness(Config config, ClockTime now) : config_{config}, last_sign_{now} {}

  void on_ice_connected() { is_ice_connected_ = true; }
  // `last_packet`: when the newest RTP or RTCP packet came, if any did.
  [[nodiscard]] std::optional<EndReason> check(ClockTime now, std::optional<ClockTime> last_packet);
  // What has changed since it was asked last.
  [[nodiscard]] std::optional<Turn> turn(ClockTime now, std::optional<ClockTime> last_packet);

 private:
  Config config_;
  ClockTime last_sign_;  // of life: the offer, then packets
  bool is_ice_connected_ = false;
  bool has_sent_ = false;
  bool is_silent_ = false;
};

}  // namespace onair
