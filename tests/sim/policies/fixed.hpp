// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <deque>
#include <string>

#include "policy.hpp"

namespace onair::sim {

// A constant above the floor of transit: what an operator types into a settings page, given a
// receiver that follows the sender's clock.
//
// The floor is the least transit of the last `window`, so that it follows a drifting clock instead
// of pinning the stream to its luckiest packet. With a drift of d it lags by at most d * window
// when transit grows (200 ppm and 30 s: 6 ms of the latency are eaten) and by nothing when it
// shrinks. A queue that stands for longer than `window` is taken for the new floor, as is a route
// that became longer; a shorter one counts from its first packet.
class FixedPolicy : public Policy {
 public:
  struct Config {
    Duration latency{std::chrono::milliseconds{200}};  // stock rtpjitterbuffer's default
    Duration window{std::chrono::seconds{30}};
  };
  explicit FixedPolicy(Config config);
  [[nodiscard]] std::string_view name() const override { return name_; }
  void on_packet(const Packet& packet) override;
  // Zero until the first packet.
  [[nodiscard]] Duration playout() const override;

 private:
  struct Candidate {
    RunningTime arrival;
    Duration transit;
  };

  Config config_;
  std::string name_;
  // Packets that are, or will become, the least of the window: rising transit, rising arrival.
  std::deque<Candidate> floor_;
};

}  // namespace onair::sim
