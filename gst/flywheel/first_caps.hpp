// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair {

// Whether a line can begin with caps like these: sound or picture, and not both.
[[nodiscard]] bool can_begin_with(const GstCaps* wanted);

// One format out of `wanted`, whole and fixed. What that leaves open is as `accepted` has it, and
// where both do, it is ours: 48 kHz, stereo, I420, 640x360, square pixels, this frame rate. For stock
// elements refuse caps without a field that they name, such as a frame rate, or the channel mask of
// stereo. Where `accepted` has nothing of `wanted`, it does not count.
[[nodiscard]] GstPtr<GstCaps> choose_first_caps(GstCaps* wanted, GstCaps* accepted, gint rate_num,
                                                gint rate_den);

}  // namespace onair
