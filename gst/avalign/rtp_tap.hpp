// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

namespace onair {

// A probe on the sink pad of a stock rtpjitterbuffer, which hands on the packets it was given but
// not when they came: it writes RTP time and arrival onto each packet that goes in, as
// rtpadaptivejitterbuffer does on what comes out.
class RtpTap {
 public:
  // Looks upstream of `sink`, through elements with one input and through rtpbin. Nothing where there
  // is no stock jitter buffer. Any thread; no lock is held.
  [[nodiscard]] static std::unique_ptr<RtpTap> find(GstPad* sink);
  ~RtpTap();

  RtpTap(const RtpTap&) = delete;
  RtpTap& operator=(const RtpTap&) = delete;

 private:
  RtpTap(GstPad* pad, gulong probe) : pad_{pad}, probe_{probe} {}

  GstPad* pad_;  // owned
  gulong probe_;
};

}  // namespace onair
