// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>
#include <gst/video/video.h>

#include "glue/gstptr.hpp"

namespace onair {

// A decoded image file, or why there is none.
struct Picture {
  GstPtr<GstSample> sample;
  std::string error;
};

// Decodes PNG, JPEG or whatever stock elements can. Waits for it, 5 s at most.
[[nodiscard]] Picture load_picture(const std::string& location);

// The picture as a frame of this format: whole, in its own proportions, with black around it.
// Without a picture it is all black. Null for a format that has no pixels to be written.
[[nodiscard]] GstPtr<GstBuffer> paint_slate(const GstVideoInfo& info, GstSample* picture);

}  // namespace onair
