// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>

#include "policies/immediate.hpp"

namespace onair::sim::sync {

// The idea of rtpbin (rtcp-sync=always): each stream begins with its first arrival, and with each
// report every stream is moved by how much its wall clock is ahead of the stream's that is least
// so. Differences above 3 s are not believed.
class ReportStep : public Immediate {
 public:
  [[nodiscard]] std::string_view name() const override { return "step at reports"; }

 protected:
  void place(Medium medium, const Unit& unit, RunningTime now) override;

 private:
  struct Line {
    Duration offset{0};
    std::uint32_t ssrc = 0;
    std::optional<Duration> wall;  // wall clock less media time, of the newest report
    Duration shift{0};
  };
  void move();

  std::array<std::optional<Line>, 2> lines_;
};

}  // namespace onair::sim::sync
