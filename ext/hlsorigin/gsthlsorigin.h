// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_HLS_ORIGIN (gst_hls_origin_get_type())
G_DECLARE_FINAL_TYPE(GstHlsOrigin, gst_hls_origin, GST, HLS_ORIGIN, GstElement)

GST_ELEMENT_REGISTER_DECLARE(hlsorigin)

G_END_DECLS
