// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker_process.hpp"

#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>

namespace live {

using onair::ErrorPtr;
using onair::GstPtr;

namespace {

constexpr int kFirstSocket = 3;  // behind standard input, output and errors

}  // namespace

std::variant<std::unique_ptr<WorkerProcess>, std::string> WorkerProcess::start(
    const std::string& channel, const std::string& control, const std::string& log_format,
    const std::vector<Socket>& sockets, OnExit on_exit) {
  std::error_code code;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", code);
  const auto program = (own.parent_path() / "onair-live-worker").string();
  std::vector<std::string> words{program, channel, control, log_format};
  const auto launcher =
      GstPtr<GSubprocessLauncher>::adopt(g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE));
  int number = kFirstSocket;
  for (const auto& socket : sockets) {
    words.push_back(socket.name + "=" + std::to_string(number));
    g_subprocess_launcher_take_fd(launcher.get(), ::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0), number++);
  }
  std::vector<const char*> arguments;
  for (const auto& word : words)
    arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  std::unique_ptr<WorkerProcess> worker{new WorkerProcess{std::move(on_exit)}};
  GError* raw = nullptr;
  worker->process_ = GstPtr<GSubprocess>::adopt(
      g_subprocess_launcher_spawnv(launcher.get(), arguments.data(), &raw));
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
