// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "pad_feeder.hpp"
#include "pad_recorder.hpp"

namespace onair::test {

// A picture's luma: what is compared.
struct Luma {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  [[nodiscard]] int at(int x, int y) const {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(x)];
  }
  // The part of it from there on.
  [[nodiscard]] Luma part(int x, int y, int its_width, int its_height) const;
  // Each pixel the mean of those that it covers: nothing that a scaler of GStreamer does.
  [[nodiscard]] Luma scaled(int to_width, int to_height) const;
};

// Structural similarity (Wang et al. 2004), the mean of 8x8 blocks: 1 is the same.
double ssim(const Luma& a, const Luma& b);

// Soft shapes that move with time, so that scaling changes little, and each frame is another.
Luma scene(int width, int height, Duration at);

// A frame as it came out of an encoder.
struct Coded {
  Duration at;
  bool is_key;
  std::size_t size;
  std::vector<std::uint8_t> bytes;
  // Types of its NAL units, in their order.
  [[nodiscard]] std::vector<int> nal_types() const;
  [[nodiscard]] std::vector<std::uint8_t> parameter_set() const;  // the SPS; empty if there is none
};

struct Decoded {
  Duration at;
  Luma luma;
};

// The left channel at 48 kHz, -1 to 1, as one piece.
struct Sound {
  static constexpr int kRate = 48'000;

  Duration at{};
  std::vector<double> samples;

  [[nodiscard]] Duration time_of(std::size_t sample) const {
    return at + Duration{std::llround(1e9 / kRate * static_cast<double>(sample))};
  }
};

// Frames of H.264, with a key frame each `key_interval` frames.
std::vector<GstPtr<GstSample>> encode(const std::vector<std::pair<Duration, Luma>>& pictures,
                                      int key_interval);

// An abrladder between pads that the test pushes and pads that it reads; its clock stands still until the test moves
// it.
class LadderBench : public ElementBench {
 public:
  struct Options {
    std::string renditions{};
    std::string properties{};
    std::vector<std::string> sinks{"video_0"};
    std::vector<std::string> srcs{"video_src_0"};
    bool is_live = false;
    bool plays = true;
  };
  static std::string picture_caps(int width, int height,
                                  const std::string& more = "framerate=30/1");
  static constexpr const char* kSound =
      "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved";

  explicit LadderBench(const Options& options);
  ~LadderBench();

  [[nodiscard]] PadFeeder& in(const std::string& pad = "video_0") { return *feeders_.at(pad); }
  [[nodiscard]] PadRecorder& out(const std::string& pad = "video_src_0") {
    return *recorders_.at(pad);
  }

  GstFlowReturn push_picture(const Luma& picture, Duration at);
  // As I420 at this rate, from `from` on; returns the times.
  std::vector<Duration> push_scene(int width, int height, double fps, Duration from, Duration to);
  GstFlowReturn push_sound(Duration at, Duration length = std::chrono::milliseconds{20},
                           int channels = 2, int rate = 48'000);
  // `count` samples of it, as stereo, at this time.
  GstFlowReturn push_samples(const Sound& sound, std::size_t first, std::size_t count, Duration at);
  // From whoever writes this rendition.
  void ask_for_key_frame(const std::string& pad, std::optional<Duration> at, guint count);
  // Everything has come out.
  bool end();

  std::vector<Coded> coded(const std::string& pad = "video_src_0");
  std::vector<Decoded> decoded(const std::string& pad = "video_src_0");
  // Each sample at the time that its buffer's implies, or the test fails.
  Sound decoded_sound(const std::string& pad = "audio_src_0");
  // All that were told, each once.
  std::vector<std::string> caps(const std::string& pad = "video_src_0");
  StructurePtr stats_of(const std::string& rendition);

 private:
  std::map<std::string, std::unique_ptr<PadFeeder>> feeders_;
  std::map<std::string, std::unique_ptr<PadRecorder>> recorders_;
};

}  // namespace onair::test
