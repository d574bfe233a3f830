// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_WHIP_LISTEN_SRC (gst_whip_listen_src_get_type())
G_DECLARE_FINAL_TYPE(GstWhipListenSrc, gst_whip_listen_src, GST, WHIP_LISTEN_SRC, GstBin)

GST_ELEMENT_REGISTER_DECLARE(whiplistensrc)

G_END_DECLS
