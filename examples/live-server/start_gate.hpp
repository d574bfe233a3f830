// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace live {

// Holds the third picture of a broadcast back until a key frame has been asked for. A picture that has been waited for
// comes all at once, a second of it or two; hlsbalancer, which meets the first frame behind encoders and queues, would
// ask for the key frame of the next boundary when that has long been passed, and the first segment would be too long.
// Not the second one: x264enc gives out a picture when it has the next one, where caps have no frame rate.
class StartGate {
 public:
  // For lack of a request. Encoders that have still to be set up took a second for their first picture on a busy machine.
  static constexpr GstClockTime kMostWait = 2 * GST_SECOND;
  static constexpr int kAtOnce = 2;

  // `pictures`: where they flow to the encoders. `ends`: source pads behind these.
  StartGate(const onair::GstPtr<GstPad>& pictures, const std::vector<onair::GstPtr<GstPad>>& ends);
  // Nobody waits any more.
  ~StartGate();
  StartGate(const StartGate&) = delete;
  StartGate& operator=(const StartGate&) = delete;

 private:
  struct State;
  static GstPadProbeReturn on_picture(GstPad* pad, GstPadProbeInfo* info, gpointer state);
  static GstPadProbeReturn on_request(GstPad* pad, GstPadProbeInfo* info, gpointer state);

  std::shared_ptr<State> state_;
};

}  // namespace live
