// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <utility>

#include <glib.h>

namespace live {

// Calls once, on the main thread, unless it is stopped before.
class Timer {
 public:
  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Anew if it runs.
  void start(guint ms, std::function<void()> call) {
    stop();
    call_ = std::move(call);
    source_ = g_timeout_add(ms, &Timer::on_time, this);
  }
  void stop() {
    if (source_)
      g_source_remove(std::exchange(source_, 0));
  }
  [[nodiscard]] bool is_running() const { return source_ != 0; }

 private:
  static gboolean on_time(gpointer data) {
    auto* self = static_cast<Timer*>(data);
    self->source_ = 0;
    const auto call = std::move(self->call_);
    call();
    return G_SOURCE_REMOVE;
  }

  guint source_ = 0;
  std::function<void()> call_;
};

}  // namespace live
