// SPDX-License-Identifier: LGPL-2.1-or-later
#include "late_price.hpp"

#include <algorithm>
#include <cmath>

namespace onair {

namespace {

// Where delays have an exponential tail, the best L for a price is late by the share tail / price: the
// price is tail / target. It starts at that of a rough network; a calm one finds a lower one.
constexpr double kScale = 70;  // ms
constexpr double kLeastScale = 1;
constexpr double kDearest = 1e7;
constexpr double kCheapest = 1e2;
// It finds the network's own price as a mean does: the n-th choice counts by 1 / n, and never by less
// than this.
constexpr double kLeastGain = 0.001;

// Of the debt: how long one late unit is paid for.
constexpr double kDebtInterval = 20e3;  // ms
// In units of what that time allows, which chance alone goes beyond by two or three: e to the 0.25 for one.
constexpr double kDebtGain = 0.25;
// What is saved in calm hours may not all be spent in one bad minute.
constexpr double kMostSavings = 20;
constexpr double kDebtMemory = 1800e3;  // ms
// Bad weather comes in fits: what was late in the last seconds says that more will be.
constexpr double kRecentGain = 0.4;
constexpr double kRecentMemory = 9000;  // ms
// The target is a share of packets. Often but the last packet of a frame is late, so that frames are
// late more often than packets are: twice as often at most.
constexpr double kUnitGrace = 2;

// The most that ten minutes may have, in targets; how the price rises as that comes near.
constexpr Duration kSlot = std::chrono::seconds(30);
constexpr double kWindow = 600e3;  // ms
constexpr double kMostLate = 1.15;
constexpr double kMarginPower = 0.5;
constexpr double kLeastMargin = 0.01;

}  // namespace

LatePrice::LatePrice(double target) : target_{target}, log_learned_{std::log(kScale / target)} {}

void LatePrice::set_target(double target) {
  log_learned_ += std::log(target_ / target);
  target_ = target;
}

void LatePrice::add_late_packet() {
  move_window();
  ++window_late_;
  ++slots_[static_cast<std::size_t>(slot_) % kSlots];
}

void LatePrice::on_unit(Duration interval, std::uint32_t packets, std::uint32_t late) {
  interval_ = in_ms(interval);
  packets_per_unit_ += 0.01 * (static_cast<double>(packets) - packets_per_unit_);
  if (late > 0)
    add_late_unit(late);
  unit_debt_ -= target_ * kUnitGrace;
  const auto forget = 1 - interval_ / kDebtMemory;
  unit_debt_ = std::max(unit_debt_ * forget, -kMostSavings);
  packet_debt_ = std::max(packet_debt_ * forget, -kMostSavings);
  recent_debt_ -= recent_debt_ * interval_ / kRecentMemory;
}

void LatePrice::add_late_unit(double late) {
  unit_debt_ += 1;
  late_sum_ += late;
  late_squares_ += late * late;
}

void LatePrice::move_window() {
  const auto slot = std::max<std::int64_t>(slot_, now_.time_since_epoch() / kSlot);
  for (auto steps = std::min<std::int64_t>(slot - slot_, kSlots); steps > 0; --steps) {
    auto& oldest = slots_[static_cast<std::size_t>(slot - steps + 1) % kSlots];
    window_late_ -= oldest;
    oldest = 0;
  }
  slot_ = slot;
}

void LatePrice::learn(double predicted) {
  move_window();
  const auto gain = std::max(1.0 / ++choices_, kLeastGain);
  log_learned_ += gain * std::clamp(predicted / target_ - 1, -1.0, 2.0);
  log_learned_ =
      std::clamp(log_learned_, std::log(kLeastScale / target_), std::log(kScale / target_));
}

double LatePrice::learned() const {
  return std::exp(log_learned_);
}

// The part that is left of what ten minutes may have, once the next late packet has come: with as many
// others as came with an average late packet before, for a frame that comes in one burst is late with
// all its packets.
double LatePrice::margin() const {
  const auto allowed = kMostLate * target_ * packets_per_unit_ * kWindow / interval_;
  const auto burst = late_sum_ > 0 ? late_squares_ / late_sum_ : 0;
  return std::max(1 - (window_late_ + burst) / allowed, kLeastMargin);
}

double LatePrice::current() const {
  // With fewer units a second, or fewer of them allowed, each is a larger share of what minutes allow.
  const auto weight = interval_ / (target_ * kDebtInterval);
  const auto debt = kDebtGain * std::max(unit_debt_, packet_debt_) + kRecentGain * recent_debt_;
  const auto log_price = log_learned_ + weight * debt - kMarginPower * std::log(margin());
  return std::clamp(std::exp(log_price), kCheapest, kDearest);
}

}  // namespace onair
