// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"
#include "drift_estimator.hpp"

namespace onair {

// From RTP time to presentation time: PTS follow the sender's media clock, and nothing else.
//
// The first packet of a stream anchors the line (its PTS is its arrival); from then on PTS = RTP
// time along a line whose slope is the drift between the two clocks, as DriftEstimator sees it. The
// line bends at most once a second, only ahead of the newest RTP time and never steps, so equal RTP
// times have equal PTS, later ones have later PTS, and no stall, burst or change of latency moves
// any of them.
class MediaClock {
 public:
  // `rate`: ticks a second, > 0. The next packet anchors anew.
  void restart(std::uint32_t rate);

  [[nodiscard]] bool is_anchored() const { return knots_used_ > 0; }
  [[nodiscard]] std::uint32_t rate() const { return rate_; }

  // Ticks since the 32-bit counter's zero before the first packet, plus 2^32 so that a packet from
  // before the first one is not negative. Tolerates reordering; does not move the clock.
  [[nodiscard]] std::int64_t unroll(std::uint32_t rtp_time) const;
  [[nodiscard]] MediaTime media_time(std::int64_t ticks) const;

  // `newest`: `ticks` of a packet that is in sequence; later unrolling is relative to it.
  void advance(std::int64_t ticks);
  void anchor(std::int64_t ticks, RunningTime pts);
  // May bend the line behind `media`, the newest media time so far.
  void steer(MediaTime media, const DriftEstimator::Estimate& drift);

  [[nodiscard]] RunningTime pts(MediaTime media) const;

  [[nodiscard]] std::int64_t anchor_ticks() const { return anchor_ticks_; }
  [[nodiscard]] std::int64_t newest_ticks() const { return newest_ticks_; }
  // What the line has been bent by since its anchor.
  [[nodiscard]] Duration correction() const;

 private:
  // Where the line bends; it holds from here to the next one.
  struct Knot {
    MediaTime media;
    RunningTime pts;
    double slope;  // PTS seconds beyond media seconds, per media second
  };
  [[nodiscard]] const Knot& newest() const { return knots_[newest_knot_]; }

  std::uint32_t rate_ = 0;
  bool has_ticks_ = false;
  std::int64_t newest_ticks_ = 0;

  // Reordered packets find the piece of line that held for them: 16 s of bends.
  static constexpr std::size_t kKnots = 16;
  std::array<Knot, kKnots> knots_{};
  std::size_t newest_knot_ = 0;
  std::size_t knots_used_ = 0;
  std::int64_t anchor_ticks_ = 0;
  MediaTime anchor_media_{};
  RunningTime anchor_pts_{};
  double target_ = 0;  // seconds that the line should have been bent by
};

}  // namespace onair
