// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "iso_boxes.hpp"
#include "pad_feeder.hpp"
#include "pad_recorder.hpp"

namespace onair::test {

inline constexpr const char* kAvcCaps =
    "video/"
    "x-h264,stream-format=avc,alignment=au,width=640,height=360,codec_data=(buffer)0142c01effe000";
inline constexpr const char* kAacCaps =
    "audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate=48000,channels=2,"
    "codec_data=(buffer)1190";
inline constexpr const char* kMp3Caps =
    "audio/mpeg,mpegversion=1,layer=3,mpegaudioversion=1,parsed=true,rate=48000,channels=2";

// One sink pad and what feeds it.
class MuxedStream : public PadFeeder {
 public:
  MuxedStream(GstElement* element, const char* name);
  ~MuxedStream();

  // Without `caps`, those of its kind; an empty one: none.
  void open(const std::optional<std::string>& caps = std::nullopt);
  // The text is what the frame is made of.
  GstFlowReturn frame(Duration pts, const std::string& data, bool is_key = true,
                      Duration duration = Duration::min());
  bool mark(int part, std::optional<Duration> end = std::nullopt);
  void give_back();

 private:
  GstElement* const element_;
  GstPtr<GstPad> in_;
  const bool is_video_;
};

// One cmafpartmux, fed by the test's thread. What comes out is named "init", "fragment" or, begun by no
// key frame, "fragment-"; the marker of part 3 "part3".
class PartMuxBench : public ElementBench {
 public:
  PartMuxBench();
  ~PartMuxBench();

  MuxedStream& add(const char* name);
  PadRecorder& out() { return out_; }
  // What came since the last call, without stream-start, caps and segment.
  std::string news();
  // Bytes of what has come: of each buffer, of init segments, and read.
  std::vector<std::vector<std::uint8_t>> bytes(GstBufferFlags with = GstBufferFlags{},
                                               GstBufferFlags without = GstBufferFlags{});
  std::vector<std::vector<std::uint8_t>> inits() { return bytes(GST_BUFFER_FLAG_HEADER); }
  std::vector<IsoFragment> fragments();

 private:
  PadRecorder out_;
  std::vector<std::unique_ptr<MuxedStream>> streams_;
  std::size_t told_ = 0;
};

}  // namespace onair::test
