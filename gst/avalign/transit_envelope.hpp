// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.hpp"

namespace onair {

// The least transit time of one stream, over minutes: packets that met no queue show the path and
// the two clocks alone.
//
// The minima of each second are kept for five minutes. The rate (of transit against our clock, the
// sender's drift with its sign turned) is that of the line below all of them that comes closest to
// them: the edge of their lower convex hull under their middle. The floor is the lowest minimum,
// carried along that rate; a lower one counts at once. One that is older than the rate is good for
// rises slowly: a floor that seems to rise faster is a queue.
class TransitEnvelope {
 public:
  // In order of arrival, or nearly.
  void on_sample(RunningTime arrival, Duration transit);
  // The envelope as it is now with nothing older: after a change of path.
  void restart(RunningTime now);

  // A minimum counts as it is for `memory`, and is worth kCarriedError less with each time as long
  // behind that. Nothing before the first sample.
  [[nodiscard]] std::optional<Duration> floor(RunningTime at, Duration memory = kLeastMemory) const;
  // Transit seconds per second; 0 while nothing is known.
  [[nodiscard]] double rate() const { return rate_; }
  // Standard deviation of rate().
  [[nodiscard]] double rate_deviation() const { return rate_deviation_; }
  // From the first sample to the newest.
  [[nodiscard]] Duration span() const;

  static constexpr Duration kLeastMemory = std::chrono::seconds(40);
  static constexpr double kCarriedError = 2e-3;  // s

 private:
  struct Minimum {
    RunningTime at{};
    Duration transit{0};
  };
  static constexpr std::size_t kSeconds = 300;

  // 0 is the newest.
  [[nodiscard]] const Minimum& back(std::size_t age) const {
    return minima_[(next_ + kSeconds - 1 - age) % kSeconds];
  }
  void close_second();
  void find_rate();

  std::array<Minimum, kSeconds> minima_{};
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::optional<Minimum> second_;  // under way
  RunningTime second_start_{};
  RunningTime first_{};
  RunningTime newest_{};
  double rate_ = 0;
  double rate_deviation_ = 200e-6;
};

}  // namespace onair
