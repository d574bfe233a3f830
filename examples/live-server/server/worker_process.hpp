// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gio/gio.h>

#include "glue/gstptr.hpp"

namespace live {

// A worker that this server has started. It lives on when this is deleted.
class WorkerProcess {
 public:
  // `how` it ended, for the log: "exit 1", "signal 9 (Killed)".
  using OnExit = std::function<void(const std::string& how, bool is_clean)>;

  // One that the process gets, and that stays open here.
  struct Socket {
    std::string name;
    int fd;
  };

  // Finds the program beside this one's own. An error is a sentence for a person. on_exit is called on the main thread,
  // and may delete it.
  static std::variant<std::unique_ptr<WorkerProcess>, std::string> start(
      const std::string& channel, const std::string& control, const std::string& log_format,
      const std::vector<Socket>& sockets, OnExit on_exit);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void kill() { g_subprocess_force_exit(process_.get()); }

 private:
  explicit WorkerProcess(OnExit on_exit) : on_exit_{std::move(on_exit)} {}
  static void on_wait(GObject* process, GAsyncResult* result, gpointer self);

  OnExit on_exit_;
  onair::GstPtr<GSubprocess> process_;
  onair::GstPtr<GCancellable> waiting_;
};

}  // namespace live
