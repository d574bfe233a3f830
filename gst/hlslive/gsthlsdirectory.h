// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_HLS_DIRECTORY (gst_hls_directory_get_type())
G_DECLARE_FINAL_TYPE(GstHlsDirectory, gst_hls_directory, GST, HLS_DIRECTORY, GstElement)
GST_ELEMENT_REGISTER_DECLARE(hlsdirectory)

G_END_DECLS
