// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "programme.hpp"

namespace onair::test {

// Streams whose frames come when their time does, unless the clock is told otherwise.
class Live {
 public:
  explicit Live(CutScheduler::Config config = {}) : scheduler{config} {}

  CutScheduler::Verdict arrive(CutScheduler::StreamId id, CutScheduler::Frame frame) {
    now = std::max(now, ClockTime{frame.time.time_since_epoch() + offset});
    scheduler.arrive(id, frame, now);
    return scheduler.judge(id);
  }
  CutScheduler::Verdict sound(CutScheduler::StreamId id, Duration time,
                              AudioFrames::Format format = kMp3) {
    return arrive(id, {.time = at(time), .format = format});
  }
  CutScheduler::Verdict key(CutScheduler::StreamId id, Duration time) {
    return arrive(id, {.time = at(time), .is_key = true});
  }
  CutScheduler::Verdict picture(CutScheduler::StreamId id, Duration time) {
    return arrive(id, {.time = at(time), .is_key = false});
  }
  // From here on times are other ones, at the same clock.
  void leap(Duration by) { offset -= by; }
  CutScheduler::Verdict judge(CutScheduler::StreamId id) { return scheduler.judge(id); }
  void wait_out() {
    while (const auto due = scheduler.deadline()) {
      if (*due > now + 10s)
        return;
      scheduler.on_time(now = std::max(now, *due));
      if (const auto next = scheduler.deadline(); next && *next <= now)
        return;
    }
  }
  std::vector<CutScheduler::Decision> decisions() {
    std::vector<CutScheduler::Decision> all;
    while (const auto decision = scheduler.take_decision())
      all.push_back(*decision);
    return all;
  }
  std::vector<CutScheduler::Fill> fills() {
    std::vector<CutScheduler::Fill> all;
    while (const auto fill = scheduler.take_fill())
      all.push_back(*fill);
    return all;
  }
  std::vector<CutScheduler::Request> requests() {
    std::vector<CutScheduler::Request> all;
    while (const auto request = scheduler.take_request())
      all.push_back(*request);
    return all;
  }

  CutScheduler scheduler;
  Duration offset{0};  // of the clock, from the time of the frames
  ClockTime now{};
};

// The boundary that the frame cuts at, if it cuts.
inline std::optional<CutScheduler::Boundary> cut_of(const CutScheduler::Verdict& verdict) {
  const auto* cut = std::get_if<CutScheduler::Cut>(&verdict);
  return cut ? std::optional{cut->boundary} : std::nullopt;
}

inline std::optional<std::int64_t> index_of(const CutScheduler::Verdict& verdict) {
  const auto boundary = cut_of(verdict);
  return boundary ? std::optional{boundary->index} : std::nullopt;
}

}  // namespace onair::test
