// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Which frames of the source become key frames, in all renditions at once. Requests come from
// whoever writes each rendition: for one boundary of a segment they name instants that differ by
// half a frame interval of theirs, and are one request here. The first frame at or behind the
// latest of these instants is it. Who asked for an earlier one gets no other frame in between, as
// that one would be the first behind its instant.
class KeyFrames {
 public:
  struct Request {
    std::size_t rendition = 0;
    std::optional<RunningTime> at;  // none: at once
    std::uint32_t count = 0;        // the asker's number of it
  };

  // Half a frame interval at 3 frames a second, the slowest rendition, is 167 ms: requests of one
  // number that are closer than this are for one boundary, and no boundary's are farther apart.
  static constexpr Duration kOneBoundary = std::chrono::milliseconds{200};
  // Requests of different numbers that are this close are one as well: half an interval at 25
  // frames a second.
  static constexpr Duration kOneFrame = std::chrono::milliseconds{20};
  // Nobody needs more at once: 8 s of boundaries 0.1 s apart, the shortest. Of more, the nearest
  // stay.
  static constexpr std::size_t kMostPending = 80;

  void ask(const Request& request);
  // Whether this frame is to be a key frame. Frames come in rising order of time.
  [[nodiscard]] bool on_frame(RunningTime at);
  // Whether the rendition does without this frame, as its key frame is about to come.
  [[nodiscard]] bool holds_back(std::size_t rendition, RunningTime at) const;
  // Another time line begins.
  void reset();

 private:
  struct Asker {
    std::size_t rendition;
    RunningTime at;
    std::uint32_t count;
  };
  struct Boundary {
    RunningTime from;  // the earliest instant
    RunningTime at;    // the latest
    std::vector<Asker> askers;
    [[nodiscard]] bool includes(const Asker& asker) const;
    void add(const Asker& asker);
  };
  struct Made {
    RunningTime at;
    Boundary boundary;  // that it is for
  };

  [[nodiscard]] bool is_answered(const Asker& asker) const;

  std::vector<Boundary> pending_;
  std::optional<Made> last_;
  std::optional<Request> overdue_;
};

}  // namespace onair
