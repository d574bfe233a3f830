// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <deque>
#include <optional>

#include "synchroniser.hpp"

namespace onair::sim::sync {

// Holds nothing: the time of a unit is known when it comes.
class Immediate : public Synchroniser {
 public:
  void on_unit(Medium medium, const Unit& unit, RunningTime now) override {
    place(medium, unit, now);
  }
  void on_time(RunningTime) override {}
  std::optional<Placed> take(Medium medium) override {
    auto& queue = placed_[medium == Medium::Audio ? 0 : 1];
    if (queue.empty())
      return std::nullopt;
    const auto placed = queue.front();
    queue.pop_front();
    return placed;
  }
  [[nodiscard]] std::optional<RunningTime> next_deadline() const override { return std::nullopt; }
  void end(Medium, RunningTime) override {}

 protected:
  virtual void place(Medium medium, const Unit& unit, RunningTime now) = 0;
  void put(Medium medium, const Placed& placed) {
    placed_[medium == Medium::Audio ? 0 : 1].push_back(placed);
  }

 private:
  std::array<std::deque<Placed>, 2> placed_;
};

}  // namespace onair::sim::sync
