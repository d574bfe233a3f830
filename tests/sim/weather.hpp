// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy.hpp"
#include "source.hpp"

// Network weather with a seed: what a receiver sees of ten minutes on a given kind of network.
namespace onair::sim {

struct Arrival {
  Packet packet;
  RunningTime sent;  // the original's, also for a retransmission; on the receiver's clock
};

struct Trace {
  std::string name;
  Medium medium = Medium::Audio;
  std::vector<Arrival> arrivals;  // in order of arrival
  std::size_t lost = 0;           // never came, not even as a retransmission
  Duration least_path{0};         // the quickest way of an original through the whole trace
};

struct Kind {
  std::string_view name;
  Medium medium;
};

// What the controller may be tuned on, and what it has never seen while tuning: other networks, or
// the same with other parameters.
std::span<const Kind> known_kinds();
std::span<const Kind> held_out_kinds();

// The same trace for the same arguments, everywhere.
Trace make_trace(const Kind& kind, std::uint64_t seed, Duration length = std::chrono::minutes{10});

}  // namespace onair::sim
