// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace onair {

// What one rendition is to be. The ranges are those of the channel API.
enum class Fit { Letterbox, Crop, Stretch };
enum class Profile { Baseline, Main, High };
enum class AudioCodec { Mp3, Aac };

struct FrameRate {
  int num = 30;
  int den = 1;
  friend bool operator==(const FrameRate&, const FrameRate&) = default;
};

struct VideoRendition {
  static constexpr int kMinSide = 36;
  static constexpr int kMaxSide = 4096;
  static constexpr int kMinFps = 3;
  static constexpr int kMaxFps = 60;
  static constexpr int kMinBps = 15'000;
  static constexpr int kMaxBps = 15'000'000;

  int width = 0;
  int height = 0;
  FrameRate fps;  // at most
  int bps = 0;    // at most, over any second
  Profile profile = Profile::Main;
  Fit fit = Fit::Letterbox;
  bool upscale = false;  // smaller pictures too fill the frame
  friend bool operator==(const VideoRendition&, const VideoRendition&) = default;
};

struct AudioRendition {
  static constexpr int kDefaultBps = 96'000;

  int bps = kDefaultBps;
  AudioCodec codec = AudioCodec::Mp3;
  friend bool operator==(const AudioRendition&, const AudioRendition&) = default;
};

struct Rendition {
  std::string name;
  std::optional<VideoRendition> video;
  std::optional<AudioRendition> audio;
  friend bool operator==(const Rendition&, const Rendition&) = default;
};

using Renditions = std::vector<Rendition>;

// More are refused: each costs an encoder.
constexpr std::size_t kMaxRenditions = 16;

// The bit rate of MPEG-1 Layer III (ISO 11172-3 table 2.4.2.3) at or below `bps`, the lowest one
// where there is none.
int floor_to_mp3(int bps);

// A sentence that names the field, what was given and what is allowed; nothing where all is well.
std::optional<std::string> error_of(const Rendition& rendition);

}  // namespace onair
