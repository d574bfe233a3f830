// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// Calls a webrtcbin action and waits for its promise.
template <typename... Arguments>
GstPtr<GstPromise> call(GstElement* webrtc, const char* action, Arguments... arguments) {
  auto promise = GstPtr<GstPromise>::adopt(gst_promise_new());
  g_signal_emit_by_name(webrtc, action, arguments..., promise.get());
  gst_promise_wait(promise.get());
  return promise;
}

}  // namespace onair::test
