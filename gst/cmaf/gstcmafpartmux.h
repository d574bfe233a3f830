// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CMAF_PART_MUX (gst_cmaf_part_mux_get_type())
G_DECLARE_FINAL_TYPE(GstCmafPartMux, gst_cmaf_part_mux, GST, CMAF_PART_MUX, GstElement)

GST_ELEMENT_REGISTER_DECLARE(cmafpartmux)

G_END_DECLS
