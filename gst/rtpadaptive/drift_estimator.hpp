// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// How fast the sender's media clock runs against ours, from the lower envelope of the transit times.
//
// A packet that met no queue has the least transit, so the minima of a few seconds follow the path
// and the clocks alone; queues, stalls and bursts only ever add. Their slope is the drift. A route
// change is a step, and a step moves only the pairs of minima that straddle it: the median of the
// slopes of pairs (Theil-Sen) does not see it while those pairs are the minority.
//
// Sign: positive where transit grows, that is where the sender's clock runs slow against ours.
class DriftEstimator {
 public:
  struct Estimate {
    double slope = 0;          // transit seconds per second of our clock; 1e-6 is 1 ppm
    double deviation = 50e-6;  // standard deviation of `slope`, from the scatter of the pairs
    [[nodiscard]] double ppm() const { return slope * 1e6; }
    // 0: nothing known, the answer is the prior (no drift). 1: the samples decide alone.
    double confidence = 0;
  };

  // The transit of a packet (never of a retransmission, whose transit holds a round trip). Samples
  // in order of arrival; one from the past is taken as being of the newest instant.
  void on_sample(RunningTime arrival, Duration transit);

  [[nodiscard]] const Estimate& estimate() const { return estimate_; }
  // The transit of an unqueued packet at `now`: the lowest drift-corrected transit of the last
  // seconds, carried along the slope. Nothing before the first sample.
  [[nodiscard]] std::optional<Duration> floor(RunningTime now) const;

  void reset();

 private:
  // The lowest transit of a stretch of time, and when it was seen.
  struct Minimum {
    RunningTime at{};
    Duration transit{0};
  };
  // The newest `Size` minima, oldest overwritten.
  template <std::size_t Size>
  struct Ring {
    std::array<Minimum, Size> items{};
    std::size_t next = 0;
    std::size_t size = 0;

    void push(const Minimum& item) {
      items[next] = item;
      next = (next + 1) % Size;
      size = size < Size ? size + 1 : Size;
    }
    // 0 is the newest.
    [[nodiscard]] const Minimum& back(std::size_t age) const {
      return items[(next + 2 * Size - 1 - age) % Size];
    }
  };
  struct Block {
    RunningTime start{};
    Minimum lowest{};
  };

  static constexpr std::size_t kSeconds = 20;     // floor: minima of one second each
  static constexpr std::size_t kLongBlocks = 24;  // slope: 24 minima of 5 s

  void close_second(RunningTime now);
  struct Median {
    double slope;
    double variance;
  };
  template <std::size_t Size>
  static std::optional<Median> median_slope(const Ring<Size>& minima, Duration least_lag,
                                            Duration most_lag);
  void adopt(const std::optional<Median>& median);
  void find_floor();

  Estimate estimate_{};
  std::optional<Block> second_{};
  std::optional<Block> long_block_{};
  Ring<kSeconds> seconds_{};
  Ring<kLongBlocks> long_blocks_{};
  RunningTime newest_{};
  // The floor as of `floor_.at`; the running second may undercut it.
  std::optional<Minimum> floor_{};
};

}  // namespace onair
