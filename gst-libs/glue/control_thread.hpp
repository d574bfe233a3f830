// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>

#include <glib.h>

#include "glue/guarded.hpp"

namespace onair {

// One thread with a GMainContext of its own, on which a component does all of its slow and orderly
// work (HTTP, negotiation, timers), so that its state needs no locks. The context is the thread's
// default, so GIO objects made on it stay on it.
class ControlThread {
 public:
  explicit ControlThread(const std::string& name);
  ~ControlThread();  // as stop()
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  // Finishes what was posted before and joins. What is posted later is dropped. Not from the thread.
  void stop();

  // Runs `work` later on the thread. From any thread; never blocks.
  void post(std::function<void()> work);
  // Runs `work` on the thread and waits for it. Not from the thread itself.
  void run(const std::function<void()>& work);
  // Calls `tick` every `interval_ms` milliseconds until the thread ends.
  void every(guint interval_ms, std::function<void()> tick);

  [[nodiscard]] bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void attach(GSource* source, std::function<bool()> work);
  void run_next();

  GMainContext* context_;
  GMainLoop* loop_;
  struct Posted {
    std::deque<std::function<void()>> work;
    bool is_stopped = false;
  };
  Guarded<Posted> posted_;
  std::thread thread_;
};

}  // namespace onair
