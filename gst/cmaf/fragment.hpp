// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "media_track.hpp"

namespace onair {

struct FragmentSample {
  RunningTime decode_time;
  RunningTime presentation_time;
  Duration duration;  // of the last one of a fragment only; the others last until the next
  std::size_t size = 0;
  bool is_key = true;
};

// What one fragment has of a track, in order of decoding.
struct TrackRun {
  std::uint32_t track_id = 1;
  bool is_video = false;
  std::uint32_t timescale = 90000;
  std::vector<FragmentSample> samples;
};

// A moof, and the head of its mdat; the samples' bytes follow, run by run. Runs without samples are
// left out. `sequence` counts from 1.
//
// Each tfdt is the running time, of this fragment alone, so a hole stays a hole. `end` is that of the
// part: its last picture is held until there. A shorter one would be a hole for Media Source
// Extensions: a decode time beyond twice the duration of the frame before makes a player drop
// everything up to the next key frame.
[[nodiscard]] Bytes fragment_header(std::uint32_t sequence, std::span<const TrackRun> runs,
                                    std::optional<RunningTime> end = std::nullopt);

}  // namespace onair
