// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/time.hpp"
#include "lag_estimator.hpp"

namespace onair {

enum class ArrivalKind {
  InTime,
  Late,     // what it would have shown or sounded has been filled already
  Rebased,  // late for so long that the path must have become longer: from now on it is waited for
  Leap,     // on another time line, which is shifted so that it joins
};

struct Arrival {
  ArrivalKind kind = ArrivalKind::InTime;
  RunningTime start;  // on the output's line
  Duration by{0};     // Leap: by which the input's line has been shifted; Late: how late
};

// When the input comes compared with what its timestamps say, and so: how long to wait for the next
// piece of it, and where a piece belongs that came too late or from nowhere.
class Arrivals {
 public:
  // Where the output stands.
  struct Place {
    RunningTime gone;  // what ends up to here is late
    RunningTime next;  // where something new may join
  };

  void set_max_wait(Duration max_wait) {
    max_wait_ = std::min<Duration>(max_wait, std::chrono::hours{24});  // so that no sum overflows
  }

  // A piece of input; `start` is its running time. Without `now` (no clock, or upstream is not live)
  // nothing is said about the path. Without a `place` nothing has gone out yet.
  [[nodiscard]] Arrival on_input(RunningTime start, Duration length, std::optional<RunningTime> now,
                                 std::optional<Place> place);

  // An input's running time on the output's line.
  [[nodiscard]] RunningTime to_output(RunningTime start) const { return start + shift_; }
  // Whether something can end there, as far as the clock knows.
  [[nodiscard]] bool is_plausible(RunningTime end, std::optional<RunningTime> now) const;
  // When the wait for what belongs behind `position` is over.
  [[nodiscard]] RunningTime deadline(RunningTime position) const {
    return position + lag() + max_wait_;
  }
  [[nodiscard]] std::optional<Duration> envelope() const { return lags_.envelope(); }

 private:
  struct LateRun {
    RunningTime since;
    RunningTime latest;
    Duration least_lag;
  };

  [[nodiscard]] Duration lag() const { return lags_.envelope().value_or(Duration{0}); }
  Arrival leap(RunningTime start, Duration length, std::optional<RunningTime> now,
               const Place& place);
  Arrival late(RunningTime start, Duration length, std::optional<RunningTime> now,
               const Place& place);

  Duration max_wait_ = std::chrono::seconds{1};
  LagEstimator lags_;
  Duration shift_{0};
  std::optional<RunningTime> newest_;  // end of the input, on the output's line
  std::optional<LateRun> late_run_;
};

}  // namespace onair
