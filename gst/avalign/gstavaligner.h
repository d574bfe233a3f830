// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_AV_ALIGNER (gst_av_aligner_get_type())
G_DECLARE_FINAL_TYPE(GstAvAligner, gst_av_aligner, GST, AV_ALIGNER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(avaligner)

G_END_DECLS
