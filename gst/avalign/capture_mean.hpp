// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// Makes of the capture times of one stream what is worth as much as a sender report: their mean over
// some packets, as each may be off by a piece of sound. Chromium says anew what differs by 1 ms from
// what it said last, else each second: with a microphone that is all, with sound of Web Audio it is
// each packet, by 5 ms more and 5 ms less in turn. So each packet counts, by what was said last.
class CaptureMean {
 public:
  struct Mean {
    MediaTime media;
    Duration offset{0};
  };

  // The wall clock less the media clock at `media`. Gives what is to be known of those that came
  // since it last gave something: the first at once, then by and by over longer times.
  std::optional<Mean> on_capture(MediaTime media, Duration offset);
  // Another media clock.
  void reset() { *this = CaptureMean{}; }

  static constexpr Duration kShortest = std::chrono::milliseconds(100);
  static constexpr Duration kLongest = std::chrono::seconds(1);

 private:
  std::int64_t given_ = 0;
  std::int64_t count_ = 0;
  Mean first_;  // of those that count
  Duration sum_of_media_{0};
  Duration sum_of_offsets_{0};
  MediaTime given_at_;
};

}  // namespace onair
