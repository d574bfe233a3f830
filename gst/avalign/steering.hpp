// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace onair {

// The offset from a stream's media clock to the output time line, moved towards a target slowly
// enough that nobody sees it. Not at all within 1 ms; else by 5, 20 or 60 ms per second, by how far
// away it is (under 40, 120, 300 ms), and at once beyond that.
class Steering {
 public:
  // At once, and fast for the next seconds.
  void place(MediaTime media, Duration offset);
  // Fast for the next seconds: something is known now that was not before.
  void hurry(MediaTime media);
  // Besides, what is far off within the next second is put right at once: a media clock has broken,
  // and its first packets may have been late.
  void settle(MediaTime media);
  // The offset for a frame at `media`. `rate`: what the target itself moves, in seconds per second.
  // Earlier frames (other layers of the same source, reordered ones) have the offset they had.
  Duration follow(MediaTime media, Duration target, double rate);

  [[nodiscard]] Duration offset() const { return offset_; }
  [[nodiscard]] std::uint64_t slews() const { return slews_; }  // begun
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  struct Knot {
    MediaTime media{};
    Duration offset{0};
  };
  static constexpr std::size_t kKnots = 256;  // frames; 8 s at 30 fps

  [[nodiscard]] Duration offset_at(MediaTime media) const;
  void remember();

  std::array<Knot, kKnots> knots_{};  // oldest overwritten
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  Duration offset_{0};
  MediaTime media_{};
  MediaTime fast_until_{};
  MediaTime settling_until_{};
  bool is_slewing_ = false;
  std::uint64_t slews_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace onair
