// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

// A bin whose inside is replaced when it fails; onair::make_fallback_bin() fills one.
#define GST_TYPE_FALLBACK_BIN (gst_fallback_bin_get_type())
G_DECLARE_DERIVABLE_TYPE(GstFallbackBin, gst_fallback_bin, GST, FALLBACK_BIN, GstBin)

struct _GstFallbackBinClass {
  GstBinClass parent_class;
};

G_END_DECLS

#include <memory>

#include "fallback.hpp"

namespace onair {

// Sets up a new bin, by the application or by the type's init function, with these pads.
void fill_fallback_bin(GstFallbackBin* bin, GstPadTemplate* sink, GstPadTemplate* src,
                       std::unique_ptr<Alternatives> alternatives);
GstElement* make_fallback_bin(const char* name, std::unique_ptr<Alternatives> alternatives);
Fallback& fallback_of(GstElement* bin);

}  // namespace onair
