// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "latency_controller.hpp"
#include "policy.hpp"

namespace onair::sim {

// Ours: the controller of rtpadaptivejitterbuffer.
class AdaptivePolicy : public Policy {
 public:
  explicit AdaptivePolicy(const LatencyController::Config& config) : controller_{config} {}
  [[nodiscard]] std::string_view name() const override { return "adaptive"; }
  void on_packet(const Packet& packet) override {
    controller_.on_packet(
        {packet.arrival, packet.media, packet.sequence, packet.marker, packet.retransmitted});
  }
  [[nodiscard]] Duration playout() const override { return controller_.playout(); }
  [[nodiscard]] const LatencyController& controller() const { return controller_; }

 private:
  LatencyController controller_;
};

}  // namespace onair::sim
