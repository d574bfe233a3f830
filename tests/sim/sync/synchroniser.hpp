// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "source.hpp"

// What puts the two streams onto one time line: ours and its neighbours behind one interface.
namespace onair::sim::sync {

struct Unit {
  std::uint64_t id = 0;
  MediaTime media;  // unrolled RTP time; equal for the packets of one frame
  RunningTime arrival;
  std::optional<NtpTime> ntp;  // the sender's wall clock at `media`, by its newest report
  std::uint32_t ssrc = 0;
};

struct Placed {
  std::uint64_t id = 0;
  RunningTime time;
  bool is_break = false;
  bool is_dropped = false;  // `time` says nothing
};

class Synchroniser {
 public:
  virtual ~Synchroniser() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void on_unit(Medium medium, const Unit& unit, RunningTime now) = 0;
  virtual void on_time(RunningTime now) = 0;
  virtual std::optional<Placed> take(Medium medium) = 0;
  [[nodiscard]] virtual std::optional<RunningTime> next_deadline() const = 0;
  virtual void end(Medium medium, RunningTime now) = 0;
};

}  // namespace onair::sim::sync
