// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stock_sink.hpp"

#include <initializer_list>
#include <optional>

#include "glue/gstptr.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_balancer_debug);
#define GST_CAT_DEFAULT gst_hls_balancer_debug

namespace onair {
namespace {

// Queue, parser, muxer, queue: a writer is not further away.
constexpr int kMostHops = 8;

const char* factory_name(GstElement* element) {
  const auto* factory = gst_element_get_factory(element);
  return factory ? GST_OBJECT_NAME(factory) : "";
}

bool is(GstElement* element, const char* factory) {
  return g_strcmp0(factory_name(element), factory) == 0;
}

void set(GstElement* element, const char* property, const char* value) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
    gst_util_set_object_arg(G_OBJECT(element), property, value);
}

GstPtr<GstElement> splitmuxsink_in(GstElement* element) {
  if (is(element, "splitmuxsink"))
    return GstPtr<GstElement>::share(element);
  if (!GST_IS_BIN(element))
    return {};
  auto* elements = gst_bin_iterate_all_by_element_factory_name(GST_BIN(element), "splitmuxsink");
  GValue value = G_VALUE_INIT;
  GstPtr<GstElement> found;
  if (gst_iterator_next(elements, &value) == GST_ITERATOR_OK) {
    found = GstPtr<GstElement>::share(GST_ELEMENT(g_value_get_object(&value)));
    g_value_unset(&value);
  }
  gst_iterator_free(elements);
  return found;
}

bool has_video_pad(GstElement* splitmuxsink) {
  for (const char* name : {"video", "video_aux_0"})
    if (GstPtr<GstPad>::adopt(gst_element_get_static_pad(splitmuxsink, name)))
      return true;
  return false;
}

// What the sink pad's element hands it on to.
GstPtr<GstPad> behind(GstElement* element) {
  GST_OBJECT_LOCK(element);
  const bool has_one = element->numsrcpads == 1;
  auto src = has_one ? GstPtr<GstPad>::share(GST_PAD(element->srcpads->data)) : GstPtr<GstPad>{};
  GST_OBJECT_UNLOCK(element);
  return src;
}

}  // namespace

bool configure_stock_sink(GstElement* self, GstPad* src) {
  auto from = GstPtr<GstPad>::share(src);
  for (int hop = 0; from && hop < kMostHops; ++hop) {
    const auto peer = GstPtr<GstPad>::adopt(gst_pad_get_peer(from.get()));
    // A proxy pad has a pad for its parent: the next one.
    auto parent =
        peer ? GstPtr<GstObject>::adopt(gst_pad_get_parent(peer.get())) : GstPtr<GstObject>{};
    if (!parent || !GST_IS_ELEMENT(parent.get()))
      return false;
    auto* element = GST_ELEMENT(parent.get());
    if (is(element, "hlssink")) {
      set(element, "target-duration", "0");
      GST_INFO_OBJECT(self, "%s: target-duration=0", GST_OBJECT_NAME(element));
      return false;
    }
    if (const auto writer = splitmuxsink_in(element)) {
      set(element, "send-keyframe-requests", "false");
      set(writer.get(), "send-keyframe-requests", "false");
      set(writer.get(), "max-size-bytes", "0");
      set(writer.get(), "max-size-time", "1");
      GST_INFO_OBJECT(self, "%s: max-size-time=1 max-size-bytes=0 send-keyframe-requests=false",
                      GST_OBJECT_NAME(writer.get()));
      return !has_video_pad(writer.get());
    }
    from = behind(element);
  }
  return false;
}

}  // namespace onair
