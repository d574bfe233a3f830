// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/time.hpp"

// What a network does to the packets of one direction, as a model with a seed: a packet comes in,
// and the time at which it leaves, or the reason why it never does, comes out. No clock, no
// packets.
//
//   loss, at random or in bursts → line of a given rate, with a queue → stalls → delay with jitter
namespace onair::weather {

// What is not set is calm.
struct Weather {
  double loss = 0;  // share of the packets that are lost, each by itself

  // Gilbert and Elliott: a good and a bad state, changed by chance at each packet. A burst is
  // 1/burst_leave packets long on average, and 1/burst_enter packets of good state lie between two.
  double burst_enter = 0;
  double burst_leave = 1;
  double burst_loss = 1;  // share of the packets that are lost in the bad state

  std::uint64_t rate = 0;  // bit/s of the line; 0: as fast as you like
  Duration queue =
      std::chrono::milliseconds{200};  // what does not get onto the line in time is lost

  Duration stall{0};  // for so long nothing leaves; then what has waited leaves at once
  Duration every{0};  // average time between two stalls, exponentially distributed; 0: never

  enum class Spread { Uniform, Normal };
  Duration delay{0};
  Duration jitter{
      0};  // delay ± jitter: the bounds when uniform, the standard deviation when normal
  Spread spread = Spread::Uniform;
  // 0: each packet draws a delay of its own. Else a delay is drawn once per period, and in between
  // it changes evenly, as queues do. Where order is kept this is what leaves the whole range
  // visible: of the draws of packets close together, only the largest shows.
  Duration period{0};
  bool may_reorder = false;  // else no packet overtakes another

  double duplicate = 0;  // share of the packets that arrive twice
};

enum class DropReason { Loss, Burst, QueueFull };

struct Pass {
  ClockTime at;
  std::optional<ClockTime> copy_at;  // where it is duplicated
};
struct Drop {
  DropReason why;
};
using Fate = std::variant<Pass, Drop>;

struct Counters {
  std::uint64_t packets = 0;  // that came in
  std::uint64_t bytes = 0;
  std::array<std::uint64_t, 3> drops{};  // by DropReason
  std::uint64_t copies = 0;
  // Of those that pass.
  Duration least_delay{0};
  Duration largest_delay{0};
  Duration total_delay{0};
  double squares = 0;  // sum of the squared delays, in seconds², for the deviation

  [[nodiscard]] std::uint64_t dropped() const { return drops[0] + drops[1] + drops[2]; }
  [[nodiscard]] std::uint64_t passed() const { return packets - dropped(); }
};

// xorshift64*: the same numbers with every compiler and library, which <random>'s distributions
// don't promise.
class Dice {
 public:
  explicit Dice(std::uint64_t seed);
  double roll();         // uniform, 0 ≤ x < 1
  double normal();       // mean 0, deviation 1
  double exponential();  // mean 1

 private:
  std::uint64_t next();
  std::uint64_t state_;
};

// One direction. `now` must not go backwards.
class Impairment {
 public:
  Impairment(const Weather& weather, std::uint64_t seed);

  // From now on; packets that are under way are not called back.
  void change(const Weather& weather);
  [[nodiscard]] Fate on_packet(std::size_t bytes, ClockTime now);
  // Since the last time.
  Counters take_counters();

 private:
  [[nodiscard]] std::optional<DropReason> lose();
  [[nodiscard]] ClockTime wait_for_stall(ClockTime now);
  [[nodiscard]] Duration draw_delay();
  [[nodiscard]] Duration delay_at(ClockTime now);

  Weather weather_;
  // One for each question, so that an answer does not depend on which others are asked: the same
  // packets are lost whether they are delayed or not.
  Dice loss_dice_;
  Dice burst_dice_;
  Dice stall_dice_;
  Dice delay_dice_;
  Dice copy_dice_;

  bool is_in_burst_ = false;
  ClockTime line_is_free_{Duration::min()};
  struct Stall {
    ClockTime from;
    ClockTime to;
  };
  std::optional<Stall> stall_;
  // The delay moves from one knot to the next.
  struct Knots {
    ClockTime from;
    Duration delay_from;
    Duration delay_to;
  };
  std::optional<Knots> knots_;
  ClockTime last_departure_{Duration::min()};
  Counters counters_;
};

}  // namespace onair::weather
