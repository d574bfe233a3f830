// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SORA_LISTEN_SRC (gst_sora_listen_src_get_type())
G_DECLARE_FINAL_TYPE(GstSoraListenSrc, gst_sora_listen_src, GST, SORA_LISTEN_SRC, GstBin)

GST_ELEMENT_REGISTER_DECLARE(soralistensrc)

G_END_DECLS
