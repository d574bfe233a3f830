// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// Makes of the capture times of one stream what is worth as much as a sender report: the earliest of
// some packets, as a piece of sound may be stamped when it is handed on, late and never early.
// Chromium says anew what differs by 1 ms from what it said last, else each second: with a microphone
// that is all; the sound of Web Audio wanders over 10 ms in some 5 s. So each packet counts, by what
// was said last.
class EarliestCapture {
 public:
  struct Found {
    MediaTime media;
    Duration offset{0};
  };

  // The wall clock less the media clock at `media`. Gives the earliest of those that came since it
  // last gave something: the first at once, then by and by over longer times.
  std::optional<Found> on_capture(MediaTime media, Duration offset);
  // Another media clock.
  void reset() { *this = EarliestCapture{}; }

  static constexpr Duration kShortest = std::chrono::milliseconds(100);
  static constexpr Duration kLongest = std::chrono::seconds(1);

 private:
  std::int64_t given_ = 0;
  MediaTime given_at_;
  std::optional<Found> earliest_;
};

}  // namespace onair
