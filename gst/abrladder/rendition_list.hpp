// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>

#include <gst/gst.h>

#include "rendition.hpp"

namespace onair {

// Renditions as a GST_TYPE_ARRAY of structures, and as text for gst-launch-1.0:
//   <[hd,width=1280,height=720,fps=30,bps=2500000],[sound,video=none,audio-bps=64000]>
// An error is a sentence that names the field, what was given and what is allowed.
std::variant<Renditions, std::string> renditions_from(const GValue* array);
void set_renditions(GValue* array, const Renditions& renditions);

}  // namespace onair
