// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_HLS_BALANCER (gst_hls_balancer_get_type())
G_DECLARE_FINAL_TYPE(GstHlsBalancer, gst_hls_balancer, GST, HLS_BALANCER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(hlsbalancer)

G_END_DECLS
