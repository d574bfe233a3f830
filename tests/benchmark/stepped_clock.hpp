// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

#include <gst/gst.h>

// A clock that shows what it is told. GstTestClock does the same and more, at tens of times the
// instructions per wait: too much beside an element that is to be measured.
namespace onair::benchmark {

// At zero; transfer full.
GstClock* stepped_clock_new();
// Lets time pass until `time`, which is not before what the clock shows. It stops wherever a thread
// waits for it, and goes on when that thread waits again, so that timers fire in order and each
// before what happens after it. A thread that does not come back may be waiting for something else;
// nobody can tell, so time goes on after `patience` of real time.
void stepped_clock_advance(GstClock* clock, GstClockTime time, std::chrono::milliseconds patience);

}  // namespace onair::benchmark
