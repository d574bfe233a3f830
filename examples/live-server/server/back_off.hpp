// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>

namespace live {

// Of what others don't take: it is tried again after kFirst, each time after twice as long, and given up after a day.
struct BackOff {
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLongest{300};
  static constexpr std::chrono::hours kLifetime{24};  // from the first attempt on

  // Behind so many failures, one at least.
  [[nodiscard]] static constexpr std::chrono::seconds after(unsigned failures) {
    constexpr unsigned kMostDoublings = 9;  // 2^9 s is more than the longest wait
    return std::min<std::chrono::seconds>(kFirst * (1 << std::min(failures - 1, kMostDoublings)),
                                          kLongest);
  }
};

}  // namespace live
