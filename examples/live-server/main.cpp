// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The live server: WHIP in, HLS out; one channel, or many by an API. It shows how to embed the elements; all work on
// media is theirs.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include <glib-unix.h>
#include <gst/gst.h>

#include "channel.hpp"
#include "config.h"
#include "log.hpp"
#include "random_text.hpp"
#include "server/channel_server.hpp"
#include "server/front.hpp"
#include "server/origin.hpp"
#include "service_manager.hpp"
#include "settings.hpp"
#include "tls_certificate.hpp"
#include "web_server.hpp"

namespace {

// As one types it into a browser on this machine. A browser gives the camera to pages from
// localhost or over HTTPS only.
std::string host_for_people(const std::string& address) {
  if (address == "0.0.0.0" || address == "::")
    return "127.0.0.1";
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

int fail(const std::string& text) {
  if (live::log_format() == live::LogFormat::Structured)
    live::log_error("%s", text.c_str());
  else
    std::fprintf(stderr, "onair-live-server: %s\n", text.c_str());
  return 1;
}

// Until a signal asks for the end, and `stop` has called back; a second one ends at once.
void run(std::function<void(std::function<void()> done)> stop) {
  struct Loop {
    GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
    live::ServiceManager manager;
    std::function<void(std::function<void()>)> stop;
    bool is_asked = false;
  } run{.stop = std::move(stop)};
  const auto on_signal = [](gpointer data) -> gboolean {
    auto* its = static_cast<Loop*>(data);
    const auto quit = [its] { g_main_loop_quit(its->loop); };
    live::log_line(its->is_asked ? "stopping now" : "stopping");
    its->manager.on_stopping();
    if (std::exchange(its->is_asked, true))
      quit();
    else
      its->stop(quit);
    return G_SOURCE_CONTINUE;
  };
  const guint signals[] = {g_unix_signal_add(SIGINT, on_signal, &run),
                           g_unix_signal_add(SIGTERM, on_signal, &run)};
  std::fflush(stdout);
  run.manager.on_ready();
  g_main_loop_run(run.loop);
  for (const auto id : signals)
    g_source_remove(id);
  g_main_loop_unref(run.loop);
  live::log_line("stopped");
}

std::string cannot_listen(const live::Settings& settings, const std::string& why) {
  return "Cannot listen on " + settings.address + ":" + std::to_string(settings.port) + ": " + why +
         ". Choose another --port.";
}

// One channel in this process.
int run_channel(const live::Settings& settings) {
  if (!settings.origin)
    return fail("Viewers of this channel need its origin: --no-origin is for workers.");
  if (settings.disk_quota != 0)
    return fail("--disk-quota is for channels of the API: give --data.");
  live::Channel channel{settings};
  if (const auto why = channel.start(); !why.empty())
    return fail(why);
  live::WebServer web{{.pages = settings.pages,
                       .whip_port = channel.whip_port(),
                       .hls_port = channel.hls_port(),
                       .target_duration = settings.target_duration},
                      [&] { return channel.status(); }};
  if (const auto why = web.listen(settings.address, settings.port); !why.empty())
    return fail(cannot_listen(settings, why));
  const auto host = host_for_people(settings.address);
  const auto base = "http://" + host + ":" + std::to_string(web.port());
  std::printf("publish %s/publish#token=%s\n", base.c_str(), settings.token.c_str());
  std::printf("watch %s/watch\n", base.c_str());
  std::printf("whip http://%s:%u/whip\n", host.c_str(), channel.whip_port());
  std::printf("hls http://%s:%u/master.m3u8\n", host.c_str(), channel.hls_port());
  std::printf("token %s\n", settings.token.c_str());
  run([&channel](auto done) { channel.stop(std::move(done)); });
  return 0;
}

// The certificate in the settings' files, and who answers by it.
struct TlsUse {
  const live::Settings& settings;
  live::Front& front;
  live::Origin& origin;

  // Also when files have changed. Empty, or why they can't be used: all stays as it was.
  [[nodiscard]] std::string read() {
    if (settings.tls_certificate.empty())
      return {};
    auto loaded = live::load_tls_certificate(settings.tls_certificate, settings.tls_key);
    if (auto* why = std::get_if<std::string>(&loaded))
      return std::move(*why);
    const auto& certificate = std::get<onair::GstPtr<GTlsCertificate>>(loaded);
    front.use(certificate);
    if (settings.hls_url.empty())  // else a cache is in front, which asks without TLS
      origin.use(certificate);
    return {};
  }
};

// Any number of channels, each in a process of its own while somebody publishes.
int run_channels(const live::Settings& settings) {
  live::EventStreams events;
  live::Metrics metrics;
  live::ChannelServer channels{settings, events, metrics};
  if (onair::GstPtr<GstElementFactory>::adopt(gst_element_factory_find("soralistensrc")))
    channels.set_sora_url(live::SoraFront::kPath);
  channels.set_has_rtp(static_cast<bool>(
      onair::GstPtr<GstElementFactory>::adopt(gst_element_factory_find("rtplistensrc"))));
  if (const auto why = channels.open(); !why.empty())
    return fail(why);
  live::Origin origin;
  live::Front front{settings, channels, origin, events, metrics, {settings.api_token}};
  TlsUse tls{settings, front, origin};
  if (const auto why = tls.read(); !why.empty())
    return fail(why);
  if (const auto why =
          origin.listen(channels.hls_folder(), settings.address, hls_port_of(settings));
      !why.empty())
    return fail(why);
  channels.set_playlist_root(settings.hls_url.empty() ? ":" + std::to_string(origin.port())
                                                      : settings.hls_url);
  if (const auto why = front.listen(); !why.empty())
    return fail(cannot_listen(settings, why));
  const auto base = (settings.tls_certificate.empty() ? "http://" : "https://") +
                    host_for_people(settings.address) + ":" + std::to_string(front.port());
  std::printf("channels %s/#token=%s\n", base.c_str(), settings.api_token.c_str());
  std::printf("api %s/v1/channels\n", base.c_str());
  std::printf("api-token %s\n", settings.api_token.c_str());
  const auto on_hangup = [](gpointer data) -> gboolean {
    const auto why = static_cast<TlsUse*>(data)->read();
    if (why.empty())
      live::log_line("files are read again");
    else
      live::log_error("%s The certificate stays as it was.", why.c_str());
    return G_SOURCE_CONTINUE;
  };
  const auto hangup = g_unix_signal_add(SIGHUP, on_hangup, &tls);
  run([&channels](auto done) { channels.close(std::move(done)); });
  g_source_remove(hangup);
  return 0;
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
  live::log_in(*live::log_format_of(settings.log_format));
  for (auto* token : {&settings.token, &settings.api_token})
    if (token->empty())
      *token = live::random_text(16);
  if (settings.pages.empty())
    settings.pages = LIVE_SERVER_PAGES;
  if (!std::filesystem::exists(settings.pages + "/watch.html"))
    return fail("The web pages are not in " + settings.pages + "; say where with --pages.");
  for (auto* folder : {&settings.dir, &settings.archive, &settings.data}) {
    if (folder->empty())
      continue;
    std::error_code error;
    std::filesystem::create_directories(*folder, error);
    if (error)
      return fail("The folder " + *folder + " can't be made: " + error.message() + ".");
    *folder = std::filesystem::absolute(*folder).string();
  }

  gst_init(nullptr, nullptr);
  return settings.data.empty() ? run_channel(settings) : run_channels(settings);
}
