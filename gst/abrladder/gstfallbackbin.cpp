// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstfallbackbin.h"

using onair::Fallback;
using onair::GstPtr;

struct GstFallbackBinPrivate {
  Fallback* fallback;
};

#define gst_fallback_bin_parent_class parent_class
G_DEFINE_TYPE_WITH_PRIVATE(GstFallbackBin, gst_fallback_bin, GST_TYPE_BIN)

static Fallback* fallback_in(gpointer bin) {
  return static_cast<GstFallbackBinPrivate*>(
             gst_fallback_bin_get_instance_private(GST_FALLBACK_BIN(bin)))
      ->fallback;
}

static GstFlowReturn gst_fallback_bin_chain(GstPad*, GstObject* parent,
                                            GstBuffer* buffer) noexcept {
  return fallback_in(parent)->on_buffer(GstPtr<GstBuffer>::adopt(buffer));
}

static gboolean gst_fallback_bin_sink_event(GstPad* pad, GstObject* parent,
                                            GstEvent* event) noexcept {
  if (!GST_EVENT_IS_SERIALIZED(event))
    return gst_pad_event_default(pad, parent, event);
  return fallback_in(parent)->on_event(GstPtr<GstEvent>::adopt(event));
}

// Whoever is inside now may not be tomorrow: what is taken does not depend on it.
static gboolean gst_fallback_bin_sink_query(GstPad* pad, GstObject* parent,
                                            GstQuery* query) noexcept {
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    GstCaps* filter = nullptr;
    gst_query_parse_caps(query, &filter);
    const auto takes = fallback_in(parent)->alternatives().takes();
    const auto result = GstPtr<GstCaps>::adopt(
        filter ? gst_caps_intersect_full(filter, takes.get(), GST_CAPS_INTERSECT_FIRST)
               : gst_caps_ref(takes.get()));
    gst_query_set_caps_result(query, result.get());
    return TRUE;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    GstCaps* caps = nullptr;
    gst_query_parse_accept_caps(query, &caps);
    gst_query_set_accept_caps_result(query, fallback_in(parent)->alternatives().lets_in(caps));
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

// Before anything is inside, nothing adds to it.
static gboolean gst_fallback_bin_src_query(GstPad* pad, GstObject* parent,
                                           GstQuery* query) noexcept {
  const auto target = GstPtr<GstPad>::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad)));
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY || target)
    return gst_pad_query_default(pad, parent, query);
  const auto sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(GST_ELEMENT(parent), "sink"));
  return gst_pad_peer_query(sink.get(), query);
}

static GstFlowReturn gst_fallback_bin_pass_on(GstPad* pad, GstObject* parent,
                                              GstBuffer* buffer) noexcept {
  // The parent of the pad inside is the ghost pad.
  auto* bin = GST_OBJECT_PARENT(parent);
  return fallback_in(bin)->pass_on(pad, parent, buffer);
}

static void gst_fallback_bin_handle_message(GstBin* bin, GstMessage* message) noexcept {
  auto* fallback = fallback_in(bin);
  if (fallback && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    fallback->on_error(message);
    gst_message_unref(message);
    return;
  }
  GST_BIN_CLASS(parent_class)->handle_message(bin, message);
}

static GstStateChangeReturn gst_fallback_bin_change_state(GstElement* element,
                                                          GstStateChange transition) noexcept {
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    // A thread that came as the pads were closed may still be on its way out.
    const auto sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
    GST_PAD_STREAM_LOCK(sink.get());
    fallback_in(element)->forget();
    GST_PAD_STREAM_UNLOCK(sink.get());
  }
  return result;
}

static void gst_fallback_bin_finalize(GObject* object) noexcept {
  delete fallback_in(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_fallback_bin_init(GstFallbackBin*) {}

static void gst_fallback_bin_class_init(GstFallbackBinClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = gst_fallback_bin_finalize;
  GST_ELEMENT_CLASS(klass)->change_state = gst_fallback_bin_change_state;
  GST_BIN_CLASS(klass)->handle_message = gst_fallback_bin_handle_message;
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Fallback", "Generic/Bin",
                                        "Replaces what is inside when it fails",
                                        "The gst-onair developers");
}

namespace onair {

void fill_fallback_bin(GstFallbackBin* bin, GstPadTemplate* sink, GstPadTemplate* src,
                       std::unique_ptr<Alternatives> alternatives) {
  const auto make = [](const char* name, GstPadDirection direction, GstPadTemplate* templ) {
    return templ ? gst_ghost_pad_new_no_target_from_template(name, templ)
                 : gst_ghost_pad_new_no_target(name, direction);
  };
  GstPad* sink_pad = make("sink", GST_PAD_SINK, sink);
  GstPad* src_pad = make("src", GST_PAD_SRC, src);
  static_cast<GstFallbackBinPrivate*>(gst_fallback_bin_get_instance_private(bin))->fallback =
      new Fallback{GST_BIN(bin), sink_pad, src_pad, std::move(alternatives)};
  gst_pad_set_chain_function(sink_pad, gst_fallback_bin_chain);
  gst_pad_set_chain_list_function(sink_pad, nullptr);
  gst_pad_set_event_function(sink_pad, gst_fallback_bin_sink_event);
  gst_pad_set_query_function(sink_pad, gst_fallback_bin_sink_query);
  gst_pad_set_query_function(src_pad, gst_fallback_bin_src_query);
  const auto inner = GstPtr<GstProxyPad>::adopt(gst_proxy_pad_get_internal(GST_PROXY_PAD(src_pad)));
  gst_pad_set_chain_function(GST_PAD_CAST(inner.get()), gst_fallback_bin_pass_on);
  gst_pad_set_chain_list_function(GST_PAD_CAST(inner.get()), nullptr);
  gst_element_add_pad(GST_ELEMENT(bin), sink_pad);
  gst_element_add_pad(GST_ELEMENT(bin), src_pad);
}

GstElement* make_fallback_bin(const char* name, std::unique_ptr<Alternatives> alternatives) {
  auto* bin = GST_FALLBACK_BIN(g_object_new(GST_TYPE_FALLBACK_BIN, "name", name, nullptr));
  fill_fallback_bin(bin, nullptr, nullptr, std::move(alternatives));
  return GST_ELEMENT(bin);
}

Fallback& fallback_of(GstElement* bin) {
  return *fallback_in(bin);
}

}  // namespace onair
