// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// Tells a stall of the network from a break of the sender's media clock, for one stream.
//
// Both look alike at first: a unit whose transit is off by more than 350 ms. A stall drains: what
// follows comes faster than it was sent, and the other streams are late too. After a break the
// new transit stays.
class Continuity {
 public:
  enum class Verdict {
    Flows,       // nothing to suspect
    Late,        // a stall that the other streams share: goes on untouched
    Held,        // perhaps a break: keep this one, and those before it that were held
    Recovered,   // none: those that were held go on as they are; this one unless is_holding()
    Stray,       // those that were held belong nowhere; this one does unless is_holding()
    Leapt,       // RTP time has jumped, or it is another source: excess() is by how much
    StoodStill,  // RTP time stood still while nothing came: excess() is for how long
  };

  struct Unit {
    MediaTime media;
    RunningTime arrival;
    Duration excess;           // of its transit above the floor
    bool is_new_source;        // another SSRC
    bool is_shared;            // the other streams are late too, or silent as well
    bool is_starting = false;  // nothing has gone out yet, and all before may have been late
  };

  [[nodiscard]] Verdict on_unit(const Unit& unit);
  // For what happens when nothing more comes.
  [[nodiscard]] Verdict on_time(RunningTime now);
  [[nodiscard]] std::optional<RunningTime> deadline() const;
  // What is suspected is not judged any more.
  void reset() { state_ = State::Flowing; }

  [[nodiscard]] Duration excess() const { return excess_; }
  [[nodiscard]] bool is_holding() const {
    return state_ == State::Waiting || state_ == State::Leaping;
  }
  [[nodiscard]] bool is_late() const {
    return state_ == State::Tolerating || state_ == State::Waiting;
  }

  // Jitter stays below; mutes and restarts are above.
  static constexpr Duration kSuspicion = std::chrono::milliseconds(350);
  static constexpr Duration kPatience = std::chrono::seconds(1);

 private:
  enum class State { Flowing, Waiting, Tolerating, Leaping };

  [[nodiscard]] Verdict suspect_leap(const Unit& unit);
  [[nodiscard]] Verdict suspect_late(const Unit& unit);
  void begin(State state, const Unit& unit);

  State state_ = State::Flowing;
  std::optional<MediaTime> newest_;  // of what flowed
  // Since suspicion began.
  RunningTime since_{};
  RunningTime last_arrival_{};
  MediaTime last_media_{};
  std::uint32_t units_ = 0;
  Duration excess_{0};  // least
};

}  // namespace onair
