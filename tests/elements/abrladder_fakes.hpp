// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace onair::test {

// Codecs that are preferred to those installed, and that misbehave: what is behind each is the one that it is
// named after.
struct FakeCodec {
  static constexpr int kNever = -1;

  bool starts = true;
  int fails_after = kNever;  // buffers, with an error message and GST_FLOW_ERROR
  int made = 0;              // so many have been
};

// As long as it lives they are nvh264enc (a real x264enc) and nvh264dec (a real avdec_h264).
class FakeCodecs {
 public:
  FakeCodecs();
  ~FakeCodecs();
  FakeCodecs(const FakeCodecs&) = delete;
  FakeCodecs& operator=(const FakeCodecs&) = delete;
};
FakeCodec& fake_encoder();
FakeCodec& fake_decoder();

// The fake encoder's thread waits in front of its next frame.
void hold_fake_encoder();
void release_fake_encoder();
bool wait_until_fake_encoder_is_held();

}  // namespace onair::test
