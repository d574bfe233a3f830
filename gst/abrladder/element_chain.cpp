// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element_chain.hpp"

#include <algorithm>
#include <utility>

#include "alternatives.hpp"

namespace onair {

GstPtr<GstElement> make_queue(const std::string& name, guint64 most_time) {
  auto queue = GstPtr<GstElement>::sink(gst_element_factory_make("queue", name.c_str()));
  g_object_set(queue.get(), "max-size-buffers", 0, "max-size-bytes", 0, "max-size-time", most_time,
               nullptr);
  return queue;
}

GstPtr<GstElement> make_tee(const std::string& name) {
  auto tee = GstPtr<GstElement>::sink(gst_element_factory_make("tee", name.c_str()));
  g_object_set(tee.get(), "allow-not-linked", TRUE, nullptr);
  return tee;
}

GstPtr<GstElement> make_format(const std::string& name, const char* caps) {
  auto format = GstPtr<GstElement>::sink(gst_element_factory_make("capsfilter", name.c_str()));
  const auto wanted = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps));
  g_object_set(format.get(), "caps", wanted.get(), nullptr);
  return format;
}

GstPtr<GstElement> make_element(GstBin* bin, const char* factory, const std::string& name,
                                const char* package) {
  auto element = GstPtr<GstElement>::sink(gst_element_factory_make(factory, name.c_str()));
  if (!element)
    GST_ELEMENT_ERROR(bin, CORE, MISSING_PLUGIN,
                      ("The element %s is not installed (%s).", factory, package), (nullptr));
  return element;
}

std::vector<GstPtr<GstElement>> make_h264_parser(GstBin* bin, const std::string& name) {
  auto parser = make_element(bin, "h264parse", name, "gstreamer1.0-plugins-bad");
  if (parser)
    g_object_set(parser.get(), "config-interval", -1, nullptr);
  return {std::move(parser),
          make_format(name + "-format", "video/x-h264,stream-format=byte-stream,alignment=au")};
}

ElementChain::ElementChain(GstBin* bin, std::vector<GstPtr<GstElement>> elements)
    : bin_{bin}, elements_{std::move(elements)} {
  if (std::any_of(elements_.begin(), elements_.end(), [](const auto& its) { return !its; })) {
    elements_.clear();
    return;
  }
  for (const auto& element : elements_)
    gst_bin_add(bin_, element.get());
  bool is_linked = true;
  for (std::size_t i = 1; i < elements_.size(); ++i)
    is_linked = is_linked && gst_element_link(elements_[i - 1].get(), elements_[i].get());
  if (!is_linked)
    take_away();
}

GstPtr<GstPad> ElementChain::sink() const {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(front(), "sink"));
}

GstPtr<GstPad> ElementChain::src() const {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(back(), "src"));
}

void ElementChain::start() const {
  for (auto element = elements_.rbegin(); element != elements_.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
}

void ElementChain::take_away() {
  for (const auto& element : std::exchange(elements_, {}))
    onair::take_away(bin_, element);
}

}  // namespace onair
