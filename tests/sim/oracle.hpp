// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "weather.hpp"

namespace onair::sim {

// The clairvoyant: knows the whole trace, holds the playout constant within each second of it, and
// spends a budget of late packets where that saves most delay.
struct Oracle {
  double mean_delay = 0;  // seconds, as in Score
  double p95_delay = 0;
  double late_packets = 0;
  std::vector<Duration> playouts;  // one a second, counted from the first arrival
};
Oracle consult_oracle(const Trace& trace, double late_target);

}  // namespace onair::sim
