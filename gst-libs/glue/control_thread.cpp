// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/control_thread.hpp"

#include <future>
#include <utility>

#include <pthread.h>

namespace onair {

ControlThread::ControlThread(const std::string& name)
    : context_{g_main_context_new()}, loop_{g_main_loop_new(context_, FALSE)} {
  thread_ = std::thread{[this, short_name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), short_name.c_str());  // 15 characters are Linux's limit
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    while (g_main_context_iteration(context_, FALSE)) {
    }
    g_main_context_pop_thread_default(context_);
  }};
}

void ControlThread::stop() {
  if (!thread_.joinable())
    return;
  post([this] { g_main_loop_quit(loop_); });
  thread_.join();
  std::deque<std::function<void()>> late;  // dies after the lock: it may own the last of something
  const auto posted = posted_.lock();
  posted->is_stopped = true;
  late.swap(posted->work);
}

ControlThread::~ControlThread() {
  stop();
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void ControlThread::attach(GSource* source, std::function<bool()> work) {
  const auto call = [](gpointer data) -> gboolean {
    return (*static_cast<std::function<bool()>*>(data))() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  };
  const auto destroy = [](gpointer data) { delete static_cast<std::function<bool()>*>(data); };
  g_source_set_callback(source, call, new std::function<bool()>{std::move(work)}, destroy);
  g_source_attach(source, context_);
  g_source_unref(source);
}

// Work changes threads through a lock of ours, not inside a GSource: ThreadSanitizer can't see GLib's.
void ControlThread::post(std::function<void()> work) {
  {
    const auto posted = posted_.lock();
    if (posted->is_stopped)
      return;
    posted->work.push_back(std::move(work));
  }
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  const auto call = [](gpointer self) -> gboolean {
    static_cast<ControlThread*>(self)->run_next();
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(source, call, this, nullptr);
  g_source_attach(source, context_);
  g_source_unref(source);
}

void ControlThread::run_next() {
  std::function<void()> work;
  {
    const auto posted = posted_.lock();
    work = std::move(posted->work.front());
    posted->work.pop_front();
  }
  work();
}

void ControlThread::run(const std::function<void()>& work) {
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void ControlThread::every(guint interval_ms, std::function<void()> tick) {
  attach(g_timeout_source_new(interval_ms), [tick = std::move(tick)] {
    tick();
    return true;
  });
}

}  // namespace onair
