// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Programmes, and what writes each of them into segments: a small picture and a tone, as fast as the
// processor allows.
namespace onair::segments {

struct Picture {
  enum class Encoder { X264, X264WithBFrames, OpenH264 };

  int frames = 30;  // in `seconds`
  int seconds = 1;
  bool varies = false;   // of 60 frames a second 60, 30, 12 and 5.5 are left in turn
  int key_distance = 0;  // in frames; 0: key frames come only when asked for
  Encoder encoder = Encoder::X264;
};

struct Sound {
  enum class Codec { Mp3, Aac };

  Codec codec = Codec::Mp3;
  int rate = 48'000;

  [[nodiscard]] int frame_length() const { return codec == Codec::Mp3 ? 1152 : 1024; }
  [[nodiscard]] double frame_duration() const {
    return static_cast<double>(frame_length()) / static_cast<double>(rate);
  }
};

struct Programme {
  std::chrono::milliseconds target{1000};  // T
  int segments = 60;                       // whole ones; half of another follows
  // Renditions, each with a playlist of its own; the first one has the highest frame rate.
  std::vector<Picture> pictures;
  std::optional<Sound> sound;  // beside the first

  [[nodiscard]] double target_seconds() const {
    return std::chrono::duration<double>{target}.count();
  }
};

// The playlist of rendition `index` lies here.
std::filesystem::path rendition(const std::filesystem::path& folder, std::size_t index = 0);

// A pipeline of stock hlssink2 as its users set it up, which asks for its key frames itself. Its target
// is whole seconds.
std::string stock_pipeline(const Programme& programme, const std::filesystem::path& folder);
// The same behind hlsbalancer, which is called `b`.
std::string our_pipeline(const Programme& programme, const std::filesystem::path& folder);
// hlslivesink, which is called `hls` and keeps everything in memory.
std::string live_pipeline(const Programme& programme, bool is_low_latency);
// ffmpeg's muxer: key frames are forced at multiples of the target, where the encoder makes none of
// its own accord.
std::string ffmpeg_command(const Programme& programme, const std::filesystem::path& folder);

}  // namespace onair::segments
