// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace onair {

// Makes the stock writer of segments behind `src` cut at every key frame, and nowhere else, and ask for
// none: splitmuxsink, in hlssink2 and hlssink3 too, and hlssink. Looks through elements with one
// source pad (queues, parsers, muxers). Returns whether the writer follows this stream: it has no
// picture beside it.
bool configure_stock_sink(GstElement* self, GstPad* src);

}  // namespace onair
