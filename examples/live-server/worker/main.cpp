// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One running channel of the live server: WHIP in, HLS files out. The server starts it and tells it by a socket what
// to do; another server may take it over.
#include <cstdio>
#include <optional>
#include <string>

#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <gst/gst.h>

#include "log.hpp"
#include "worker/worker.hpp"

namespace {

int fail(const char* text) {
  std::fprintf(stderr, "onair-live-worker: %s\n", text);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !live::log_format_of(argv[3]))
    return fail("The live server starts it: onair-live-worker CHANNEL CONTROL-SOCKET text|json");
  const std::string channel = argv[1];
  live::log_as(channel);
  live::log_in(*live::log_format_of(argv[3]));
  gst_init(nullptr, nullptr);
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  live::Worker worker{channel, argv[2], [loop] { g_main_loop_quit(loop); }};
  const auto on_signal = [](gpointer data) -> gboolean {
    static_cast<live::Worker*>(data)->stop("a signal");
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add(SIGINT, on_signal, &worker);
  g_unix_signal_add(SIGTERM, on_signal, &worker);
  g_main_loop_run(loop);
  g_main_loop_unref(loop);
  return worker.has_failed() ? 1 : 0;
}
