// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include <gst/gst.h>

namespace live {

// What the log says of a warning, or of a rendition whose frame rate changes; nothing of other messages. One
// line.
std::optional<std::string> line_for(GstMessage* message);

}  // namespace live
