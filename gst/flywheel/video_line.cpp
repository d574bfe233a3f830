// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_line.hpp"

#include <algorithm>

#include "base/ticks.hpp"

namespace onair {

RunningTime VideoLine::grid(std::int64_t pictures) const {
  return *anchor_ + to_duration(pictures * rate_.den, rate_.num, Rounding::Nearest);
}

std::optional<RunningTime> VideoLine::position() const {
  return anchor_ ? std::optional{grid(filled_ + 1)} : std::nullopt;
}

std::optional<RunningTime> VideoLine::deadline() const {
  return anchor_ ? std::optional{arrivals_.deadline(grid(filled_ + 1))} : std::nullopt;
}

void VideoLine::set_max_wait(Duration max_wait) {
  max_wait_ = max_wait;
  arrivals_.set_max_wait(max_wait);
}

void VideoLine::set_rate(FrameRate rate) {
  if (rate == rate_)
    return;
  rate_ = rate;
  if (last_) {
    anchor_ = last_;
    filled_ = 0;
  } else if (anchor_) {
    filled_ = -1;
  }
}

void VideoLine::begin(RunningTime at) {
  anchor_ = at;
  filled_ = -1;
}

VideoLine::Plan VideoLine::on_input(std::optional<RunningTime> start,
                                    std::optional<RunningTime> now) {
  const auto next = position();
  if (!start && next)
    return {.start = *next};
  // Before the first picture of a line that has begun nothing has gone, but nothing is earlier.
  const auto place = next ? std::optional{Arrivals::Place{
                                .gone = last_.value_or(*next - Duration{1}), .next = *next}}
                          : std::nullopt;
  const auto arrival =
      arrivals_.on_input(start.value_or(now.value_or(RunningTime{})), Duration{0}, now, place);
  Plan plan{.kind = arrival.kind, .by = arrival.by, .start = arrival.start};
  if (plan.kind == ArrivalKind::Late || plan.kind == ArrivalKind::Rebased)
    return plan;
  if (plan.start < RunningTime{}) {
    plan.kind = ArrivalKind::Late;
    return plan;
  }
  const bool is_filling = next && (filled_ > 0 || !last_input_);
  const auto distance = last_ ? plan.start - *last_ : Duration{0};
  if (is_filling || distance > std::min(max_wait_, kHole))
    plan.fill_until = plan.start;
  plan.is_hole = !is_filling && distance <= max_wait_;
  return plan;
}

void VideoLine::advance(RunningTime start) {
  anchor_ = last_ = last_input_ = start;
  filled_ = 0;
}

std::optional<RunningTime> VideoLine::on_gap(RunningTime start, Duration length,
                                             std::optional<RunningTime> now) const {
  const RunningTime end = arrivals_.to_output(start) + length;
  return anchor_ && arrivals_.is_plausible(end, now) ? std::optional{end} : std::nullopt;
}

VideoLine::Fill VideoLine::fill(std::int64_t steps) {
  filled_ += steps;
  const RunningTime start = grid(filled_);
  last_ = start;
  const bool is_slate = !last_input_ || start - *last_input_ >= slate_after_;
  return {.picture = is_slate ? Picture::Slate : Picture::Repeated,
          .start = start,
          .length = grid(filled_ + steps) - start};
}

// Half a period before `until` at the latest, so that no two pictures crowd.
std::optional<VideoLine::Fill> VideoLine::fill_before(RunningTime until, bool is_hole) {
  const auto next = position();
  if (!next)
    return std::nullopt;
  const Duration period = grid(filled_ + 2) - *next;
  const auto steps = is_hole ? std::max<std::int64_t>(kHoleSpacing / period, 1) : 1;
  if (grid(filled_ + steps) + period / 2 > until)
    return std::nullopt;
  auto fill = this->fill(steps);
  if (is_hole)
    fill.length = std::min(fill.length, until - fill.start);
  return fill;
}

}  // namespace onair
