// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>

#include "policies/immediate.hpp"

namespace onair::sim::sync {

// RTP time from the arrival of each stream's first packet on, as MediaMTX and many others do it. A
// leap of RTP time against the arrivals by more than 5 s, or another SSRC, begins anew.
class FirstArrival : public Immediate {
 public:
  [[nodiscard]] std::string_view name() const override { return "first arrival"; }

 protected:
  void place(Medium medium, const Unit& unit, RunningTime now) override;

 private:
  struct Line {
    Duration offset;
    std::uint32_t ssrc;
  };
  std::array<std::optional<Line>, 2> lines_;
};

}  // namespace onair::sim::sync
