// SPDX-License-Identifier: LGPL-2.1-or-later
#include "command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

namespace onair::weather {
namespace {

struct Quantity {
  double value;
  std::string_view unit;
};

std::optional<Quantity> to_quantity(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return Quantity{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

template <std::size_t N>
std::optional<double> in_units(std::string_view text,
                               const std::array<std::pair<std::string_view, double>, N>& units,
                               double largest) {
  const auto quantity = to_quantity(text);
  if (!quantity)
    return std::nullopt;
  for (const auto& [name, factor] : units) {
    if (quantity->unit == name && quantity->value * factor <= largest)
      return quantity->value * factor;
  }
  return std::nullopt;
}

bool read(std::string_view text, double& share) {
  constexpr std::array<std::pair<std::string_view, double>, 2> kUnits{{{"", 1}, {"%", 0.01}}};
  const auto value = in_units(text, kUnits, 1);
  share = value.value_or(share);
  return value.has_value();
}

bool read(std::string_view text, Duration& duration) {
  constexpr std::array<std::pair<std::string_view, double>, 3> kUnits{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}};
  constexpr double kHour = 3600e9;
  const auto value = in_units(text, kUnits, kHour);
  if (value)
    duration = Duration{std::llround(*value)};
  return value.has_value();
}

bool read(std::string_view text, std::uint64_t& bits_per_second) {
  constexpr std::array<std::pair<std::string_view, double>, 3> kUnits{
      {{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}}};
  constexpr double kTerabit = 1e12;
  const auto value = in_units(text, kUnits, kTerabit);
  if (value)
    bits_per_second = static_cast<std::uint64_t>(std::llround(*value));
  return value.has_value();
}

bool read(std::string_view text, bool& is_on) {
  is_on = text == "yes";
  return is_on || text == "no";
}

bool read(std::string_view text, Weather::Spread& spread) {
  spread = text == "normal" ? Weather::Spread::Normal : Weather::Spread::Uniform;
  return text == "normal" || text == "uniform";
}

// False: there is no such name, or the value is not of its kind.
bool assign(std::string_view name, std::string_view value, Weather& weather) {
  const std::array<std::pair<std::string_view, double*>, 5> shares{
      {{"loss", &weather.loss},
       {"burst-enter", &weather.burst_enter},
       {"burst-leave", &weather.burst_leave},
       {"burst-loss", &weather.burst_loss},
       {"duplicate", &weather.duplicate}}};
  const std::array<std::pair<std::string_view, Duration*>, 6> durations{
      {{"queue", &weather.queue},
       {"stall", &weather.stall},
       {"every", &weather.every},
       {"delay", &weather.delay},
       {"jitter", &weather.jitter},
       {"period", &weather.period}}};
  for (const auto& [known, field] : shares) {
    if (name == known)
      return read(value, *field);
  }
  for (const auto& [known, field] : durations) {
    if (name == known)
      return read(value, *field);
  }
  if (name == "rate")
    return read(value, weather.rate);
  if (name == "spread")
    return read(value, weather.spread);
  if (name == "reorder")
    return read(value, weather.may_reorder);
  return false;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0)
      words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

}  // namespace

Command parse_command(std::string_view line) {
  const auto words = words_of(line);
  const auto first = words.empty() ? std::string_view{} : words.front();
  if (first == "counters" && words.size() == 1)
    return TellCounters{};
  ChangeWeather change{.up = first == "up" || first == "both",
                       .down = first == "down" || first == "both",
                       .weather = {}};
  if (!change.up && !change.down)
    return Mistake{"a line begins with up, down, both, or is the word counters"};
  for (const auto word : std::vector(words.begin() + 1, words.end())) {
    const auto equals = std::min(word.find('='), word.size());
    const auto value = word.substr(std::min(equals + 1, word.size()));
    if (!assign(word.substr(0, equals), value, change.weather))
      return Mistake{"'" + std::string{word} + "' is not something that a weather has"};
  }
  return change;
}

}  // namespace onair::weather
