// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "record.hpp"
#include "scenario.hpp"

// The installed rtpbin on the same scenarios: real packets and sender reports, its jitter buffer and
// its idea of lip sync, on a clock that follows the arrivals.
namespace onair::sim::sync {

enum class StockMode {
  Always,   // rtcp-sync=always, as webrtcbin has it
  Initial,  // rtcp-sync=initial: the first reports only
  Rtp,      // rtcp-sync=rtp: by RTSP's RTP-Info, which nobody has here
  Off,      // max-ts-offset=1 ns: every move is refused
};

std::string_view name_of(StockMode mode);
Record run_stock(const Scenario& scenario, std::uint64_t seed, StockMode mode);

}  // namespace onair::sim::sync
