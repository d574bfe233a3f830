// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "gstfallbackbin.h"

G_BEGIN_DECLS

#define GST_TYPE_FALLBACK_DECODER (gst_fallback_decoder_get_type())
G_DECLARE_FINAL_TYPE(GstFallbackDecoder, gst_fallback_decoder, GST, FALLBACK_DECODER,
                     GstFallbackBin)

GST_ELEMENT_REGISTER_DECLARE(fallbackdecoder)

G_END_DECLS
