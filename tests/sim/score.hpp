// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "policy.hpp"
#include "weather.hpp"

// What a policy was worth on a trace.
namespace onair::sim {

// All packets from the first one on: what a start costs is part of the price.
struct Score {
  double late_packets = 0;  // share of the packets that arrived
  // Share of the packets whose due instant was over at any moment before they came: what a reader with
  // a clock would have missed. L may be raised before that moment, not after it.
  double missed_packets = 0;
  double late_units = 0;  // share of the units (packets of one media time) with a late packet
  double mean_delay = 0;  // seconds; see below
  double p95_delay = 0;
  double changes = 0;  // of L, by 1 ms or more, per minute
};

// Called with what was decided for each packet, before the policy saw it.
using Observer = std::function<void(const Arrival& arrival, Duration playout, bool is_late)>;

// Paced release. A packet is late if it arrives after its media time + playout() as it stood before
// that packet. Its delay counts from its true sending (for a retransmission: that of the original)
// plus the quickest path of the trace, until it is released at max(arrival, due). All packets count
// but those of the first unit, which sets the line that the others are measured by, and those that
// come while the policy still answers zero, knowing no line.
Score score_paced(const Trace& trace, Policy& policy, const Observer& observer = {});

// Eager release: a packet passes as soon as all before it have passed or were given up. A missing
// packet is given up at its media time (that of the packet after it, if it never comes) + playout(),
// where playout() is read with each arrival, or at once if that is over when the hole shows. Late
// means: came after later ones had gone out.
Score score_eager(const Trace& trace, Policy& policy);

}  // namespace onair::sim
