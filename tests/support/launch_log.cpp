// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a pipeline as gst-launch-1.0 does, and says of each buffer that passes an identity whose name
// begins with "log" where it belongs in time, as a line of JSON:
//
//   launch-log 'udpsrc … ! rtpadaptivejitterbuffer ! … ! identity name=log-video ! …'
//   {"at":"log-video","pts":…,"size":…,"rtp":…,"arrival":…,"ntp":…}
//
// in nanoseconds; what is unknown is null. A name that begins with "stats" has its stats property
// told each second, and so has an origin inside hlslivesink. SIGINT ends it cleanly.
#include <cinttypes>
#include <cstdio>
#include <string>

#include <glib-unix.h>
#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace {

using onair::GMemory;
using onair::GstPtr;

std::string to_text(GstClockTime time) {
  return GST_CLOCK_TIME_IS_VALID(time) ? std::to_string(time) : "null";
}

std::string time_of(GstBuffer* buffer, const char* kind) {
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(kind));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, caps.get());
  return meta ? to_text(meta->timestamp) : "null";
}

GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const GMemory<char> name{gst_object_get_name(GST_OBJECT_PARENT(pad))};
  std::printf("{\"at\":\"%s\",\"pts\":%s,\"size\":%zu,\"rtp\":%s,\"arrival\":%s,\"ntp\":%s}\n",
              name.get(), to_text(GST_BUFFER_PTS(buffer)).c_str(), gst_buffer_get_size(buffer),
              time_of(buffer, "timestamp/x-rtp").c_str(),
              time_of(buffer, "timestamp/x-arrival").c_str(),
              time_of(buffer, "timestamp/x-ntp").c_str());
  return GST_PAD_PROBE_OK;
}

template <typename Visit>
void for_each_element(GstBin* bin, const char* prefix, Visit visit) {
  GstIterator* elements = gst_bin_iterate_recurse(bin);
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(elements, &item) == GST_ITERATOR_OK) {
    auto* element = GST_ELEMENT(g_value_get_object(&item));
    if (g_str_has_prefix(GST_OBJECT_NAME(element), prefix))
      visit(element);
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(elements);
}

gboolean tell_stats(gpointer data) {
  const auto tell = [](GstElement* element) {
    GstStructure* stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    const GMemory<char> text{stats ? gst_structure_to_string(stats) : g_strdup("none")};
    const GMemory<char> escaped{g_strescape(text.get(), nullptr)};
    std::printf("{\"at\":\"%s\",\"time\":%" PRId64 ",\"stats\":\"%s\"}\n", GST_OBJECT_NAME(element),
                g_get_real_time(), escaped.get());
    g_clear_pointer(&stats, gst_structure_free);
  };
  for_each_element(GST_BIN(data), "stats", tell);
  for_each_element(GST_BIN(data), "origin", tell);
  std::fflush(stdout);
  return G_SOURCE_CONTINUE;
}

struct Run {
  GstElement* pipeline;
  GMainLoop* loop;
  int result = 0;
};

gboolean on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* run = static_cast<Run*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    GMemory<char> details;
    char* raw = nullptr;
    gst_message_parse_error(message, &error, &raw);
    details.reset(raw);
    std::fprintf(stderr, "%s: %s\n%s\n", GST_OBJECT_NAME(message->src), error->message,
                 raw ? raw : "");
    g_error_free(error);
    run->result = 1;
    g_main_loop_quit(run->loop);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    g_main_loop_quit(run->loop);
  }
  return G_SOURCE_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: launch-log PIPELINE\n");
    return 2;
  }
  GError* error = nullptr;
  const auto pipeline = GstPtr<GstElement>::sink(
      gst_parse_launch_full(argv[1], nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error));
  if (error) {
    std::fprintf(stderr, "%s\n", error->message);
    g_error_free(error);
    return 2;
  }
  for_each_element(GST_BIN(pipeline.get()), "log", [](GstElement* element) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer, nullptr, nullptr);
  });
  Run run{pipeline.get(), g_main_loop_new(nullptr, FALSE)};
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  gst_bus_add_watch(bus.get(), on_message, &run);
  const auto on_signal = [](gpointer data) -> gboolean {
    gst_element_send_event(GST_ELEMENT(data), gst_event_new_eos());
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add(SIGINT, on_signal, pipeline.get());
  g_timeout_add_seconds(1, tell_stats, pipeline.get());
  if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return 1;
  std::printf("{\"at\":\"started\"}\n");
  std::fflush(stdout);
  g_main_loop_run(run.loop);
  tell_stats(pipeline.get());
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  gst_bus_remove_watch(bus.get());
  g_main_loop_unref(run.loop);
  return run.result;
}
