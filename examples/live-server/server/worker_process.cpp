// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker_process.hpp"

#include <cstring>
#include <filesystem>
#include <utility>

namespace live {

using onair::ErrorPtr;
using onair::GstPtr;

std::variant<std::unique_ptr<WorkerProcess>, std::string> WorkerProcess::start(
    const std::string& channel, const std::string& control, const std::string& log_format,
    OnExit on_exit) {
  std::error_code code;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", code);
  const auto program = (own.parent_path() / "onair-live-worker").string();
  const char* const arguments[] = {program.c_str(), channel.c_str(), control.c_str(),
                                   log_format.c_str(), nullptr};
  std::unique_ptr<WorkerProcess> worker{new WorkerProcess{std::move(on_exit)}};
  GError* raw = nullptr;
  worker->process_ =
      GstPtr<GSubprocess>::adopt(g_subprocess_newv(arguments, G_SUBPROCESS_FLAGS_NONE, &raw));
  if (!worker->process_) {
    const ErrorPtr error{raw};
    return std::string{"The worker can't be started: "} + error->message + ".";
  }
  worker->waiting_ = GstPtr<GCancellable>::adopt(g_cancellable_new());
  g_subprocess_wait_async(worker->process_.get(), worker->waiting_.get(), &WorkerProcess::on_wait,
                          worker.get());
  return worker;
}

WorkerProcess::~WorkerProcess() {
  if (waiting_)
    g_cancellable_cancel(waiting_.get());
}

void WorkerProcess::on_wait(GObject* object, GAsyncResult* result, gpointer data) {
  auto* process = G_SUBPROCESS(object);
  if (!g_subprocess_wait_finish(process, result, nullptr))
    return;  // deleted
  auto* self = static_cast<WorkerProcess*>(data);
  const bool has_exited = g_subprocess_get_if_exited(process);
  const int code =
      has_exited ? g_subprocess_get_exit_status(process) : g_subprocess_get_term_sig(process);
  const auto how = has_exited ? "exit " + std::to_string(code)
                              : "signal " + std::to_string(code) + " (" + strsignal(code) + ")";
  const auto call = std::move(self->on_exit_);
  call(how, has_exited && code == 0);
}

}  // namespace live
