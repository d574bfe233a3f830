// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One running channel of the live server: WHIP in, HLS files out. The server starts it and tells it by a socket what
// to do; another server may take it over.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

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

// Those of audio=3 and so on.
live::RtpSockets sockets_of(const std::vector<std::string>& arguments) {
  live::RtpSockets sockets;
  for (const auto& text : arguments) {
    const auto equals = std::min(text.find('='), text.size());
    const int fd = std::atoi(text.c_str() + std::min(equals + 1, text.size()));
    auto socket = onair::GstPtr<GSocket>::adopt(g_socket_new_from_fd(fd, nullptr));
    if (socket)
      sockets[text.substr(0, equals)] = std::move(socket);
    else
      live::log_warning("%s is no socket", text.c_str());
  }
  return sockets;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || !live::log_format_of(argv[3]))
    return fail(
        "The live server starts it: onair-live-worker CHANNEL CONTROL-SOCKET text|json "
        "[NAME=FD]...");
  const std::string channel = argv[1];
  live::log_as(channel);
  live::log_in(*live::log_format_of(argv[3]));
  gst_init(nullptr, nullptr);
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  live::Worker worker{channel, argv[2], sockets_of({argv + 4, argv + argc}),
                      [loop] { g_main_loop_quit(loop); }};
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
