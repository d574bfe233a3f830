// SPDX-License-Identifier: LGPL-2.1-or-later
// An origin with something to serve, until its input ends: for wrk, and for whoever wants to look at it
// from outside.   origin-server [PORT]
//   /playlist.m3u8   5 kB of text
//   /segment.ts      100 kB
//   /next.m3u8       the same text, five times a second; in between one has to wait
//
//   wrk -t1 -c100 -d10s --latency http://127.0.0.1:8080/playlist.m3u8
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "hls_source.hpp"

namespace {

using onair::GstPtr;
using onair::test::HlsSource;

std::string playlist() {
  std::string text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n";
  for (int i = 0; text.size() < 5000; ++i)
    text += "#EXT-X-PROGRAM-DATE-TIME:2024-06-01T12:00:" + std::to_string(i % 60) +
            ".000Z\n#EXTINF:1.008,\n0-" + std::to_string(i) + ".ts\n";
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const auto origin = GstPtr<GstElement>::sink(gst_element_factory_make("hlsorigin", nullptr));
  if (!origin) {
    std::fputs("There is no element hlsorigin.\n", stderr);
    return 1;
  }
  HlsSource source;
  source.set_playlist("playlist.m3u8", playlist());
  source.set("segment.ts", {.data = std::string(100'000, 's')});
  const HlsSource::Resource not_yet{
      .status = 202, .wait_for = "next.m3u8", .patience = 3 * GST_SECOND};
  source.set("next.m3u8", not_yet);
  gst_util_set_object_arg(G_OBJECT(origin.get()), "port", argc > 1 ? argv[1] : "8080");
  g_signal_emit_by_name(origin.get(), "mount", "/", source.object());
  if (gst_element_set_state(origin.get(), GST_STATE_READY) == GST_STATE_CHANGE_FAILURE)
    return 1;
  std::jthread changes{[&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds{180});
      source.set_playlist("next.m3u8", playlist());
      source.change("next.m3u8");
      std::this_thread::sleep_for(std::chrono::milliseconds{20});  // the origin asks in this time
      source.set("next.m3u8", not_yet);
    }
  }};
  while (std::getchar() != EOF) {
  }
  changes.request_stop();
  changes.join();
  gst_element_set_state(origin.get(), GST_STATE_NULL);
  return 0;
}
