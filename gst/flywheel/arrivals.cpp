// SPDX-License-Identifier: LGPL-2.1-or-later
#include "arrivals.hpp"

#include <algorithm>

namespace onair {

namespace {

// No path becomes shorter by as much from one piece to the next, and no decoder goes back so far.
// Below it filler is made for the hole, so it bounds what is made at once.
constexpr Duration kLeap = std::chrono::seconds{5};
// A stall lets go of all that it held within less; a path that has become longer stays so.
constexpr Duration kLatePatience = std::chrono::seconds{1};
// Late ones that are farther apart have nothing to do with each other. A camera that is off may send
// a picture a second.
constexpr Duration kSameRun = std::chrono::seconds{2};

}  // namespace

bool Arrivals::is_plausible(RunningTime end, std::optional<RunningTime> now) const {
  return !now || end + lag() <= *now + kLeap;
}

Arrival Arrivals::on_input(RunningTime raw, Duration length, std::optional<RunningTime> now,
                           std::optional<Place> place) {
  const RunningTime start = to_output(raw);
  const RunningTime end = start + length;
  if (place) {
    const bool went_back = newest_ && end < *newest_ - kLeap;
    if (went_back || !is_plausible(end, now))
      return leap(start, length, now, *place);
    if (end <= place->gone)
      return late(start, length, now, *place);
  }
  late_run_.reset();
  newest_ = newest_ ? std::max(*newest_, end) : end;
  if (now)
    lags_.add(*now, *now - end);
  return {.kind = ArrivalKind::InTime, .start = start};
}

// It joins where it would be if it had the lag of the line before: sound and picture that leap
// together stay together.
Arrival Arrivals::leap(RunningTime start, Duration length, std::optional<RunningTime> now,
                       const Place& place) {
  const RunningTime joins = now ? std::max(place.next, *now - lag() - length) : place.next;
  const Duration by = joins - start;
  shift_ += by;
  newest_ = joins + length;
  late_run_.reset();
  if (now)
    lags_.add(*now, *now - *newest_);
  return {.kind = ArrivalKind::Leap, .start = joins, .by = by};
}

Arrival Arrivals::late(RunningTime start, Duration length, std::optional<RunningTime> now,
                       const Place& place) {
  const RunningTime end = start + length;
  const Duration by = place.gone - end;
  newest_ = newest_ ? std::max(*newest_, end) : end;
  const Arrival arrival{.kind = ArrivalKind::Late, .start = start, .by = by};
  if (!now)
    return arrival;
  const Duration its_lag = *now - end;
  if (!late_run_ || *now - late_run_->latest > kSameRun)
    late_run_ = LateRun{.since = *now, .latest = *now, .least_lag = its_lag};
  late_run_->latest = *now;
  late_run_->least_lag = std::min(late_run_->least_lag, its_lag);
  // The first that comes at all says what is usual.
  if (lags_.envelope() && *now - late_run_->since < kLatePatience)
    return arrival;
  // A clock that stood still while the stream was muted: nobody waits that long.
  if (by > kLeap)
    return leap(start, length, now, place);
  const bool is_longer = its_lag > lag();
  lags_.rebase(*now, late_run_->least_lag);
  late_run_.reset();
  return {.kind = is_longer ? ArrivalKind::Rebased : ArrivalKind::Late, .start = start, .by = by};
}

}  // namespace onair
