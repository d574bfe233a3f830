// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

namespace onair::test {

// "caps", "eos"; of a custom event, what its structure is called.
inline std::string event_name(GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      return gst_structure_get_name(gst_event_get_structure(event));
    default:
      return GST_EVENT_TYPE_NAME(event);
  }
}

}  // namespace onair::test
