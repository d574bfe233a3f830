// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "record.hpp"
#include "scenario.hpp"

// What a run was worth. Times are milliseconds unless said otherwise.
namespace onair::sim::sync {

// The skew of one frame: how much later it is shown than the sound of the same instant is heard,
// less what the scenario's reference allows.
struct Skew {
  double captured;  // seconds
  double left;      // seconds
  double raw;
  double error;
};

struct Score {
  std::size_t frames = 0;        // that have a skew: not while there never was sound
  std::optional<double> lock_s;  // from the first frame with a skew until 10 ms are kept for 10 s
  double told_s = 0;             // until reports of both have come; 0 if there are none
  double p50 = 0;                // of |error| after the lock
  double p95 = 0;
  double p99 = 0;
  double worst = 0;
  double end_p99 = 0;             // of |error| in the last twenty seconds
  double median_raw = 0;          // signed, against the truth
  double drift_per_minute = 0;    // of the error, by the median of slopes (Theil-Sen)
  std::optional<double> start_s;  // from the first arrival to the first output
  std::size_t audio_steps = 0;    // by more than half a sample, outside of true breaks
  double worst_audio_step = 0;
  std::size_t not_rising = 0;  // frames at or before their predecessor, packets off their frame
  std::optional<double> recovery_s;
  double hold_p50 = 0;  // video
  double hold_p99 = 0;
  double hold_worst = 0;    // either
  std::size_t steps = 0;    // of the video's offset: more than 5 ms between two frames
  std::size_t slews = 0;    // times that it began to move at more than 2 ms a second
  std::size_t missing = 0;  // neither came out nor was dropped
  std::size_t dropped = 0;
  std::size_t idle_deadlines = 0;
};

// `sender`: the one of the run.
std::vector<Skew> find_skews(const Scenario& scenario, const Sender& sender, const Record& record);
Score score(const Scenario& scenario, const Sender& sender, const Record& record);

}  // namespace onair::sim::sync
