// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a pipeline, given as to gst-launch-1.0, to its end, and says how long it played, and of each abrladder which
// decoder it had, how many frames came out, and where the pictures were when they were scaled. For ladder_gpu.sh.
#include <cstdio>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace {

using onair::ErrorPtr;
using onair::GstPtr;
using onair::StructurePtr;

std::vector<GstPtr<GstElement>> all(GstElement* bin, const char* factory) {
  std::vector<GstPtr<GstElement>> found;
  GstIterator* iterator = gst_bin_iterate_all_by_element_factory_name(GST_BIN(bin), factory);
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(iterator, &item) == GST_ITERATOR_OK) {
    found.push_back(GstPtr<GstElement>::share(GST_ELEMENT(g_value_get_object(&item))));
    g_value_unset(&item);
  }
  gst_iterator_free(iterator);
  return found;
}

bool takes_cuda(GstElement* scaler) {
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(scaler, "sink"));
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad.get()));
  return caps && gst_caps_features_contains(gst_caps_get_features(caps.get(), 0),
                                            "memory:CUDAMemory") == TRUE;
}

void say(GstElement* ladder) {
  GstStructure* raw = nullptr;
  g_object_get(ladder, "stats", &raw, nullptr);
  const StructurePtr stats{raw};
  guint64 frames = 0;
  for (int i = 0; i < gst_structure_n_fields(stats.get()); ++i) {
    const auto* value = gst_structure_get_value(
        stats.get(), gst_structure_nth_field_name(stats.get(), static_cast<guint>(i)));
    guint64 its = 0;
    if (GST_VALUE_HOLDS_STRUCTURE(value) &&
        gst_structure_get_uint64(gst_value_get_structure(value), "frames-out", &its))
      frames += its;
  }
  std::size_t on_gpu = 0;
  std::size_t in_memory = 0;
  for (const char* factory : {"cudaconvertscale", "videoconvertscale"})
    for (const auto& scaler : all(ladder, factory))
      ++(takes_cuda(scaler.get()) ? on_gpu : in_memory);
  std::printf("%s: video-decoder=%s frames=%" G_GUINT64_FORMAT
              " scaled-on-gpu=%zu scaled-in-memory=%zu\n",
              GST_OBJECT_NAME(ladder), gst_structure_get_string(stats.get(), "video-decoder"),
              frames, on_gpu, in_memory);
}

// Until the end of the stream, an error, or the state that is waited for.
GstPtr<GstMessage> wait(GstElement* pipeline, GstMessageType what) {
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline));
  return GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
      bus.get(), GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(what | GST_MESSAGE_ERROR)));
}

int fail(GstMessage* message) {
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  const ErrorPtr error{raw};
  std::fprintf(stderr, "%s: %s\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  GError* raw = nullptr;
  const auto pipeline =
      GstPtr<GstElement>::sink(gst_parse_launchv(const_cast<const gchar**>(argv + 1), &raw));
  if (const ErrorPtr error{raw}; error || !pipeline) {
    std::fprintf(stderr, "%s\n", error ? error->message : "no pipeline");
    return 1;
  }
  // What starts codecs is no part of what is measured.
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  const auto prerolled = wait(pipeline.get(), GST_MESSAGE_ASYNC_DONE);
  int result = GST_MESSAGE_TYPE(prerolled.get()) == GST_MESSAGE_ERROR ? fail(prerolled.get()) : 0;
  if (result == 0) {
    const auto from = g_get_monotonic_time();
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto ended = wait(pipeline.get(), GST_MESSAGE_EOS);
    result = GST_MESSAGE_TYPE(ended.get()) == GST_MESSAGE_ERROR ? fail(ended.get()) : 0;
    std::printf("seconds=%.3f\n", static_cast<double>(g_get_monotonic_time() - from) / 1e6);
    for (const auto& ladder : all(pipeline.get(), "abrladder"))
      say(ladder.get());
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return result;
}
