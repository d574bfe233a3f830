// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A live server in little: one channel, WHIP in, HLS out. It shows how to embed the elements; all
// work on media is theirs.
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <variant>

#include <glib-unix.h>
#include <gst/gst.h>

#include "channel.hpp"
#include "config.h"
#include "log.hpp"
#include "settings.hpp"
#include "web_server.hpp"

namespace {

std::string made_up_token() {
  std::random_device source;
  constexpr char kLetters[] =
      "abcdefghijkmnpqrstuvwxyz23456789";  // none that look alike; 2^5 of them
  std::string token;
  for (int i = 0; i < 16; ++i)
    token += kLetters[source() & 31];
  return token;
}

// As one types it into a browser on this machine. A browser gives the camera to pages from
// localhost or over HTTPS only.
std::string host_for_people(const std::string& address) {
  if (address == "0.0.0.0" || address == "::")
    return "127.0.0.1";
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

int fail(const std::string& text) {
  std::fprintf(stderr, "onair-live-server: %s\n", text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto read = live::read_settings(argc, argv);
  if (const auto* help = std::get_if<live::Help>(&read)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  if (const auto* mistake = std::get_if<live::Mistake>(&read)) {
    std::fprintf(stderr, "onair-live-server: %s\n", mistake->text.c_str());
    return 2;
  }
  auto settings = std::get<live::Settings>(std::move(read));
  if (settings.token.empty())
    settings.token = made_up_token();
  if (settings.pages.empty())
    settings.pages = LIVE_SERVER_PAGES;
  if (!std::filesystem::exists(settings.pages + "/watch.html"))
    return fail("The web pages are not in " + settings.pages + "; say where with --pages.");
  if (!settings.dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(settings.dir, error);
    if (error)
      return fail("The folder " + settings.dir + " can't be made: " + error.message() + ".");
    settings.dir = std::filesystem::absolute(settings.dir).string();
  }

  gst_init(nullptr, nullptr);
  live::Channel channel{settings};
  if (const auto why = channel.start(); !why.empty())
    return fail(why);
  live::WebServer web{{.pages = settings.pages,
                       .whip_port = channel.whip_port(),
                       .hls_port = channel.hls_port(),
                       .target_duration = settings.target_duration},
                      [&] { return channel.status(); }};
  if (const auto why = web.listen(settings.address, settings.port); !why.empty())
    return fail("Cannot listen on " + settings.address + ":" + std::to_string(settings.port) +
                ": " + why + ". Choose another --port.");

  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  struct Stop {
    live::Channel& channel;
    GMainLoop* loop;
    bool is_asked = false;
  } stop{channel, loop};
  const auto on_signal = [](gpointer data) -> gboolean {
    auto* asked = static_cast<Stop*>(data);
    if (asked->is_asked) {  // a second time: now
      g_main_loop_quit(asked->loop);
      return G_SOURCE_CONTINUE;
    }
    asked->is_asked = true;
    live::log_line("stopping");
    asked->channel.stop([asked] { g_main_loop_quit(asked->loop); });
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add(SIGINT, on_signal, &stop);
  g_unix_signal_add(SIGTERM, on_signal, &stop);

  const auto host = host_for_people(settings.address);
  const auto base = "http://" + host + ":" + std::to_string(web.port());
  std::printf("publish %s/publish#token=%s\n", base.c_str(), settings.token.c_str());
  std::printf("watch %s/watch\n", base.c_str());
  std::printf("whip http://%s:%u/whip\n", host.c_str(), channel.whip_port());
  std::printf("hls http://%s:%u/master.m3u8\n", host.c_str(), channel.hls_port());
  std::printf("token %s\n", settings.token.c_str());
  std::fflush(stdout);
  g_main_loop_run(loop);
  g_main_loop_unref(loop);
  live::log_line("stopped");
  return 0;
}
