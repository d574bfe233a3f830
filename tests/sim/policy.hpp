// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.hpp"

// What a latency policy sees and what it answers, so that ours and its peers run side by side on the
// same weather.
namespace onair::sim {

// One packet that reached the receiver, in order of arrival.
struct Packet {
  RunningTime arrival;
  MediaTime media;             // RTP time on the sender's clock; equal for all packets of a frame
  std::int64_t sequence = 0;   // unrolled
  std::uint32_t size = 0;      // bytes
  bool marker = false;         // last packet of a frame (video); talk spurt start (audio)
  bool retransmitted = false;  // the answer to a request: its transit includes the round trip
};

class Policy {
 public:
  virtual ~Policy() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Called for each packet after it was judged by playout().
  virtual void on_packet(const Packet& packet) = 0;
  // A packet is due at media time + playout(): comparable with transit(arrival, media). It passes
  // at once when it arrives later than that.
  [[nodiscard]] virtual Duration playout() const = 0;
};

}  // namespace onair::sim
