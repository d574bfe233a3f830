// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/element_clock.hpp"

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

class ElementClock : public testing::Test {
 protected:
  void give_clock(GstClockTime now) {
    const auto clock =
        GstPtr<GstTestClock>::sink(GST_TEST_CLOCK(gst_test_clock_new_with_start_time(now)));
    gst_element_set_clock(element(), GST_CLOCK(clock.get()));
  }
  [[nodiscard]] GstElement* element() const { return element_.get(); }

 private:
  GstPtr<GstElement> element_ = GstPtr<GstElement>::sink(gst_bin_new("bin"));
};

TEST_F(ElementClock, RunningTimeIsWhatTheClockShowsLessTheBaseTime) {
  give_clock(10 * GST_SECOND + 1);
  EXPECT_EQ(running_time_now(element()), RunningTime{10s + 1ns});
  gst_element_set_base_time(element(), 9 * GST_SECOND);
  EXPECT_EQ(running_time_now(element()), RunningTime{1s + 1ns});
}

TEST_F(ElementClock, BeforeTheBaseTimeItIsNegative) {
  give_clock(10 * GST_SECOND);
  gst_element_set_base_time(element(), 10 * GST_SECOND + 1);
  EXPECT_EQ(running_time_now(element()), RunningTime{-1ns});
}

TEST_F(ElementClock, WithoutAClockThereIsNoNow) {
  gst_element_set_base_time(element(), GST_SECOND);
  EXPECT_EQ(running_time_now(element()), std::nullopt);
}

TEST_F(ElementClock, NowIsTheSystemClocksUntilThereIsAnother) {
  const auto clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
  const auto before = to_clock_time(gst_clock_get_time(clock.get()));
  const auto now = clock_now(element());
  EXPECT_GE(now, before);
  EXPECT_LE(now, to_clock_time(gst_clock_get_time(clock.get())));
  give_clock(10 * GST_SECOND);
  EXPECT_EQ(clock_now(element()), ClockTime{10s});
}

TEST_F(ElementClock, NoBaseTimeIsZero) {
  give_clock(10 * GST_SECOND);
  gst_element_set_base_time(element(), GST_CLOCK_TIME_NONE);
  EXPECT_EQ(running_time_now(element()), RunningTime{10s});
  EXPECT_EQ(to_clock_time(element(), RunningTime{2s}), ClockTime{2s});
}

TEST_F(ElementClock, TheClockShowsRunningTimeAndTheBaseTime) {
  gst_element_set_base_time(element(), 9 * GST_SECOND);
  EXPECT_EQ(to_clock_time(element(), RunningTime{1ns}), ClockTime{9s + 1ns});
  EXPECT_EQ(to_clock_time(element(), RunningTime{-10s}), ClockTime{-1s});
}

}  // namespace
}  // namespace onair
