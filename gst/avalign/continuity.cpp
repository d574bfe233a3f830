// SPDX-License-Identifier: LGPL-2.1-or-later
#include "continuity.hpp"

#include <algorithm>

namespace onair {
namespace {

constexpr std::uint32_t kUnitsOfLeap = 4;
// Units that are all there is of a stream within the patience: a break even so if they agree.
constexpr std::uint32_t kLeastUnits = 2;
// What came within this of the first is a burst and says nothing about the sender's pace.
constexpr Duration kLeastSpan = std::chrono::milliseconds(500);

// How late the first packets may have been.
constexpr Duration kLatestStart = std::chrono::seconds(5);

}  // namespace

void Continuity::begin(State state, const Unit& unit) {
  state_ = state;
  since_ = unit.arrival;
  last_arrival_ = unit.arrival;
  last_media_ = unit.media;
  units_ = 1;
  excess_ = unit.excess;
}

Continuity::Verdict Continuity::on_unit(const Unit& unit) {
  const bool goes_back = newest_ && unit.media < *newest_ - kSuspicion;
  const bool is_early = unit.excess < -(unit.is_starting ? kLatestStart : kSuspicion);
  if (state_ == State::Leaping || unit.is_new_source || goes_back || is_early)
    return suspect_leap(unit);
  if (!unit.is_starting && unit.excess > kSuspicion)
    return suspect_late(unit);
  const bool was_held = state_ == State::Waiting;
  state_ = State::Flowing;
  newest_ = newest_ ? std::max(*newest_, unit.media) : unit.media;
  return was_held ? Verdict::Recovered : Verdict::Flows;
}

Continuity::Verdict Continuity::suspect_leap(const Unit& unit) {
  if (state_ != State::Leaping) {
    // What waits behind a stall is of the line of before.
    const bool was_held = state_ == State::Waiting;
    begin(State::Leaping, unit);
    return was_held ? Verdict::Recovered : Verdict::Held;
  }
  const bool belongs = !unit.is_new_source && newest_ && unit.media >= *newest_ &&
                       std::chrono::abs(unit.excess) <= kSuspicion;
  const bool agrees = std::chrono::abs(unit.excess - excess_) <= kSuspicion;
  if (belongs && !agrees) {
    state_ = State::Flowing;
    newest_ = unit.media;
    return Verdict::Stray;
  }
  if (!agrees || unit.media < last_media_ - kSuspicion) {
    // Yet another place: what was held before belongs nowhere either.
    begin(State::Leaping, unit);
    return Verdict::Stray;
  }
  ++units_;
  last_arrival_ = unit.arrival;
  last_media_ = unit.media;
  excess_ = std::min(excess_, unit.excess);
  if (units_ < kUnitsOfLeap && unit.arrival - since_ < kPatience)
    return Verdict::Held;
  state_ = State::Flowing;
  newest_ = last_media_;
  return Verdict::Leapt;
}

Continuity::Verdict Continuity::suspect_late(const Unit& unit) {
  if (state_ == State::Flowing) {
    begin(unit.is_shared ? State::Tolerating : State::Waiting, unit);
  } else {
    ++units_;
    last_arrival_ = unit.arrival;
    last_media_ = unit.media;
    excess_ = std::min(excess_, unit.excess);
    if (state_ == State::Waiting && unit.is_shared)
      begin(State::Tolerating, unit);  // the others have shown to be late too
    else if (unit.arrival - since_ >= kPatience) {
      if (!unit.is_shared && units_ >= kLeastUnits) {
        state_ = State::Flowing;
        newest_ = last_media_;
        return Verdict::StoodStill;
      }
      begin(State::Tolerating, unit);
    }
  }
  if (state_ == State::Waiting)
    return Verdict::Held;
  newest_ = newest_ ? std::max(*newest_, unit.media) : unit.media;
  return Verdict::Late;
}

std::optional<RunningTime> Continuity::deadline() const {
  if (!is_holding())
    return std::nullopt;
  return since_ + kPatience;
}

Continuity::Verdict Continuity::on_time(RunningTime now) {
  if (!is_holding())
    return Verdict::Flows;
  if (now < *deadline())
    return Verdict::Held;
  const bool has_pace = units_ >= kLeastUnits && last_arrival_ - since_ >= kLeastSpan;
  if (state_ == State::Leaping) {
    // Nothing else comes, and nothing of the old line: believe it.
    state_ = State::Flowing;
    newest_ = last_media_;
    return Verdict::Leapt;
  }
  if (has_pace) {
    state_ = State::Flowing;
    newest_ = last_media_;
    return Verdict::StoodStill;
  }
  state_ = State::Tolerating;
  since_ = now;
  units_ = 0;
  return Verdict::Recovered;
}

}  // namespace onair
