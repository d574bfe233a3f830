// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/time.hpp"
#include "jitter_buffer.hpp"
#include "sender_report.hpp"
#include "synchroniser.hpp"
#include "wire.hpp"

// From the wire to what an aligner gets: our jitter buffer with eager release, and what the newest
// sender report makes of each unit.
namespace onair::sim::sync {

struct Released {
  Medium medium = Medium::Audio;
  RunningTime now;
  RunningTime captured;  // the truth
  Unit unit;
};

class Receiver {
 public:
  Receiver(const Scenario& scenario, std::uint64_t seed);
  // In order of `now`.
  std::optional<Released> next();

 private:
  struct Stream {
    JitterBuffer buffer;
    std::unordered_map<JitterBuffer::Token, Arrived> packets;  // in the buffer
    std::optional<SenderReport> report;
    std::optional<Arrived> pending_report;
    std::uint64_t generation = 0;
    std::optional<Released> frame;  // that is not complete
  };

  void arrive(const Arrived& arrived);
  void insert(Stream& stream, const Arrived& arrived);
  void take_report(Stream& stream, const Arrived& arrived);
  void take(Medium medium, RunningTime now);
  void hand_out(Stream& stream, Released released, bool is_last);
  [[nodiscard]] std::optional<Medium> due_before(RunningTime time) const;

  Wire wire_;
  bool is_framed_;
  std::array<Stream, 2> streams_;
  std::deque<Released> released_;
  std::optional<Arrived> upcoming_;
  std::uint64_t id_ = 0;
  JitterBuffer::Token token_ = 0;
  RunningTime now_{};
};

}  // namespace onair::sim::sync
