// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_HLS_LIVE_SINK (gst_hls_live_sink_get_type())
G_DECLARE_FINAL_TYPE(GstHlsLiveSink, gst_hls_live_sink, GST, HLS_LIVE_SINK, GstBin)
GST_ELEMENT_REGISTER_DECLARE(hlslivesink)

G_END_DECLS
