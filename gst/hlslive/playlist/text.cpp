// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/text.hpp"

#include <algorithm>
#include <cstddef>

#include "base/ticks.hpp"

namespace onair {
namespace {

// `number`, with zeros in front up to `digits`.
std::string padded(std::int64_t number, std::size_t digits) {
  auto text = std::to_string(number);
  text.insert(0, digits - std::min(digits, text.size()), '0');
  return text;
}

}  // namespace

std::string decimal_seconds(Duration duration) {
  constexpr std::size_t kFewest = 3;
  const auto count = duration.count();
  const auto whole = count / std::nano::den;
  const auto rest = count % std::nano::den;
  auto fraction = padded(rest < 0 ? -rest : rest, 9);
  while (fraction.size() > kFewest && fraction.back() == '0')
    fraction.pop_back();
  return (count < 0 ? "-" : "") + std::to_string(whole < 0 ? -whole : whole) + '.' + fraction;
}

std::string iso_8601(UtcTime time) {
  using namespace std::chrono;
  const auto rounded = round<milliseconds>(time);
  const auto midnight = floor<days>(rounded);
  const year_month_day date{midnight};
  const hh_mm_ss clock{rounded - midnight};
  return padded(static_cast<int>(date.year()), 4) + '-' +
         padded(static_cast<unsigned>(date.month()), 2) + '-' +
         padded(static_cast<unsigned>(date.day()), 2) + 'T' + padded(clock.hours().count(), 2) +
         ':' + padded(clock.minutes().count(), 2) + ':' + padded(clock.seconds().count(), 2) + '.' +
         padded(clock.subseconds().count(), 3) + 'Z';
}

std::string frame_rate(std::uint32_t numerator, std::uint32_t denominator) {
  const auto thousandths = detail::scale(numerator, 1000, denominator, Rounding::Nearest);
  return std::to_string(thousandths / 1000) + '.' + padded(thousandths % 1000, 3);
}

std::string uri_reference(std::string_view uri) {
  constexpr std::string_view kHex{"0123456789ABCDEF"};
  constexpr std::string_view kExcluded{"\"<>\\^`{|}"};
  std::string text;
  text.reserve(uri.size());
  for (const char c : uri) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_comment = c == '#' && text.empty();
    if (byte > ' ' && byte < 0x7F && kExcluded.find(c) == kExcluded.npos && !is_comment) {
      text += c;
    } else {
      text += '%';
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  return text;
}

}  // namespace onair
