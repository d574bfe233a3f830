// SPDX-License-Identifier: LGPL-2.1-or-later
#include "score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace onair::sim::sync {

namespace {

constexpr double kLocked = 10;        // ms; ITU-R BT.1359: nobody sees 45 ms early, 125 ms late
constexpr double kLockKept = 10;      // s
constexpr double kEnd = 20;           // s
constexpr double kRecoveryKept = 2;   // s
constexpr double kNoReportsYet = 10;  // s after a break, until reports have come again
constexpr double kBeforeSound = 1;    // s
constexpr double kHalfSample = 1e3 / 48000 / 2;

double seconds(RunningTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double quantile(std::vector<double>& values, double share) {
  if (values.empty())
    return 0;
  const auto nth =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

// From capture to arrival where no queue was met: least in ten seconds, in all but the busiest of
// times. Two paths are busy at times of their own, for how long nobody knows: least of all.
double least_way(const Scenario& scenario, const std::vector<Output>& outputs, double from,
                 double to) {
  constexpr double kStretch = 10;
  std::vector<double> least;
  auto stretch_end = -1.0;
  for (const auto& output : outputs) {
    const auto at = seconds(output.captured);
    if (at < from || at >= to)
      continue;
    const auto way = in_ms(output.arrival - output.captured);
    if (at >= stretch_end) {
      stretch_end = at + kStretch;
      least.push_back(way);
    }
    least.back() = std::min(least.back(), way);
  }
  return least.empty() ? std::numeric_limits<double>::quiet_NaN()
                       : quantile(least, scenario.is_separate ? 0 : 0.2);
}

// How much later video comes than sound, as far as arrivals can tell: one constant between two
// switches.
class Visible {
 public:
  Visible(const Scenario& scenario, const Record& record) {
    ends_.push_back(0);
    for (const auto& change : scenario.switches)
      ends_.push_back(change.at);
    ends_.push_back(std::numeric_limits<double>::infinity());
    const auto audio = least_way(scenario, record.outputs[0], 0, ends_.back());
    for (std::size_t i = 0; i + 1 < ends_.size(); ++i)
      lags_.push_back(least_way(scenario, record.outputs[1], ends_[i], ends_[i + 1]) - audio);
  }

  // Behind a switch, it may be believed or not: the nearer one.
  [[nodiscard]] double error(double raw, double captured) const {
    auto best = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < lags_.size() && captured >= ends_[i]; ++i)
      if (std::abs(raw - lags_[i]) < std::abs(best))
        best = raw - lags_[i];
    return best;
  }

 private:
  std::vector<double> ends_;
  std::vector<double> lags_;
};

double nearer(double one, double other) {
  return std::abs(one) < std::abs(other) ? one : other;
}

bool is_true_audio_break(const Scenario& scenario, RunningTime before, RunningTime after) {
  const auto between = [&](double at) { return seconds(before) < at && at <= seconds(after); };
  for (const auto& restart : scenario.restarts)
    if (restart.medium == Medium::Audio && between(restart.at))
      return true;
  return std::any_of(scenario.silences.begin(), scenario.silences.end(), [&](const Silence& s) {
    return s.medium == Medium::Audio && s.clock_stands && between(s.to);
  });
}

void score_audio(const Scenario& scenario, const std::vector<Output>& outputs, Score& result) {
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    const auto& before = outputs[i - 1];
    const auto& output = outputs[i];
    const auto step = std::abs(in_ms((output.time - before.time) - (output.media - before.media)));
    if (step <= kHalfSample || is_true_audio_break(scenario, before.captured, output.captured))
      continue;
    ++result.audio_steps;
    result.worst_audio_step = std::max(result.worst_audio_step, step);
  }
}

void score_video(const std::vector<Output>& outputs, Score& result) {
  auto is_slewing = false;
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    const auto& before = outputs[i - 1];
    const auto& output = outputs[i];
    const auto is_same = output.captured == before.captured;
    if (is_same ? output.time != before.time : output.time <= before.time)
      ++result.not_rising;
    if (is_same)
      continue;
    const auto step = in_ms((output.time - before.time) - (output.media - before.media));
    const auto passed = in_ms(output.time - before.time) / 1e3;
    result.steps += std::abs(step) > 5 ? 1 : 0;
    const auto slews = std::abs(step) > 2 * std::max(passed, 0.001);
    result.slews += slews && !is_slewing ? 1 : 0;
    is_slewing = slews;
  }
}

void score_start(const Record& record, Score& result) {
  auto arrival = RunningTime::max();
  auto left = RunningTime::max();
  for (const auto& outputs : record.outputs) {
    if (outputs.empty())
      continue;
    arrival = std::min(arrival, outputs.front().arrival);
    left = std::min(left, outputs.front().left);
  }
  if (left != RunningTime::max())
    result.start_s = in_ms(left - arrival) / 1e3;
}

void score_holds(const Record& record, Score& result) {
  std::vector<double> holds;
  for (const auto medium : kMedia) {
    for (const auto& output : record.outputs[index(medium)]) {
      const auto hold = in_ms(output.left - output.released);
      result.hold_worst = std::max(result.hold_worst, hold);
      if (medium == Medium::Video)
        holds.push_back(hold);
    }
  }
  result.hold_p50 = quantile(holds, 0.5);
  result.hold_p99 = quantile(holds, 0.99);
}

// The first of `skews` from `first` on behind which `limit` is kept for `kept` seconds.
std::optional<std::size_t> settled(const std::vector<Skew>& skews, std::size_t first, double kept) {
  std::optional<std::size_t> start;
  for (auto i = first; i < skews.size(); ++i) {
    if (std::abs(skews[i].error) > kLocked)
      start.reset();
    else if (!start)
      start = i;
    if (start && skews[i].captured - skews[*start].captured >= kept)
      return start;
  }
  return std::nullopt;
}

void score_skews(const std::vector<Skew>& skews, Score& result) {
  result.frames = skews.size();
  const auto lock = settled(skews, 0, kLockKept);
  if (lock)
    result.lock_s = skews[*lock].left - skews.front().left;
  std::vector<double> errors;
  std::vector<double> raw;
  for (auto i = lock.value_or(0); i < skews.size(); ++i) {
    errors.push_back(std::abs(skews[i].error));
    raw.push_back(skews[i].raw);
  }
  std::vector<double> end;
  for (const auto& skew : skews)
    if (skew.captured > skews.back().captured - kEnd)
      end.push_back(std::abs(skew.error));
  result.end_p99 = quantile(end, 0.99);
  result.p50 = quantile(errors, 0.5);
  result.p95 = quantile(errors, 0.95);
  result.p99 = quantile(errors, 0.99);
  result.worst = quantile(errors, 1);
  result.median_raw = quantile(raw, 0.5);
}

// Theil-Sen over the medians of sixty stretches.
double drift(const std::vector<Skew>& skews, std::size_t first) {
  constexpr std::size_t kStretches = 60;
  if (skews.size() < first + 10 * kStretches)
    return 0;
  const auto length = (skews.size() - first) / kStretches;
  std::array<double, kStretches> at{};
  std::array<double, kStretches> median{};
  for (std::size_t i = 0; i < kStretches; ++i) {
    std::vector<double> errors;
    for (auto j = first + i * length; j < first + (i + 1) * length; ++j)
      errors.push_back(skews[j].error);
    at[i] = skews[first + i * length + length / 2].captured / 60;
    median[i] = quantile(errors, 0.5);
  }
  std::vector<double> slopes;
  for (std::size_t i = 0; i < kStretches; ++i)
    for (auto j = i + kStretches / 4; j < kStretches; ++j)
      slopes.push_back((median[j] - median[i]) / (at[j] - at[i]));
  return quantile(slopes, 0.5);
}

std::optional<double> recovery(const Scenario& scenario, const Record& record,
                               const std::vector<Skew>& skews) {
  const auto from = *scenario.recovery_from;
  auto arrived = std::numeric_limits<double>::infinity();
  auto sounds = std::numeric_limits<double>::infinity();  // sound flows again
  for (const auto medium : kMedia) {
    const auto& outputs = record.outputs[index(medium)];
    const auto behind = std::find_if(outputs.begin(), outputs.end(), [&](const Output& output) {
      return seconds(output.captured) >= from;
    });
    if (behind == outputs.end())
      return std::nullopt;
    arrived = std::min(arrived, seconds(behind->arrival));
    if (medium == Medium::Audio)
      sounds = seconds(behind->left);
  }
  const auto first = std::find_if(skews.begin(), skews.end(),
                                  [&](const Skew& skew) { return skew.captured >= from; });
  const auto good = settled(skews, static_cast<std::size_t>(first - skews.begin()), kRecoveryKept);
  if (!good)
    return std::nullopt;
  return std::max(skews[*good].left, sounds) - arrived;
}

}  // namespace

std::vector<Skew> find_skews(const Scenario& scenario, const Sender& sender, const Record& record) {
  std::vector<Skew> skews;
  const auto& audio = record.outputs[0];
  const auto& video = record.outputs[1];
  if (audio.empty() || video.empty())
    return skews;
  const Visible visible{scenario, record};
  const auto audio_rate = sender.rate[0] / clock_rate(Medium::Audio);
  std::size_t sound = 0;
  for (std::size_t i = 0; i < video.size(); ++i) {
    const auto& frame = video[i];
    if (i > 0 && frame.captured == video[i - 1].captured)
      continue;
    while (sound + 1 < audio.size() && audio[sound + 1].captured <= frame.captured)
      ++sound;
    const auto since = in_ms(frame.captured - audio[sound].captured);
    if (since < -1e3 * kBeforeSound)
      continue;
    const auto raw = in_ms(frame.time - audio[sound].time) - since * audio_rate;
    const auto captured = seconds(frame.captured);
    const auto arrivals = visible.error(raw, captured);
    auto error = scenario.reference == Reference::Truth ? raw : arrivals;
    const auto is_unknowable = scenario.recovery_from && captured >= *scenario.recovery_from &&
                               captured < *scenario.recovery_from + kNoReportsYet;
    if (scenario.reference == Reference::Either || is_unknowable)
      error = nearer(raw, arrivals);
    skews.push_back({captured, seconds(frame.left), raw, error});
  }
  return skews;
}

Score score(const Scenario& scenario, const Sender& sender, const Record& record) {
  Score result;
  const auto skews = find_skews(scenario, sender, record);
  score_skews(skews, result);
  if (result.lock_s) {
    const auto first = settled(skews, 0, kLockKept);
    // The first third is for learning how the clocks run.
    result.drift_per_minute = drift(skews, std::max(*first, skews.size() / 3));
  }
  if (!skews.empty() && record.reported[0] && record.reported[1]) {
    const auto told = seconds(std::max(*record.reported[0], *record.reported[1]));
    result.told_s = std::max(0.0, told - skews.front().left);
  }
  score_start(record, result);
  score_audio(scenario, record.outputs[0], result);
  score_video(record.outputs[1], result);
  score_holds(record, result);
  if (scenario.recovery_from)
    result.recovery_s = recovery(scenario, record, skews);
  result.missing = record.missing[0] + record.missing[1];
  result.dropped = record.dropped[0] + record.dropped[1];
  result.idle_deadlines = record.idle_deadlines;
  return result;
}

}  // namespace onair::sim::sync
