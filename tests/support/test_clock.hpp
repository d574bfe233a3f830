// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr GstClockTime ns(Duration duration) {
  return static_cast<GstClockTime>(duration.count());
}

// An element's clock that stands still until the test moves it. All times here are running times.
class TestClock {
 public:
  explicit TestClock(Duration now = Duration{0});

  // Before the element starts: this clock, and a base time that is not zero.
  void give_to(GstElement* element);

  [[nodiscard]] Duration now() const;
  // Never back. Whoever waits for that instant or one before it goes on.
  void set_time(Duration running_time);
  // Ends the waits for instants that have passed. An element may have looked at the clock just
  // before the test moved it; a real clock would let it go on.
  void end_due_waits();
  // The instant that somebody waits for, once it is one that is still to come; the earliest of them.
  Duration wait_for_deadline();
  // Moves the clock to that instant.
  Duration crank();

 private:
  GstPtr<GstTestClock> clock_;
};

}  // namespace onair::test
