// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/properties.hpp"

namespace onair {

// What the properties set; the values here are their defaults. Times in nanoseconds.
struct FlywheelSettings {
  guint64 max_wait = GST_SECOND;
  guint64 tolerance = GST_MSECOND;
  guint64 slate_after = 3 * GST_SECOND;
  guint64 max_queue = GST_SECOND;
  std::string slate_location;
  gint fill_num = 30;
  gint fill_den = 1;
  GstPtr<GstCaps> caps;
};

// The numbers, in the order of their ids from 1 on.
std::span<const Property<FlywheelSettings>> flywheel_properties();

}  // namespace onair
