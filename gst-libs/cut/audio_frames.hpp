// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/ticks.hpp"
#include "base/time.hpp"

namespace onair {

// Where the frames of an encoded audio stream begin: one behind the other without a seam, on a line
// through one that was seen. Counted in samples: 1024/48000 s is no whole number of nanoseconds.
// Lost frames leave the line where it is.
class AudioFrames {
 public:
  struct Format {
    std::int64_t length = 1152;   // samples of a frame, > 0
    std::uint32_t rate = 48'000;  // samples a second, > 0
    friend bool operator==(const Format&, const Format&) = default;
  };

  // How far a frame may be off its place before it moves the line: more than rounded timestamps
  // are, and less than anybody measures.
  static constexpr Duration kTolerance = std::chrono::microseconds(50);

  void on_frame(RunningTime start, Format format);

  // The start of the frame nearest to `time` (the later of two), before the first frame seen too.
  // Nothing without a frame.
  [[nodiscard]] std::optional<RunningTime> nearest(RunningTime time) const;
  // Zero without a frame.
  [[nodiscard]] Duration length() const;

 private:
  struct Line {
    RunningTime through;
    Format format;
  };
  std::optional<Line> line_;
};

}  // namespace onair
