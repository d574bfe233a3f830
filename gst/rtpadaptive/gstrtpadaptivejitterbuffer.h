// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER (gst_rtp_adaptive_jitter_buffer_get_type())
G_DECLARE_FINAL_TYPE(GstRtpAdaptiveJitterBuffer, gst_rtp_adaptive_jitter_buffer, GST,
                     RTP_ADAPTIVE_JITTER_BUFFER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(rtpadaptivejitterbuffer)

G_END_DECLS
