// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/deadline_wait.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "support/gst_environment.hpp"

namespace onair {
namespace {

using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new test::GstEnvironment);

constexpr ClockTime kNow{10s};

// A thread that waits once, and a clock that stands still.
class Waiter {
 public:
  Waiter()
      : clock{GstPtr<GstTestClock>::sink(
            GST_TEST_CLOCK(gst_test_clock_new_with_start_time(to_gst(kNow.time_since_epoch()))))} {}
  ~Waiter() {
    if (thread_.joinable())
      thread_.join();
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void start(std::optional<ClockTime> deadline, bool has_clock = true) {
    thread_ = std::thread{[this, deadline, has_clock] {
      std::unique_lock lock{mutex_};
      is_started_ = true;
      changed_.notify_all();
      wait_.wait(lock, has_clock ? GST_CLOCK(clock.get()) : nullptr, deadline);
      is_done_ = true;
    }};
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_started_; });
  }
  // The instant that the thread waits for at the clock, once it does.
  ClockTime wait_for_deadline() {
    GstClockID id = nullptr;
    gst_test_clock_wait_for_next_pending_id(clock.get(), &id);
    const auto time = to_clock_time(gst_clock_id_get_time(id));
    gst_clock_id_unref(id);
    return time.value();
  }
  void reach(ClockTime time) {
    gst_test_clock_set_time(clock.get(), to_gst(time.time_since_epoch()));
    const GstClockID id = gst_test_clock_process_next_clock_id(clock.get());
    if (id)
      gst_clock_id_unref(id);
  }
  void wake() {
    const std::lock_guard lock{mutex_};
    wait_.wake();
  }
  bool is_waiting() {
    const std::lock_guard lock{mutex_};
    return wait_.is_waiting();
  }
  bool is_done() {
    const std::lock_guard lock{mutex_};
    return is_done_;
  }
  void join() { thread_.join(); }

  const GstPtr<GstTestClock> clock;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  DeadlineWait wait_;
  bool is_started_ = false;
  bool is_done_ = false;
  std::thread thread_;
};

TEST(DeadlineWait, EndsWhenTheClockReachesTheInstantAndNotBefore) {
  Waiter waiter;
  waiter.start(kNow + 5ms);
  EXPECT_EQ(waiter.wait_for_deadline(), kNow + 5ms);
  waiter.reach(kNow + 5ms - 1ns);
  EXPECT_TRUE(waiter.is_waiting());
  EXPECT_EQ(gst_test_clock_peek_id_count(waiter.clock.get()), 1u);
  waiter.reach(kNow + 5ms);
  waiter.join();
  EXPECT_FALSE(waiter.is_waiting());
}

TEST(DeadlineWait, EndsWhenItIsWoken) {
  Waiter waiter;
  waiter.start(kNow + 1h);
  waiter.wait_for_deadline();
  waiter.wake();
  waiter.join();
  EXPECT_EQ(gst_test_clock_peek_id_count(waiter.clock.get()), 0u) << "nothing is left at the clock";
}

TEST(DeadlineWait, AWakeJustBeforeTheClockIsAskedIsNotLost) {
  // start() returns while the thread is between taking the lock and waiting at the clock.
  for (int round = 0; round < 200; ++round) {
    Waiter waiter;
    waiter.start(kNow + 1h);
    waiter.wake();
    waiter.join();
  }
}

TEST(DeadlineWait, WithoutADeadlineOnlyAWakeEndsIt) {
  Waiter waiter;
  waiter.start(std::nullopt);
  EXPECT_TRUE(waiter.is_waiting());
  gst_test_clock_advance_time(waiter.clock.get(), GST_SECOND);
  EXPECT_EQ(gst_test_clock_peek_id_count(waiter.clock.get()), 0u);
  EXPECT_FALSE(waiter.is_done());
  waiter.wake();
  waiter.join();
  EXPECT_FALSE(waiter.is_waiting());
}

TEST(DeadlineWait, WithoutAClockOnlyAWakeEndsIt) {
  Waiter waiter;
  waiter.start(kNow, false);
  EXPECT_TRUE(waiter.is_waiting());
  waiter.wake();
  waiter.join();
}

TEST(DeadlineWait, AWakeWithoutAWaitIsForgotten) {
  Waiter waiter;
  waiter.wake();
  EXPECT_FALSE(waiter.is_waiting());
  waiter.start(kNow + 5ms);
  EXPECT_EQ(waiter.wait_for_deadline(), kNow + 5ms);
  waiter.reach(kNow + 5ms);
  waiter.join();
}

TEST(DeadlineWait, TheMutexIsFreeMeanwhile) {
  Waiter waiter;
  waiter.start(kNow + 1s);
  waiter.wait_for_deadline();
  EXPECT_TRUE(waiter.is_waiting()) << "which takes the lock";
  waiter.wake();
}

TEST(DeadlineWait, OneWaitAfterTheOtherHasItsOwnInstant) {
  DeadlineWait wait;
  std::mutex mutex;
  Waiter clock_owner;
  auto* clock = clock_owner.clock.get();
  std::thread thread{[&] {
    std::unique_lock lock{mutex};
    wait.wait(lock, GST_CLOCK(clock), kNow + 1ms);
    wait.wait(lock, GST_CLOCK(clock), kNow + 3ms);
  }};
  EXPECT_EQ(clock_owner.wait_for_deadline(), kNow + 1ms);
  clock_owner.reach(kNow + 1ms);
  EXPECT_EQ(clock_owner.wait_for_deadline(), kNow + 3ms);
  clock_owner.reach(kNow + 3ms);
  thread.join();
}

TEST(DeadlineWait, OfAnElementItIsItsClockAndItsRunningTime) {
  DeadlineWait wait;
  std::mutex mutex;
  Waiter clock_owner;
  const auto element = GstPtr<GstElement>::sink(gst_bin_new("bin"));
  gst_element_set_clock(element.get(), GST_CLOCK(clock_owner.clock.get()));
  gst_element_set_base_time(element.get(), 8 * GST_SECOND);
  std::thread thread{[&] {
    std::unique_lock lock{mutex};
    wait.wait(lock, element.get(), RunningTime{2s + 5ms});
  }};
  EXPECT_EQ(clock_owner.wait_for_deadline(), kNow + 5ms);
  clock_owner.reach(kNow + 5ms);
  thread.join();
}

TEST(DeadlineWait, OfAnElementWithoutAClockOnlyAWakeEndsIt) {
  for (const auto deadline : {std::optional{RunningTime{1s}}, std::optional<RunningTime>{}}) {
    DeadlineWait wait;
    std::mutex mutex;
    const auto element = GstPtr<GstElement>::sink(gst_bin_new("bin"));
    std::unique_lock lock{mutex};
    std::thread thread{[&] {
      const std::lock_guard other{mutex};
      EXPECT_TRUE(wait.is_waiting());
      wait.wake();
    }};
    wait.wait(lock, element.get(), deadline);
    thread.join();
  }
}

}  // namespace
}  // namespace onair
