// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stepped_clock.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <vector>

namespace onair::benchmark {
namespace {

struct State {
  std::mutex mutex;
  std::condition_variable changed;    // for those who wait for a time
  std::condition_variable came_back;  // for the one who lets time pass
  GstClockTime now = 0;
  std::vector<GstClockEntry*> blocked;  // each in its thread's wait()
  std::vector<GstClockEntry*> pending;  // asynchronous; owned
  std::size_t away = 0;                 // threads that stopped waiting and should come back
};

struct SteppedClock {
  GstClock parent;
  State* state;
};

struct SteppedClockClass {
  GstClockClass parent_class;
};

G_DEFINE_TYPE(SteppedClock, stepped_clock, GST_TYPE_CLOCK)

State& state_of(gpointer clock) {
  return *static_cast<SteppedClock*>(clock)->state;
}

GstClockTime get_time(GstClock* clock) noexcept {
  auto& state = state_of(clock);
  const std::lock_guard lock{state.mutex};
  return state.now;
}

GstClockReturn wait(GstClock* clock, GstClockEntry* entry, GstClockTimeDiff* jitter) noexcept {
  auto& state = state_of(clock);
  std::unique_lock lock{state.mutex};
  if (jitter)
    *jitter = GST_CLOCK_DIFF(GST_CLOCK_ENTRY_TIME(entry), state.now);
  auto& status = GST_CLOCK_ENTRY_STATUS(entry);
  if (status == GST_CLOCK_UNSCHEDULED)
    return GST_CLOCK_UNSCHEDULED;
  if (GST_CLOCK_ENTRY_TIME(entry) < state.now)
    return status = GST_CLOCK_EARLY;
  status = GST_CLOCK_BUSY;
  state.blocked.push_back(entry);
  if (state.away > 0 && --state.away == 0)
    state.came_back.notify_one();
  state.changed.wait(lock, [&] {
    return status == GST_CLOCK_UNSCHEDULED || GST_CLOCK_ENTRY_TIME(entry) <= state.now;
  });
  if (status != GST_CLOCK_UNSCHEDULED)
    status = GST_CLOCK_OK;
  return status;
}

GstClockReturn wait_async(GstClock* clock, GstClockEntry* entry) noexcept {
  auto& state = state_of(clock);
  const std::lock_guard lock{state.mutex};
  if (GST_CLOCK_ENTRY_STATUS(entry) == GST_CLOCK_UNSCHEDULED)
    return GST_CLOCK_UNSCHEDULED;
  GST_CLOCK_ENTRY_STATUS(entry) = GST_CLOCK_BUSY;
  state.pending.push_back(static_cast<GstClockEntry*>(gst_clock_id_ref(entry)));
  return GST_CLOCK_OK;
}

void unschedule(GstClock* clock, GstClockEntry* entry) noexcept {
  auto& state = state_of(clock);
  const std::lock_guard lock{state.mutex};
  if (std::erase(state.pending, entry) > 0)
    gst_clock_id_unref(entry);
  else if (GST_CLOCK_ENTRY_STATUS(entry) != GST_CLOCK_UNSCHEDULED &&
           std::erase(state.blocked, entry) > 0)
    ++state.away;
  GST_CLOCK_ENTRY_STATUS(entry) = GST_CLOCK_UNSCHEDULED;
  state.changed.notify_all();
}

void finalize(GObject* object) noexcept {
  delete reinterpret_cast<SteppedClock*>(object)->state;
  G_OBJECT_CLASS(stepped_clock_parent_class)->finalize(object);
}

void stepped_clock_class_init(SteppedClockClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = finalize;
  auto* clock = GST_CLOCK_CLASS(klass);
  clock->get_internal_time = get_time;
  clock->wait = wait;
  clock->wait_async = wait_async;
  clock->unschedule = unschedule;
}

void stepped_clock_init(SteppedClock* self) {
  self->state = new State;
}

}  // namespace

GstClock* stepped_clock_new() {
  auto* clock = GST_CLOCK(g_object_new(stepped_clock_get_type(), nullptr));
  gst_object_ref_sink(clock);
  return clock;
}

void stepped_clock_advance(GstClock* clock, GstClockTime time, std::chrono::milliseconds patience) {
  auto& state = state_of(clock);
  const auto earliest = [](GstClockTime least, const GstClockEntry* entry) {
    return std::min(least, GST_CLOCK_ENTRY_TIME(entry));
  };
  std::unique_lock lock{state.mutex};
  while (true) {
    if (!state.came_back.wait_for(lock, patience, [&] { return state.away == 0; }))
      state.away = 0;
    const auto next = std::accumulate(
        state.blocked.begin(), state.blocked.end(),
        std::accumulate(state.pending.begin(), state.pending.end(), GST_CLOCK_TIME_NONE, earliest),
        earliest);
    if (next > time)
      break;
    state.now = std::max(state.now, next);
    state.away += std::erase_if(state.blocked, [&](const GstClockEntry* entry) {
      return GST_CLOCK_ENTRY_TIME(entry) <= state.now;
    });
    state.changed.notify_all();
    const auto due = std::find_if(
        state.pending.begin(), state.pending.end(),
        [&](const GstClockEntry* entry) { return GST_CLOCK_ENTRY_TIME(entry) <= state.now; });
    if (due != state.pending.end()) {
      auto* entry = *due;
      state.pending.erase(due);
      GST_CLOCK_ENTRY_STATUS(entry) = GST_CLOCK_OK;
      lock.unlock();
      entry->func(clock, GST_CLOCK_ENTRY_TIME(entry), entry, entry->user_data);
      gst_clock_id_unref(entry);
      lock.lock();
    }
  }
  state.now = std::max(state.now, time);
}

}  // namespace onair::benchmark
