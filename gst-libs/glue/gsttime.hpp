// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/gst.h>

#include "base/time.hpp"

// The only place where GStreamer's time becomes ours and back. GST_CLOCK_TIME_NONE is std::nullopt.
namespace onair {

[[nodiscard]] inline std::optional<ClockTime> to_clock_time(GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time))
    return std::nullopt;
  return ClockTime{Duration{static_cast<Duration::rep>(time)}};
}

[[nodiscard]] inline std::optional<Duration> to_duration(GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time))
    return std::nullopt;
  return Duration{static_cast<Duration::rep>(time)};
}

// The segment of nearly every live source: each position is its own running time.
[[nodiscard]] inline bool is_identity(const GstSegment& segment) {
  return segment.start == 0 && segment.base == 0 && segment.offset == 0 && segment.rate == 1.0 &&
         segment.stop == GST_CLOCK_TIME_NONE;
}

// Of a buffer in a TIME segment; outside the segment too, so that it can be negative.
[[nodiscard]] inline std::optional<RunningTime> to_running_time(const GstSegment& segment,
                                                                GstClockTime position) {
  if (is_identity(segment) && GST_CLOCK_TIME_IS_VALID(position))
    return RunningTime{Duration{static_cast<Duration::rep>(position)}};
  guint64 time = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, position, &time);
  if (sign == 0)
    return std::nullopt;
  return RunningTime{Duration{sign * static_cast<Duration::rep>(time)}};
}

// A negative duration has no GstClockTime; it becomes 0.
[[nodiscard]] inline GstClockTime to_gst(Duration duration) {
  return duration.count() < 0 ? 0 : static_cast<GstClockTime>(duration.count());
}

[[nodiscard]] inline GstClockTime to_gst(RunningTime time) {
  return to_gst(time.time_since_epoch());
}

// The position in a TIME segment that has this running time.
[[nodiscard]] inline GstClockTime to_position(const GstSegment& segment, RunningTime time) {
  if (is_identity(segment))
    return to_gst(time);
  return gst_segment_position_from_running_time(&segment, GST_FORMAT_TIME, to_gst(time));
}

}  // namespace onair
