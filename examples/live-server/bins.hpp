// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace live {

inline onair::GstPtr<GstElement> child_of(GstElement* bin, const std::string& name) {
  return onair::GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), name.c_str()));
}

inline onair::GstPtr<GstPad> ghost_of(GstElement* bin, const std::string& name,
                                      const onair::GstPtr<GstPad>& target) {
  GstPad* ghost = gst_ghost_pad_new(name.c_str(), target.get());
  gst_element_add_pad(bin, ghost);
  return onair::GstPtr<GstPad>::share(ghost);
}

inline bool is_within(GstObject* object, GstElement* bin) {
  return object &&
         (object == GST_OBJECT(bin) || gst_object_has_as_ancestor(object, GST_OBJECT(bin)));
}

// EOS stops at `pad` of `bin`, and comes as the message `name`: what is behind outlives it.
inline void stop_eos(GstPad* pad, GstElement* bin, const char* name) {
  struct Stop {
    GstElement* bin;
    const char* name;
  };
  const auto on_event = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    if (GST_EVENT_TYPE(gst_pad_probe_info_get_event(info)) != GST_EVENT_EOS)
      return GST_PAD_PROBE_OK;
    const auto* stop = static_cast<Stop*>(data);
    gst_element_post_message(
        stop->bin,
        gst_message_new_application(GST_OBJECT(stop->bin), gst_structure_new_empty(stop->name)));
    return GST_PAD_PROBE_DROP;
  };
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, new Stop{bin, name},
                    [](gpointer data) { delete static_cast<Stop*>(data); });
}

// Out of the pipeline, whatever state that is in.
inline void take_out(GstBin* pipeline, GstElement* bin) {
  gst_element_set_locked_state(bin, TRUE);
  gst_element_set_state(bin, GST_STATE_NULL);
  gst_bin_remove(pipeline, bin);
}

}  // namespace live
