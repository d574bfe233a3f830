// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Who goes on when a codec fails: the next one in order of preference, and behind the last the
// first again. Who has failed twice does not get another chance, unless it had worked for long in
// between.
class Succession {
 public:
  static constexpr int kChances = 2;
  static constexpr Duration kWorked = std::chrono::minutes{1};

  explicit Succession(std::size_t candidates = 0) : failures_(candidates) {}

  // Whose turn it is; nothing when all have failed.
  [[nodiscard]] std::optional<std::size_t> current() const { return current_; }
  // The first one's turn begins, or that of whoever follows the one that has failed.
  std::optional<std::size_t> begin(ClockTime now);
  std::optional<std::size_t> on_failure(ClockTime now);
  // It can't even begin: no chances.
  std::optional<std::size_t> on_absence(ClockTime now);

 private:
  void pass_on();

  std::vector<int> failures_;
  std::optional<std::size_t> current_;
  ClockTime since_{};
};

}  // namespace onair
