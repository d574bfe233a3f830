// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "glue/element_clock.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"

namespace onair {

// One thread waits for an instant of a GStreamer clock (a test's clock too) or until it is woken,
// whichever is sooner. Every call is made with the mutex held that wait() is given.
class DeadlineWait {
 public:
  // Without a clock or a deadline only wake() ends it. May return early: look again, then wait.
  void wait(std::unique_lock<std::mutex>& lock, GstClock* clock,
            std::optional<ClockTime> deadline) {
    if (!clock || !deadline) {
      waits_ = true;
      woken_.wait(lock);
      waits_ = false;
      return;
    }
    const GstClockID id = gst_clock_new_single_shot_id(clock, to_gst(deadline->time_since_epoch()));
    clock_id_ = id;
    lock.unlock();
    gst_clock_id_wait(id, nullptr);
    lock.lock();
    clock_id_ = nullptr;
    gst_clock_id_unref(id);
  }

  // The same for a running time of the element, whose clock it waits for.
  void wait(std::unique_lock<std::mutex>& lock, GstElement* element,
            std::optional<RunningTime> deadline) {
    if (!deadline)
      return wait(lock, static_cast<GstClock*>(nullptr), std::nullopt);
    const auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(element));
    wait(lock, clock.get(), to_clock_time(element, *deadline));
  }

  void wake() {
    if (clock_id_)
      gst_clock_id_unschedule(clock_id_);
    else if (waits_)
      woken_.notify_one();
  }

  [[nodiscard]] bool is_waiting() const { return waits_ || clock_id_ != nullptr; }

 private:
  std::condition_variable woken_;
  bool waits_ = false;
  GstClockID clock_id_ = nullptr;
};

}  // namespace onair
