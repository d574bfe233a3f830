// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace onair::segments {

// The frame rate of a camera in changing light: of 60 frames a second every n-th is left, for a while
// with each n, over and over. Neither whiles nor distances are whole parts of a second.
constexpr std::array<std::uint64_t, 4> kEvery{1, 2, 5, 11};
constexpr std::uint64_t kWhile = 49;
// Names of the identity elements behind which frames are left out begin so.
constexpr const char* kThinner = "thinner";

constexpr bool is_left(std::uint64_t frame) {
  return frame % kEvery[frame / kWhile % kEvery.size()] == 0;
}

// The same as a filter of ffmpeg's, in a chain of filters.
inline std::string thinner_of_ffmpeg() {
  const auto place =
      "mod(floor(n/" + std::to_string(kWhile) + ")\\," + std::to_string(kEvery.size()) + ")";
  std::string sum;
  for (std::size_t i = 0; i < kEvery.size(); ++i)
    sum += (i > 0 ? "+" : "") + ("eq(" + place + "\\," + std::to_string(i)) + ")*not(mod(n\\," +
           std::to_string(kEvery[i]) + "))";
  return "select=" + sum;
}

}  // namespace onair::segments
