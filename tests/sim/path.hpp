// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "random.hpp"

// The pieces that weather is made of. Times are seconds on the receiver's clock.
namespace onair::sim {

// One leg of the way. Packets come in order of sending.
class Stage {
 public:
  virtual ~Stage() = default;
  // When a packet that enters at `now` leaves; nothing if it is lost here.
  virtual std::optional<double> pass(double now, std::uint32_t size) = 0;
};
using Path = std::vector<std::unique_ptr<Stage>>;

// A constant delay that steps at given instants (routes, satellites). Can reorder at a step down.
class Steps : public Stage {
 public:
  struct Step {
    double from;
    double delay;
  };
  explicit Steps(std::vector<Step> steps) : steps_{std::move(steps)} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  std::vector<Step> steps_;
  std::size_t current_ = 0;
};

// Delay drawn for each packet, in order (a queue, a radio link in acknowledged mode).
class OrderedJitter : public Stage {
 public:
  explicit OrderedJitter(std::function<double(double now)> draw) : draw_{std::move(draw)} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  std::function<double(double)> draw_;
  double last_ = -1;
};

// Delay drawn for each packet, that may overtake one another (parallel paths).
class FreeJitter : public Stage {
 public:
  explicit FreeJitter(std::function<double()> draw) : draw_{std::move(draw)} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  std::function<double()> draw_;
};

// Nothing leaves while the link is stalled; what has gathered leaves at link rate afterwards.
// The two functions draw the time from the end of a stall to the next one, and its length.
class Stalls : public Stage {
 public:
  Stalls(std::function<double()> gap, std::function<double()> length, double bit_rate);
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  std::function<double()> gap_;
  std::function<double()> length_;
  double bit_rate_;
  double start_;
  double end_;
  double free_at_ = 0;
};

// A queue in front of a link whose rate changes with time: `rate` is asked for the bits per second
// of each 10 ms, one after the other. Drop-tail beyond `deepest` seconds of waiting.
class VariableLink : public Stage {
 public:
  VariableLink(std::function<double()> rate, double deepest);
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  static constexpr double kStep = 0.010;
  std::function<double()> rate_;
  double deepest_;
  double bit_rate_;
  double step_end_ = kStep;
  double free_at_ = 0;
};

// Somebody else's packets in our queue: `occupancy` is asked for the waiting time of each 10 ms.
class SharedQueue : public Stage {
 public:
  explicit SharedQueue(std::function<double()> occupancy) : occupancy_{std::move(occupancy)} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  static constexpr double kStep = 0.010;
  std::function<double()> occupancy_;
  double step_ = 0;
  double before_ = 0;
  double after_ = 0;
  double last_ = -1;
};

// Gilbert (1960), Elliott (1963): losses in the bad state only. `mean_burst` 1 is random loss.
class Loss : public Stage {
 public:
  Loss(double share, double mean_burst, Random random);
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  double enter_;
  double leave_;
  bool is_bad_ = false;
  Random random_;
};

// Radio that sends in slots (a TTI or a MAC frame): leave at the next slot.
class Slots : public Stage {
 public:
  Slots(double period, double phase) : period_{period}, phase_{phase} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  double period_;
  double phase_;
};

// One path, then another: the weather of a day. Each serves from its instant on, in order.
class Sequence : public Stage {
 public:
  struct Part {
    double from;
    Path path;
  };
  explicit Sequence(std::vector<Part> parts) : parts_{std::move(parts)} {}
  std::optional<double> pass(double now, std::uint32_t size) override;

 private:
  std::vector<Part> parts_;
  std::size_t current_ = 0;
  double last_ = -1;
};

std::optional<double> pass(Path& path, double now, std::uint32_t size);

}  // namespace onair::sim
