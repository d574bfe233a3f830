// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"

// Between running time and the clock that an element was given.
namespace onair {

// What its clock shows at a running time.
[[nodiscard]] inline ClockTime to_clock_time(GstElement* element, RunningTime time) {
  const auto base_time = to_duration(gst_element_get_base_time(element)).value_or(Duration{0});
  return ClockTime{base_time + time.time_since_epoch()};
}

// Now; nothing, if it has no clock. Below zero before its base time, where
// gst_element_get_current_running_time() knows no answer.
[[nodiscard]] inline std::optional<RunningTime> running_time_now(GstElement* element) {
  const auto now = to_clock_time(gst_element_get_current_clock_time(element));
  if (!now)
    return std::nullopt;
  return RunningTime{*now - to_clock_time(element, RunningTime{})};
}

// What its clock shows, or the system's where it has none, as before PLAYING. Any thread.
[[nodiscard]] inline ClockTime clock_now(GstElement* element) {
  auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(element));
  if (!clock)
    clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
  return *to_clock_time(gst_clock_get_time(clock.get()));
}

}  // namespace onair
