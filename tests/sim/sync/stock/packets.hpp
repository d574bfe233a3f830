// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "wire.hpp"

namespace onair::sim::sync {

constexpr unsigned payload_type(Medium medium) {
  return medium == Medium::Audio ? 96 : 97;
}
GstPtr<GstCaps> caps_of(Medium medium);
// With the arrival as its time.
GstPtr<GstBuffer> make_rtp(const Arrived& packet);
GstPtr<GstBuffer> make_rtcp(const Arrived& report);

}  // namespace onair::sim::sync
