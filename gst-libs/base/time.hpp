// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <ratio>

// Time lines that don't mix. Each kind of time is a std::chrono time point on a line of its own:
// subtracting two of a kind gives a Duration, mixing kinds does not compile.
namespace onair {

using Duration = std::chrono::nanoseconds;

// For people.
constexpr double in_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>{duration}.count();
}

// Rounded towards zero, to the nanosecond.
constexpr Duration scaled(Duration duration, double by) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(duration.count()) * by)};
}

template <typename Line>
struct Timeline {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<Line, Duration>;
  static constexpr bool is_steady = false;
};

// What a clock shows: monotonic, arbitrary zero. Arrival times and deadlines are of this kind.
struct ClockLine : Timeline<ClockLine> {};
// Time since the pipeline started playing, less pauses. Can be negative before the segment starts.
struct RunningLine : Timeline<RunningLine> {};
// What a sender's media clock shows: RTP time, unrolled and in nanoseconds. It drifts against ours.
struct MediaLine : Timeline<MediaLine> {};
// Wall clock of a sender or receiver: time since 1900-01-01 UTC, as in RTCP sender reports.
struct NtpLine : Timeline<NtpLine> {};

using ClockTime = ClockLine::time_point;
using RunningTime = RunningLine::time_point;
using MediaTime = MediaLine::time_point;
using NtpTime = NtpLine::time_point;

// The relative transit time of RFC 3550 section 6.4.1: what a packet took, plus an unknown constant.
// The one difference between time lines that means something; only differences of it do.
constexpr Duration transit(RunningTime arrival, MediaTime media) {
  return arrival.time_since_epoch() - media.time_since_epoch();
}

}  // namespace onair
