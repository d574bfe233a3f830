// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.hpp"

namespace onair {

// BANDWIDTH and AVERAGE-BANDWIDTH of a stream (section 4.4.6.2 of draft-pantos-hls-rfc8216bis), in
// bit/s, rounded up: the peak is that of any run of segments that lasts 0.5 to 1.5 target
// durations. With sound in a playlist of its own, those of picture and sound are to be added.
class Bandwidth {
 public:
  struct Config {
    Duration target_duration = std::chrono::seconds(1);
    // What the author says; needed by who writes a master playlist before the first segment. No
    // measured peak is hidden by it.
    std::optional<std::uint64_t> declared_peak;
    // In place of what is measured.
    std::optional<std::uint64_t> declared_average;
  };

  explicit Bandwidth(Config config) : config_{config} {}

  void on_segment(std::uint64_t bytes, Duration duration);

  // Nothing while neither declared nor measured.
  [[nodiscard]] std::optional<std::uint64_t> peak() const;
  [[nodiscard]] std::optional<std::uint64_t> average() const;

 private:
  struct Size {
    std::uint64_t bytes = 0;
    Duration duration{};
  };

  Config config_;
  std::deque<Size> recent_;  // the longest run that ends with the newest segment
  Duration recent_length_{};
  Size all_;
  std::optional<std::uint64_t> measured_peak_;
};

}  // namespace onair
