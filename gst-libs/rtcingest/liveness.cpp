// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/liveness.hpp"

#include <utility>

namespace onair {

const char* to_string(EndReason reason) {
  switch (reason) {
    case EndReason::Deleted:
      return "deleted";
    case EndReason::SignallingLost:
      return "signalling-lost";
    case EndReason::IceFailed:
      return "ice-failed";
    case EndReason::DtlsFailed:
      return "dtls-failed";
    case EndReason::IdleTimeout:
      return "idle-timeout";
    case EndReason::Replaced:
      return "replaced";
    case EndReason::Application:
      return "application";
    case EndReason::Stopped:
      return "stopped";
    case EndReason::Error:
      return "error";
  }
  return "error";
}

std::optional<EndReason> Liveness::check(ClockTime now, std::optional<ClockTime> last_packet) {
  if (last_packet) {
    has_sent_ = true;
    last_sign_ = *last_packet;
  }
  if (has_sent_) {
    const bool is_gone =
        config_.idle_timeout > Duration::zero() && now - last_sign_ > config_.idle_timeout;
    return is_gone ? std::optional{EndReason::IdleTimeout} : std::nullopt;
  }
  if (now - last_sign_ <= config_.connect_timeout)
    return std::nullopt;
  // A path without a single packet on it: the handshake never ended.
  return is_ice_connected_ ? EndReason::DtlsFailed : EndReason::IceFailed;
}

std::optional<Liveness::Turn> Liveness::turn(ClockTime now, std::optional<ClockTime> last_packet) {
  if (!last_packet || config_.silence_time <= Duration::zero())
    return std::nullopt;
  const bool is_silent = now - *last_packet > config_.silence_time;
  if (std::exchange(is_silent_, is_silent) == is_silent)
    return std::nullopt;
  return is_silent ? Turn::FellSilent : Turn::IsBack;
}

}  // namespace onair
