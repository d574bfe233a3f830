// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include <gst/gst.h>

#include "cut/cut_scheduler.hpp"
#include "glue/properties.hpp"

namespace onair {

enum class CutAnchor { Start, Epoch };

// What the properties set; the values here are their defaults. Times in nanoseconds.
struct BalancerSettings {
  guint64 target_duration = GST_SECOND;
  gint64 phase = 0;
  guint64 max_wait = 2 * GST_SECOND;
  guint64 request_ahead = 3 * GST_SECOND;
  bool snap = true;
  bool configure_sink = true;
  CutScheduler::Mode mode = CutScheduler::Mode::Encode;
  CutAnchor anchor = CutAnchor::Start;
};

// All but `mode` and `anchor`, in the order of their ids from 1 on.
std::span<const Property<BalancerSettings>> balancer_properties();

CutScheduler::Config to_core(const BalancerSettings& settings);

}  // namespace onair
