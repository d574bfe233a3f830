// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json_fields.hpp"

namespace live {

// What viewers can choose from: one entry of the channel API's list `hls`.
struct Rendition {
  struct Video {
    unsigned width = 0;
    unsigned height = 0;
    unsigned fps = 30;  // at most
    unsigned bps = 0;   // at most
    std::string profile = "main";
    std::string fit = "letterbox";
    bool upscale = true;  // who asks for a size gets it
    friend bool operator==(const Video&, const Video&) = default;
  };
  struct Audio {
    unsigned bps = 96'000;
    friend bool operator==(const Audio&, const Audio&) = default;
  };

  std::optional<Video> video;
  std::optional<Audio> audio;
  friend bool operator==(const Rendition&, const Rendition&) = default;
};
using Renditions = std::vector<Rendition>;

// The list `hls`: what is viewers' choice, and what is the same for all of them.
struct HlsList {
  Renditions renditions;
  std::optional<double> segment_seconds;  // durationSeconds, on average
  // startTimeOffset: where players begin, from the beginning or, below zero, from the end; 0 is theirs to decide.
  std::optional<double> start_seconds;
  std::string archive_destination;  // of all renditions; empty: no archive
  friend bool operator==(const HlsList&, const HlsList&) = default;
};

// Reads it from JSON. An error is a sentence that names the field by its path in the list, what was given
// and what is allowed.
std::variant<HlsList, std::string> read_hls_list(std::string_view json);
std::variant<HlsList, FieldError> read_hls_json(const Json& list);
// What reads as the same again.
Json to_json(const HlsList& hls);

// The same for abrladder's property `renditions`.
std::string ladder_text(const Renditions& renditions, bool is_aac);

bool has_audio(const Renditions& renditions);
// Of most pixels; none where all are sound only.
std::optional<Rendition::Video> largest_video(const Renditions& renditions);

}  // namespace live
