// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/fixed.hpp"

namespace onair::sim {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

FixedPolicy::FixedPolicy(Config config)
    : config_(config),
      name_("fixed " + std::to_string(duration_cast<milliseconds>(config.latency).count())) {}

void FixedPolicy::on_packet(const Packet& packet) {
  const auto passed = transit(packet.arrival, packet.media);
  while (!floor_.empty() && passed <= floor_.back().transit)
    floor_.pop_back();
  floor_.push_back({packet.arrival, passed});
  while (floor_.front().arrival + config_.window < packet.arrival)
    floor_.pop_front();
}

Duration FixedPolicy::playout() const {
  return floor_.empty() ? Duration::zero() : floor_.front().transit + config_.latency;
}

}  // namespace onair::sim
