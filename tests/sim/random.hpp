// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace onair::sim {

// SplitMix64 (Steele, Lea, Flood 2014), and the distributions made by hand: those of the standard
// library differ from one library to the next, and a trace must be the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} { next(); }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    auto z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // Another generator, independent of what is drawn from this one afterwards.
  Random fork() { return Random{next()}; }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() {
    const auto radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  // `median` times the e to the power of a normal with deviation `sigma`.
  double log_normal(double median, double sigma) { return median * std::exp(sigma * normal()); }
  // Heavy tail from `least` on: P(x > y) = (least / y) ^ shape.
  double pareto(double least, double shape) {
    return least * std::pow(1.0 - uniform(), -1.0 / shape);
  }

 private:
  std::uint64_t state_;
};

}  // namespace onair::sim
