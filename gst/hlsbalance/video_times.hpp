// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.hpp"

namespace onair {

// The timestamps of encoded pictures as muxers need them, whatever is moved and whatever comes in: each
// has a DTS, not behind its PTS and behind the one before; nothing is shown in front of the key frame
// that its segment begins with. (Stock splitmuxsink 1.22 hangs on a DTS that is missing or
// too late, and ends with an error on times that step back.)
class VideoTimes {
 public:
  // What MPEG-TS can tell apart: 1/90000 s, rounded up.
  static constexpr Duration kTick{11'112};

  struct Times {
    RunningTime pts;
    RunningTime dts;
    friend bool operator==(const Times&, const Times&) = default;
  };

  // A key frame that begins a segment, moved by `shift`.
  Times begin_segment(RunningTime pts, std::optional<RunningTime> dts, Duration shift) {
    // Frames that are not reordered have one time.
    const auto moved_dts = dts && *dts == pts ? *dts + shift : dts;
    const auto times = place(pts + shift, moved_dts);
    segment_pts_ = times.pts;
    return times;
  }
  Times next(RunningTime pts, std::optional<RunningTime> dts) {
    if (segment_pts_)
      pts = std::max(pts, *segment_pts_ + kTick);
    return place(pts, dts);
  }
  // Times may begin anywhere.
  void reset() { *this = VideoTimes{}; }

 private:
  Times place(RunningTime pts, std::optional<RunningTime> dts) {
    auto decoded = std::min(dts.value_or(pts), pts);
    if (last_dts_)
      decoded = std::max(decoded, *last_dts_ + kTick);
    last_dts_ = decoded;
    return {.pts = std::max(pts, decoded), .dts = decoded};
  }

  std::optional<RunningTime> segment_pts_;
  std::optional<RunningTime> last_dts_;
};

}  // namespace onair
