// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "base/time.hpp"
#include "path.hpp"
#include "sender.hpp"

// What arrives, in order of arrival: packets and sender reports of both streams, over one path or two.
namespace onair::sim::sync {

struct Arrived {
  Medium medium = Medium::Audio;
  RunningTime arrival;
  RunningTime captured;  // the truth, on our clock
  std::uint32_t ssrc = 0;
  std::uint32_t rtp_time = 0;
  std::uint32_t size = 0;
  std::uint16_t sequence = 0;
  bool marker = false;
  bool is_repair = false;
  std::optional<NtpTime> report;
};

class Wire {
 public:
  Wire(const Scenario& scenario, std::uint64_t seed);
  std::optional<Arrived> next();

 private:
  struct Flight {
    double arrival;
    std::uint64_t order;
    Sent sent;
    bool is_repair;
    bool operator>(const Flight& other) const {
      return arrival != other.arrival ? arrival > other.arrival : order > other.order;
    }
  };

  void send(const Sent& sent);
  void land(const Sent& sent, double arrival, bool is_repair);
  void add_relay_reports(const Flight& flight);
  [[nodiscard]] std::optional<double> repaired(double noticed);
  [[nodiscard]] double route_at(double sent) const;

  const Scenario scenario_;
  const Sender sender_;
  Random random_;
  Random repairs_;
  Random reports_;
  std::vector<Path> paths_;  // one, or one for each medium
  std::array<std::optional<StreamSender>, 2> streams_;
  std::array<std::optional<Sent>, 2> upcoming_;
  std::array<std::vector<Sent>, 2> missing_;
  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights_;
  std::uint64_t order_ = 0;
  std::array<double, 2> relay_at_{};
};

}  // namespace onair::sim::sync
