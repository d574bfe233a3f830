// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rendition.hpp"

#include <algorithm>
#include <array>

namespace onair {
namespace {

constexpr std::array kMp3Rates{32'000,  40'000,  48'000,  56'000,  64'000,  80'000,  96'000,
                               112'000, 128'000, 160'000, 192'000, 224'000, 256'000, 320'000};

std::string out_of_range(const Rendition& rendition, const char* field, const std::string& given,
                         int least, int most) {
  return "Rendition " + rendition.name + ": " + field + " is " + given + "; allowed are " +
         std::to_string(least) + " to " + std::to_string(most) + ".";
}

}  // namespace

int floor_to_mp3(int bps) {
  const auto above = std::upper_bound(kMp3Rates.begin(), kMp3Rates.end(), bps);
  return above == kMp3Rates.begin() ? kMp3Rates.front() : *(above - 1);
}

std::optional<std::string> error_of(const Rendition& rendition) {
  using V = VideoRendition;
  const auto is_outside = [](int value, int least, int most) {
    return value < least || value > most;
  };
  if (!rendition.video && !rendition.audio)
    return "Rendition " + rendition.name + " has neither picture nor sound.";
  if (const auto& video = rendition.video) {
    for (const auto& [field, side] :
         {std::pair{"width", video->width}, {"height", video->height}}) {
      if (is_outside(side, V::kMinSide, V::kMaxSide))
        return out_of_range(rendition, field, std::to_string(side), V::kMinSide, V::kMaxSide);
      if (side % 2 != 0)
        return "Rendition " + rendition.name + ": " + field + " is " + std::to_string(side) +
               "; it has to be even, as colours are sampled at every second pixel (4:2:0).";
    }
    const auto& [num, den] = video->fps;
    if (den < 1 || num < V::kMinFps * static_cast<long long>(den) ||
        num > V::kMaxFps * static_cast<long long>(den))
      return out_of_range(rendition, "fps", std::to_string(num) + "/" + std::to_string(den),
                          V::kMinFps, V::kMaxFps);
    if (is_outside(video->bps, V::kMinBps, V::kMaxBps))
      return out_of_range(rendition, "bps", std::to_string(video->bps), V::kMinBps, V::kMaxBps);
  }
  if (rendition.audio && is_outside(rendition.audio->bps, kMp3Rates.front(), kMp3Rates.back()))
    return out_of_range(rendition, "audio-bps", std::to_string(rendition.audio->bps),
                        kMp3Rates.front(), kMp3Rates.back());
  return std::nullopt;
}

}  // namespace onair
