// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include <gst/gst.h>

#include "aligner.hpp"
#include "glue/properties.hpp"

namespace onair {

// What the properties set; the values here are their defaults. Times in nanoseconds.
struct AlignerSettings {
  gint64 audio_delay = 0;
  gint64 video_lag = 0;
  gint64 lead = 0;
  guint64 max_disagreement = 250 * GST_MSECOND;
  bool adjust_frames = false;
  Aligner::Trust trust = Aligner::Trust::Auto;
};

// All but `trust`, in the order of their ids from 1 on.
std::span<const Property<AlignerSettings>> aligner_properties();

Aligner::Config to_core(const AlignerSettings& settings);

}  // namespace onair
