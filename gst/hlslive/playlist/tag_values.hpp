// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.hpp"

// Values in the tags of a playlist, read strictly: all of a text, or nothing (section 4.2 of
// draft-pantos-hls-rfc8216bis).
namespace onair {

// A longer segment is none, and sums of durations stay in range.
inline constexpr std::uint64_t kLongestSegment = 86'400;  // seconds
// Leaves room to go on counting, and is exact in the floating point numbers of players (2^53).
inline constexpr std::uint64_t kGreatestSequence = 9'007'199'254'740'992;

// A decimal number without sign, up to `max`.
[[nodiscard]] std::optional<std::uint64_t> to_number(std::string_view text, std::uint64_t max);

// Seconds, up to `max`: "1", "1.008", with up to nine digits behind the point.
[[nodiscard]] std::optional<Duration> to_seconds(std::string_view text, std::uint64_t max);

struct Attribute {
  std::string_view name;
  std::string_view value;  // without its quotes
  bool is_quoted = false;
};

// No name twice.
[[nodiscard]] std::optional<std::vector<Attribute>> to_attributes(std::string_view list);
// Null: there is none, or not of that form.
[[nodiscard]] const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name,
                                    bool is_quoted);

}  // namespace onair
