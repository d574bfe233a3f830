// SPDX-License-Identifier: LGPL-2.1-or-later
#include "latency_controller.hpp"

#include <algorithm>

namespace onair {

LatencyController::LatencyController(const Config& config) : config_{config} {
  set_config(config);
  latency_ = config.initial_latency;
}
void LatencyController::set_config(const Config& config) {
  config_ = config;
}
void LatencyController::on_packet(const Packet& packet) {
  if (!packet.retransmitted)
    drift_.on_sample(packet.arrival, transit(packet.arrival, packet.media));
  floor_ = drift_.floor(packet.arrival).value_or(Duration{0});
  ++stats_.packets;
}
void LatencyController::on_round_trip(Duration) {}
void LatencyController::reset() {
  *this = LatencyController{config_};
}
std::optional<LatencyController::Change> LatencyController::take_change() {
  return std::nullopt;
}

}  // namespace onair
