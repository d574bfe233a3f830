// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "cut/audio_frames.hpp"

namespace onair {

// Where the parts of a segment end. T is divided by n, and the part k of a segment that began at S ends
// with the audio frame whose end is nearest to S + k·T/n; so parts have one of two lengths, a frame
// apart. The last one ends with the segment, which has one of two lengths too.
//
// A playlist promises once and for all that no part is longer than PART-TARGET, and none but the last of
// a segment shorter than 85 % of it (draft-pantos-hls-rfc8216bis, section 4.4.4.9). n is what the wanted
// length makes it, or the nearest one that keeps the promise: frames of 24 ms make no parts of 100 ms, as
// four and five of them are too far apart, but parts of 144 or 168 ms.
class PartPlan {
 public:
  // `segment`: T, > 0. `part`: the length that is wanted, > 0.
  PartPlan(Duration segment, Duration part, AudioFrames::Format frames);
  // Without sound parts end at S + k·T/n itself, wherever pictures are: camera frames come as they like,
  // and the one before the end is shown beyond it. Ends at frames would keep no promise.
  PartPlan(Duration segment, Duration part) : PartPlan{segment, part, kNanoseconds} {}

  // n.
  [[nodiscard]] std::int64_t count() const { return count_; }
  // PART-TARGET: no part is longer. In whole microseconds.
  [[nodiscard]] Duration longest() const;
  // The shortest but the last of a segment.
  [[nodiscard]] Duration shortest() const { return in_time(shortest_); }
  // How far behind S part `part` (from 1 to n) ends: the last one at the latest.
  [[nodiscard]] Duration end(std::int64_t part) const { return in_time(frames_to(part)); }

 private:
  static constexpr AudioFrames::Format kNanoseconds{.length = 1, .rate = 1'000'000'000};

  void divide(std::int64_t count);
  [[nodiscard]] bool keeps_promise() const;
  [[nodiscard]] std::int64_t frames(std::int64_t parts, Rounding rounding) const;
  [[nodiscard]] std::int64_t frames_to(std::int64_t part) const;
  [[nodiscard]] Duration in_time(std::int64_t frames) const;

  Duration segment_;
  AudioFrames::Format format_;
  std::int64_t count_ = 1;
  std::int64_t longest_ = 0;  // in frames
  std::int64_t shortest_ = 0;
};

}  // namespace onair
