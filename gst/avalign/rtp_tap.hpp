// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair {

// A probe on the sink pad of a stock rtpjitterbuffer, which hands on the packets it was given but
// not when they came: it writes RTP time and arrival onto each packet that goes in, as
// rtpadaptivejitterbuffer does on what comes out.
class RtpTap {
 public:
  // The input of a stock jitter buffer upstream of `sink`, behind elements with one input and in
  // rtpbin; null where there is none. Any thread; no lock is held.
  [[nodiscard]] static GstPtr<GstPad> find_place(GstPad* sink);

  explicit RtpTap(GstPtr<GstPad> place);
  ~RtpTap();

  RtpTap(const RtpTap&) = delete;
  RtpTap& operator=(const RtpTap&) = delete;

  [[nodiscard]] GstPad* pad() const { return pad_.get(); }

 private:
  const GstPtr<GstPad> pad_;
  const gulong probe_;
};

}  // namespace onair
