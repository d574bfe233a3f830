// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "key_frame_requests.hpp"
#include "on_a_thread.hpp"
#include "paired_stream.hpp"
#include "structure_fields.hpp"

namespace onair::test {

constexpr Duration kSoundFrame{24ms};  // MP3 at 48 kHz

class BalancerBench;

// One pair of pads. Buffers are named by their kind and PTS: "K1000" a key frame, "D1040" another picture, "S1008" sound
// that says to be a key frame, "s1032" sound that does not, "E2016" nothing, marked as a gap; with "!"
// behind where it is flagged as a discontinuity.
class BalancerStream : public PairedStream {
 public:
  BalancerStream(BalancerBench& bench, const char* name);

  void open(const std::string& caps = {});  // empty: the caps of its kind

  GstFlowReturn sound(Duration pts, Duration duration = kSoundFrame);
  GstFlowReturn sounds(Duration from, Duration to);
  GstFlowReturn key(Duration pts, Duration dts = Duration::min());
  GstFlowReturn picture(Duration pts, Duration dts = Duration::min());
  // As an encoder does: a key frame where one was asked for.
  GstFlowReturn encode(Duration pts);
  GstFlowReturn encode(Duration from, Duration to, Duration spacing);

  // What came out, with "|1@1008" for the announcement of boundary 1 at 1008 ms, without stream-start,
  // caps and segment.
  std::string out_order();
  // Of that, each announcement and the buffer behind it: "1@1008 K1008".
  std::vector<std::string> cuts();
  // Requests for key frames that went upstream, in ms; "now" for those at once.
  std::vector<std::string> requests();

 private:
  GstFlowReturn push(Duration pts, Duration dts, Duration duration, bool is_delta);

  KeyFrameRequests requests_;
};

// One hlsbalancer with a clock that stands still until the test moves it.
class BalancerBench : public ElementBench {
 public:
  explicit BalancerBench(const std::string& properties = {}, GstState state = GST_STATE_PLAYING);
  ~BalancerBench();

  BalancerStream& add(const char* name, const std::string& caps = {});
  void give_back(BalancerStream& stream);  // the pad; what it was linked to stays

 private:
  std::vector<std::unique_ptr<BalancerStream>> streams_;
};

}  // namespace onair::test
