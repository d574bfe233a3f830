// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_line.hpp"

#include <algorithm>

#include "base/ticks.hpp"

namespace onair {

RunningTime AudioLine::at(std::int64_t frames) const {
  return *anchor_ + to_duration(frames, rate_, Rounding::Nearest);
}

std::optional<RunningTime> AudioLine::position() const {
  return anchor_ ? std::optional{at(frames_)} : std::nullopt;
}

std::optional<RunningTime> AudioLine::deadline() const {
  return anchor_ ? std::optional{arrivals_.deadline(at(frames_))} : std::nullopt;
}

void AudioLine::set_rate(std::uint32_t rate) {
  if (rate == rate_)
    return;
  const auto here = position();
  rate_ = rate;
  if (here)
    begin(*here);
}

void AudioLine::begin(RunningTime position) {
  anchor_ = position;
  frames_ = 0;
}

AudioLine::Plan AudioLine::on_input(std::optional<RunningTime> start, std::int64_t frames,
                                    std::optional<RunningTime> now) {
  const auto here = position();
  if (!start && here)
    return {.take = frames};
  const auto place =
      here ? std::optional{Arrivals::Place{.gone = *here, .next = *here}} : std::nullopt;
  const Duration length = to_duration(frames, rate_, Rounding::Nearest);
  const auto arrival =
      arrivals_.on_input(start.value_or(now.value_or(RunningTime{})), length, now, place);
  Plan plan{.kind = arrival.kind, .by = arrival.by};
  if (arrival.kind == ArrivalKind::Late || arrival.kind == ArrivalKind::Rebased) {
    plan.trim = frames;
    return plan;
  }
  // Sound from before the beginning has no place.
  if (!here)
    begin(std::max(arrival.start, RunningTime{}));
  const Duration deviation = arrival.start - *position();
  if (std::chrono::abs(deviation) > tolerance_) {
    const std::int64_t off = to_ticks(deviation, rate_, Rounding::Nearest);
    plan.fill = std::max<std::int64_t>(0, off);
    plan.trim = std::min(frames, std::max<std::int64_t>(0, -off));
  }
  plan.take = frames - plan.trim;
  return plan;
}

std::int64_t AudioLine::on_gap(RunningTime start, Duration length,
                               std::optional<RunningTime> now) const {
  const RunningTime end = arrivals_.to_output(start) + length;
  if (!anchor_ || !arrivals_.is_plausible(end, now))
    return 0;
  return std::max<std::int64_t>(0, to_ticks(end - *position(), rate_, Rounding::Nearest));
}

AudioLine::Span AudioLine::advance(std::int64_t frames) {
  const RunningTime start = at(frames_);
  frames_ += frames;
  return {.start = start, .length = at(frames_) - start};
}

}  // namespace onair
