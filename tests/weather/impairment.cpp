// SPDX-License-Identifier: LGPL-2.1-or-later
#include "impairment.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace onair::weather {
namespace {

// splitmix64: turns neighbouring seeds into numbers that have nothing to do with one another.
std::uint64_t scatter(std::uint64_t seed) {
  seed += 0x9e3779b97f4a7c15u;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
  return seed ^ (seed >> 31);
}

Duration scaled(Duration duration, double by) {
  return Duration{std::llround(static_cast<double>(duration.count()) * by)};
}

}  // namespace

Dice::Dice(std::uint64_t seed) : state_{scatter(seed) | 1} {}

std::uint64_t Dice::next() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545f4914f6cdd1du;
}

double Dice::roll() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

double Dice::normal() {
  const double radius = std::sqrt(2 * exponential());  // Box and Muller
  return radius * std::cos(2 * std::numbers::pi * roll());
}

double Dice::exponential() {
  return -std::log(1 - roll());
}

Impairment::Impairment(const Weather& weather, std::uint64_t seed)
    : weather_{weather},
      loss_dice_{scatter(seed)},
      burst_dice_{scatter(seed) + 1},
      stall_dice_{scatter(seed) + 2},
      delay_dice_{scatter(seed) + 3},
      copy_dice_{scatter(seed) + 4} {}

void Impairment::change(const Weather& weather) {
  weather_ = weather;
  is_in_burst_ = false;
  stall_.reset();
  knots_.reset();
}

Fate Impairment::on_packet(std::size_t bytes, ClockTime now) {
  ++counters_.packets;
  counters_.bytes += bytes;
  const auto drop = [&](DropReason why) {
    ++counters_.drops[static_cast<std::size_t>(why)];
    return Drop{why};
  };
  if (const auto why = lose())
    return drop(*why);

  auto leaves = now;
  if (weather_.rate != 0) {
    const auto begins = std::max(now, line_is_free_);
    if (begins - now > weather_.queue)
      return drop(DropReason::QueueFull);
    const auto bits = static_cast<double>(bytes) * 8;
    leaves = begins + scaled(std::chrono::seconds{1}, bits / static_cast<double>(weather_.rate));
    line_is_free_ = leaves;
  }
  leaves = wait_for_stall(leaves) + delay_at(now);
  if (!weather_.may_reorder)
    leaves = std::max(leaves, last_departure_);
  last_departure_ = std::max(leaves, last_departure_);

  const auto delay = leaves - now;
  const bool is_first = counters_.passed() == 1;
  counters_.least_delay = is_first ? delay : std::min(counters_.least_delay, delay);
  counters_.largest_delay = std::max(counters_.largest_delay, delay);
  counters_.total_delay += delay;
  const double seconds = static_cast<double>(delay.count()) * 1e-9;
  counters_.squares += seconds * seconds;

  Pass pass{.at = leaves, .copy_at = std::nullopt};
  if (copy_dice_.roll() < weather_.duplicate) {
    ++counters_.copies;
    pass.copy_at = leaves;
  }
  return pass;
}

Counters Impairment::take_counters() {
  return std::exchange(counters_, {});
}

std::optional<DropReason> Impairment::lose() {
  // All dice are rolled for every packet, whatever the outcome of the others.
  const bool is_lost = loss_dice_.roll() < weather_.loss;
  const double turn = burst_dice_.roll();
  is_in_burst_ = is_in_burst_ ? turn >= weather_.burst_leave : turn < weather_.burst_enter;
  const bool is_lost_in_burst = burst_dice_.roll() < weather_.burst_loss && is_in_burst_;
  if (is_lost_in_burst)
    return DropReason::Burst;
  if (is_lost)
    return DropReason::Loss;
  return std::nullopt;
}

ClockTime Impairment::wait_for_stall(ClockTime now) {
  if (weather_.every <= Duration::zero() || weather_.stall <= Duration::zero())
    return now;
  if (!stall_)
    stall_ = Stall{.from = now, .to = now};  // the first comes after a pause, too
  while (stall_->to <= now) {
    const auto from = stall_->to + scaled(weather_.every, stall_dice_.exponential());
    stall_ = Stall{.from = from, .to = from + weather_.stall};
  }
  return stall_->from <= now ? stall_->to : now;
}

Duration Impairment::draw_delay() {
  const double offset = weather_.spread == Weather::Spread::Normal ? delay_dice_.normal()
                                                                   : 2 * delay_dice_.roll() - 1;
  return std::max(weather_.delay + scaled(weather_.jitter, offset), Duration::zero());
}

Duration Impairment::delay_at(ClockTime now) {
  if (weather_.jitter <= Duration::zero())
    return weather_.delay;
  if (weather_.period <= Duration::zero())
    return draw_delay();
  if (!knots_)
    knots_ = Knots{.from = now, .delay_from = draw_delay(), .delay_to = draw_delay()};
  if (const auto passed = (now - knots_->from) / weather_.period; passed > 0) {
    const auto begin = passed == 1 ? knots_->delay_to : draw_delay();  // or nobody saw the knot
    knots_ = Knots{.from = knots_->from + passed * weather_.period,
                   .delay_from = begin,
                   .delay_to = draw_delay()};
  }
  const double way = static_cast<double>((now - knots_->from).count()) /
                     static_cast<double>(weather_.period.count());
  return knots_->delay_from + scaled(knots_->delay_to - knots_->delay_from, way);
}

}  // namespace onair::weather
