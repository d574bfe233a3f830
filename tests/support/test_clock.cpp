// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test_clock.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "patience.hpp"

namespace onair::test {
namespace {

// Running time is the clock's less this.
constexpr GstClockTime kBaseTime = 3600 * GST_SECOND;

}  // namespace

TestClock::TestClock(Duration now)
    : clock_{GstPtr<GstTestClock>::sink(
          GST_TEST_CLOCK(gst_test_clock_new_with_start_time(kBaseTime + ns(now))))} {}

void TestClock::give_to(GstElement* element) {
  gst_element_set_clock(element, GST_CLOCK(clock_.get()));
  gst_element_set_base_time(element, kBaseTime);
}

Duration TestClock::now() const {
  return Duration{GST_CLOCK_DIFF(kBaseTime, gst_clock_get_time(GST_CLOCK(clock_.get())))};
}

void TestClock::set_time(Duration running_time) {
  gst_test_clock_set_time(clock_.get(), kBaseTime + ns(std::max(running_time, now())));
  end_due_waits();
}

void TestClock::end_due_waits() {
  while (const GstClockID id = gst_test_clock_process_next_clock_id(clock_.get()))
    gst_clock_id_unref(id);
}

Duration TestClock::wait_for_deadline() {
  constexpr guint kWhileMs = 100;
  const auto patience = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < patience) {
    // False also where there are more than one: several streams may wait, all for the same instant.
    gst_test_clock_timed_wait_for_multiple_pending_ids(clock_.get(), 1, kWhileMs, nullptr);
    const GstClockTime next = gst_test_clock_get_next_entry_time(clock_.get());
    if (next != GST_CLOCK_TIME_NONE && next > kBaseTime + ns(now()))
      return Duration{GST_CLOCK_DIFF(kBaseTime, next)};
    end_due_waits();
  }
  ADD_FAILURE() << "the element waits for nothing";
  return {};
}

Duration TestClock::crank() {
  const auto deadline = wait_for_deadline();
  set_time(deadline);
  return deadline;
}

}  // namespace onair::test
