// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"

// Values as playlists spell them (section 4.2 of draft-pantos-hls-rfc8216bis), whatever the locale.
namespace onair {

using UtcTime = std::chrono::sys_time<Duration>;

// Every nanosecond, so that printed durations add up to what the media adds up to: "1.008",
// "0.199998733".
std::string decimal_seconds(Duration duration);

// ISO 8601, to the nearest millisecond: "2026-03-01T11:59:59.992Z".
std::string iso_8601(UtcTime time);

// With three decimals, as FRAME-RATE wants it: "29.970".
std::string frame_rate(std::uint32_t numerator, std::uint32_t denominator);

// Characters that end a line or a quoted string, or that no URI has, percent-encoded. A `#` in
// front would make a comment of the line.
std::string uri_reference(std::string_view uri);

}  // namespace onair
