// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "impairment.hpp"

namespace onair::weather {

// What is said to the relay, a line each:
//   up loss=0.02 delay=50ms jitter=30ms period=100ms    the weather of one direction from now on
//   both                                                what is not named is calm
//   counters                                            what happened since the last time, as JSON
struct ChangeWeather {
  bool up = false;
  bool down = false;
  Weather weather;
};
struct TellCounters {};
struct Mistake {
  std::string text;
};
using Command = std::variant<ChangeWeather, TellCounters, Mistake>;

Command parse_command(std::string_view line);

}  // namespace onair::weather
