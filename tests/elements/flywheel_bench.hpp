// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "on_a_thread.hpp"
#include "pad_feeder.hpp"
#include "pad_recorder.hpp"

namespace onair::test {

// One flywheel between two pads, with a clock that stands still until the test moves it.
class FlywheelBench : public ElementBench, public PadFeeder, public PadRecorder {
 public:
  struct Options {
    std::string properties{};  // as in a gst-launch line: "max-wait=0"
    std::string caps = kSound;
    bool is_live = true;    // what upstream says
    bool is_open = true;    // stream-start, caps and segment have been sent
    std::string accepts{};  // caps that downstream takes; empty: any
    GstState state = GST_STATE_PLAYING;
    Duration now{0};  // running time
  };
  static constexpr const char* kSound =
      "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";
  static constexpr const char* kPicture =
      "video/x-raw,format=I420,width=64,height=48,framerate=10/1";
  static constexpr Duration kLag{10ms};

  explicit FlywheelBench(const Options& options);
  ~FlywheelBench();

  // 20 ms of a tone at `start`, which come kLag after their end, or when the test's time is later.
  GstFlowReturn push_sound(Duration start, Duration length = 20ms, guint rate = 48'000);
  void push_sounds(Duration from, Duration to);
  // A picture at `start`, which comes kLag later or now, and whose every byte is `shade`.
  GstFlowReturn push_picture(Duration start, guint8 shade = 0x55);

  // Cranks on until running time `until`, waiting for each piece of filler.
  void crank_until(Duration until);
  // The task has done all that it can for now.
  bool wait_until_idle();

  // The buffers that came out, as long as the bench.
  [[nodiscard]] std::vector<GstBuffer*> media();
  [[nodiscard]] std::string last_caps();
  // Each starts where the one before ended, and has the samples for it.
  void expect_contiguous(guint rate = 48'000, guint frame_size = 2);

  static std::vector<std::int16_t> samples_of(GstBuffer* buffer);
  static std::vector<guint8> bytes_of(GstBuffer* buffer);
};

}  // namespace onair::test
