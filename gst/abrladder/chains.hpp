// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "families.hpp"
#include "rate_budget.hpp"
#include "rendition.hpp"

namespace onair {

// The elements that make a rendition of raw picture or sound, as text for gst-launch-1.0. Plain
// text: what is installed, and works, is found out by whoever starts them.
struct Chain {
  std::string name;    // of the encoder
  std::string family;  // nvidia, x264, openh264; none for sound
  std::string description;
  // Of the element `codec`: properties whose names differ by version, so those that it has.
  std::vector<std::pair<std::string, std::string>> settings;
};

enum class Memory { System, Cuda };

// In order of preference. Scaling comes first: on the GPU where the picture is there already.
std::vector<Chain> video_chains(const VideoRendition& rendition, Memory memory,
                                const Families& families);
// MP3 is held to 48 kHz, where each frame is 24 ms at any bit rate, so that all renditions have one
// grid.
std::vector<Chain> audio_chains(const AudioRendition& rendition);

// The bit rate as properties of the encoder in such a chain. An unknown name has none.
std::vector<std::pair<std::string, std::string>> rate_settings(const std::string& encoder,
                                                               const RateBudget::Rate& rate);

// Threads of an encoder in memory: one is enough for 1280x720 at 30 frames a second.
int encoder_threads(const VideoRendition& rendition);

}  // namespace onair
