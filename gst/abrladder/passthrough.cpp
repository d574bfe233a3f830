// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthrough.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gst/video/video.h>

namespace onair {
namespace {

// What waits while whoever writes it waits for another layer, or for sound.
constexpr guint64 kWaiting = 10 * GST_SECOND;

}  // namespace

Passthrough::Layer Passthrough::layer(std::size_t index) {
  {
    const auto state = state_.lock();
    if (const auto known = state->layers.find(index); known != state->layers.end())
      return known->second;
  }
  const auto make = [&](const char* factory, const char* what) {
    return GstPtr<GstElement>::sink(
        gst_element_factory_make(factory, (what + std::to_string(index)).c_str()));
  };
  Layer made{.parser = make("h264parse", "layer-parser-"),
             .format = make("capsfilter", "layer-format-"),
             .queue = make("queue", "layer-written-")};
  if (!made.parser) {
    GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                      ("The element h264parse is not installed (gstreamer1.0-plugins-bad)."),
                      (nullptr));
    return {};
  }
  g_object_set(made.parser.get(), "config-interval", -1, nullptr);
  const auto caps = GstPtr<GstCaps>::adopt(
      gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
  g_object_set(made.format.get(), "caps", caps.get(), nullptr);
  g_object_set(made.queue.get(), "max-size-buffers", 0, "max-size-bytes", 0, "max-size-time",
               kWaiting, nullptr);
  gst_bin_add_many(bin_, made.parser.get(), made.format.get(), made.queue.get(), nullptr);
  gst_element_link_many(made.parser.get(), made.format.get(), made.queue.get(), nullptr);
  for (const auto& element : {made.queue, made.format, made.parser})
    gst_element_sync_state_with_parent(element.get());
  const auto state = state_.lock();
  state->layers.emplace(index, made);
  state->requests.add(index);
  return made;
}

Passthrough::~Passthrough() {
  std::vector<std::size_t> indices;
  for (const auto& [index, its] : state_.get().layers)
    indices.push_back(index);
  for (const auto index : indices)
    remove(index);
}

GstPtr<GstPad> Passthrough::sink(std::size_t index) {
  const auto its = layer(index);
  return its.parser ? GstPtr<GstPad>::adopt(gst_element_get_static_pad(its.parser.get(), "sink"))
                    : GstPtr<GstPad>{};
}

GstPtr<GstPad> Passthrough::src(std::size_t index) {
  const auto its = layer(index);
  return its.queue ? GstPtr<GstPad>::adopt(gst_element_get_static_pad(its.queue.get(), "src"))
                   : GstPtr<GstPad>{};
}

void Passthrough::remove(std::size_t index) {
  Layer gone;
  {
    const auto state = state_.lock();
    const auto found = state->layers.find(index);
    if (found == state->layers.end())
      return;
    gone = found->second;
    state->layers.erase(found);
    state->requests.remove(index);
  }
  for (const auto& element : {gone.parser, gone.format, gone.queue}) {
    gst_element_set_locked_state(element.get(), TRUE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    gst_bin_remove(bin_, element.get());
  }
}

void Passthrough::ask_for_key_frame(std::size_t index, GstEvent* request) {
  guint count = 0;
  gst_video_event_parse_upstream_force_key_unit(request, nullptr, nullptr, &count);
  std::vector<GstPtr<GstElement>> parsers;
  {
    const auto state = state_.lock();
    for (const auto to : state->requests.ask(index, count))
      parsers.push_back(state->layers.at(to).parser);
    state->sent += parsers.size();
  }
  for (const auto& parser : parsers) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(parser.get(), "sink"));
    gst_pad_push_event(pad.get(), gst_event_ref(request));
  }
}

void Passthrough::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  gst_structure_set(stats, "layers", G_TYPE_UINT, static_cast<guint>(state->layers.size()),
                    "requests", G_TYPE_UINT64, state->sent, nullptr);
}

}  // namespace onair
