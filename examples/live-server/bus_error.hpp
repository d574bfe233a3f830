// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace live {

// Why a change of state has failed, in the words of the first error on the pipeline's bus.
inline std::string first_error(GstElement* pipeline, const char* otherwise) {
  const auto bus = onair::GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline));
  const auto message =
      onair::GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
  if (!message)
    return otherwise;
  GError* raw = nullptr;
  gst_message_parse_error(message.get(), &raw, nullptr);
  const onair::ErrorPtr error{raw};
  return error->message;
}

}  // namespace live
