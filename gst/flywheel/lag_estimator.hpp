// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <optional>

#include "base/time.hpp"

namespace onair {

// How long after its running time a stream comes when nothing holds it up: the least lag of the last
// while. A sender's time line drifts against our clock by up to some hundred ppm, for days: a lag
// that falls is followed at once, one that rises within the window (30 s at 500 ppm: 15 ms).
class LagEstimator {
 public:
  explicit LagEstimator(Duration window = std::chrono::seconds{30});

  // A piece of the stream came at `now`, `lag` after its running time. `now` does not go back.
  void add(RunningTime now, Duration lag);
  // The path has changed: what was before is of no use.
  void rebase(RunningTime now, Duration lag);
  void reset() { minima_.clear(); }

  // Of the last window before the latest piece: it stays as it was while nothing comes.
  [[nodiscard]] std::optional<Duration> envelope() const;

 private:
  struct Minimum {
    RunningTime at;
    Duration lag;
  };
  Duration window_;
  // Rising in both: the first is the least, the next one the least after it. One a second at most.
  std::deque<Minimum> minima_;
};

}  // namespace onair
