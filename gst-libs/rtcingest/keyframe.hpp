// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"

namespace onair {

// Whether an H.264 RTP payload (RFC 6184: single NAL unit, STAP-A or FU-A) carries an IDR slice or
// begins one. Nothing is read beyond `payload`, whatever its length fields claim.
bool carries_idr(std::span<const std::uint8_t> payload);

// When to ask a publisher for a key frame: with its first packet (unless that announces one by a
// parameter set), then, with an `interval`, that often on a grid of its own; each request again every
// kRetry until a key frame has come. A browser answers within a round trip and sends none of its own
// accord for minutes.
class KeyframeRequester {
 public:
  // Two of the longest ordinary round trips (satellite, 600 ms, would make each request double).
  static constexpr Duration kRetry = std::chrono::milliseconds{500};

  // An interval of zero: only the first.
  explicit KeyframeRequester(Duration interval = Duration::zero()) : interval_{interval} {}

  // True when a request should leave now.
  [[nodiscard]] bool on_packet(ClockTime now, std::span<const std::uint8_t> payload);
  [[nodiscard]] bool has_keyframe() const { return has_keyframe_; }

 private:
  Duration interval_;
  bool has_keyframe_ = false;  // any, since the start
  bool is_waiting_ = true;     // for the one that was asked for last
  std::optional<ClockTime> last_request_;
  std::optional<ClockTime> next_turn_;  // of the grid; set by the first packet
};

}  // namespace onair
