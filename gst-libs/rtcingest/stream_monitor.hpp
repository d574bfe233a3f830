// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "base/ticks.hpp"
#include "base/time.hpp"
#include "base/unroller.hpp"

namespace onair {

// What one received stream amounts to, counted as RFC 3550 appendix A.3 counts: after the jitter
// buffer, so a packet that retransmission brought back is not lost.
class StreamMonitor {
 public:
  struct Stats {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of payload
    std::int64_t lost = 0;    // expected less received; never below zero
    Duration media_time{};    // from the first to the newest RTP timestamp
  };

  explicit StreamMonitor(std::uint32_t clock_rate) : clock_rate_{clock_rate} {}

  void on_packet(std::uint16_t sequence, std::uint32_t timestamp, std::size_t payload_bytes);
  [[nodiscard]] Stats stats() const;

 private:
  std::uint32_t clock_rate_;
  Unroller<16> sequence_;
  Unroller<32> timestamp_;
  std::int64_t first_sequence_ = 0;
  std::int64_t last_sequence_ = 0;
  std::int64_t first_timestamp_ = 0;
  std::int64_t last_timestamp_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace onair
