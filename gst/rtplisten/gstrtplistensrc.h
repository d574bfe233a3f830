// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_RTP_LISTEN_SRC (gst_rtp_listen_src_get_type())
G_DECLARE_FINAL_TYPE(GstRtpListenSrc, gst_rtp_listen_src, GST, RTP_LISTEN_SRC, GstBin)

GST_ELEMENT_REGISTER_DECLARE(rtplistensrc)

G_END_DECLS
