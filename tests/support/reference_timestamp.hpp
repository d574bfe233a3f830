// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// The value of the buffer's reference timestamp meta of this media type; none: there is none.
inline std::optional<GstClockTime> reference_timestamp(GstBuffer* buffer, const char* type) {
  const auto reference = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(type));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, reference.get());
  return meta ? std::optional{meta->timestamp} : std::nullopt;
}

}  // namespace onair::test
