// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "base/time.hpp"

// Exact arithmetic between media ticks (RTP units, samples, 90 kHz) and nanoseconds. 1024/48000 s
// is no whole number of nanoseconds, so sums are kept in ticks and converted last, with the
// rounding named. 128-bit products: no overflow for any 64-bit input whose result fits 64 bits.
namespace onair {

enum class Rounding { Down, Nearest, Up };

namespace detail {

constexpr std::int64_t scale(std::int64_t value, std::int64_t num, std::int64_t den,
                             Rounding rounding) {
  const __int128 product = static_cast<__int128>(value) * num;
  __int128 quotient = product / den;
  __int128 remainder = product % den;
  if (remainder < 0) {  // make the division floor, so that rounding is the same below zero
    remainder += den;
    --quotient;
  }
  const bool up = rounding == Rounding::Up ? remainder > 0
                                           : rounding == Rounding::Nearest && remainder * 2 >= den;
  return static_cast<std::int64_t>(quotient + (up ? 1 : 0));
}

}  // namespace detail

// `ticks` at `rate` ticks per second (rate > 0) as a Duration. Halves round up (towards +infinity).
constexpr Duration to_duration(std::int64_t ticks, std::uint32_t rate,
                               Rounding rounding = Rounding::Nearest) {
  // Whole seconds and the rest apart: 64 bits are enough, and a quarter of the instructions.
  std::int64_t seconds = ticks / rate;
  std::int64_t rest = ticks % rate;
  if (rest < 0) {
    rest += rate;
    --seconds;
  }
  const std::int64_t product = rest * 1'000'000'000;
  const std::int64_t remainder = product % rate;
  const bool up = rounding == Rounding::Up ? remainder > 0
                                           : rounding == Rounding::Nearest && remainder * 2 >= rate;
  return Duration{seconds * 1'000'000'000 + product / rate + (up ? 1 : 0)};
}

// `duration` in ticks of `rate` per second (rate > 0). Halves round up (towards +infinity).
constexpr std::int64_t to_ticks(Duration duration, std::uint32_t rate,
                                Rounding rounding = Rounding::Nearest) {
  return detail::scale(duration.count(), rate, 1'000'000'000, rounding);
}

}  // namespace onair
