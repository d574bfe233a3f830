// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

// One picture of a trace: what the network did to each packet, and how long the policy waited.
namespace onair::sim {

struct Sample {
  double at = 0;       // seconds since the first arrival
  double delay = 0;    // ms above the quickest path of the trace
  double playout = 0;  // likewise
  bool is_late = false;
};

// An SVG document. Packets are thinned to the highest of each pixel column; late ones are all drawn.
std::string plot(std::string_view title, const std::vector<Sample>& samples);

}  // namespace onair::sim
