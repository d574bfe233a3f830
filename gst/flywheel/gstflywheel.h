// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_FLYWHEEL (gst_flywheel_get_type())
G_DECLARE_FINAL_TYPE(GstFlywheel, gst_flywheel, GST, FLYWHEEL, GstElement)

GST_ELEMENT_REGISTER_DECLARE(flywheel)

G_END_DECLS
