// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "drift_estimator.hpp"

namespace onair {

// How long a jitter buffer must hold packets so that the share of late ones stays at a target, with
// the least delay. Plain decisions on times: it never sees a packet's content, reads no clock and
// allocates nothing.
class LatencyController {
 public:
  // Paced: every packet waits until it is due, at media time + playout(). The share of units (all
  // packets of one media time) that come after that is steered to `late_target`.
  // Eager: packets in order pass at once. playout() only says how long a hole may hold the rest:
  // the missing packet is given up at its media time + playout(). The share of packets that came
  // after they had been given up is steered to `loss_target`.
  enum class Release { Paced, Eager };

  struct Config {
    Release release = Release::Paced;
    Duration min_latency{0};
    Duration max_latency = std::chrono::milliseconds(600);
    Duration initial_latency = std::chrono::milliseconds(100);
    double late_target = 0.001;
    double loss_target = 0.001;
    bool adaptive = true;  // false: latency() stays where it is (within the bounds)
  };

  struct Packet {
    RunningTime arrival;
    MediaTime media;            // unrolled RTP time; equal for all packets of a frame
    std::int64_t sequence = 0;  // unrolled; no duplicates
    bool marker = false;        // the RTP marker: last packet of a frame, where frames have several
    bool retransmitted = false;
  };

  // Why L moved, for one line of diary.
  enum class Reason {
    Start,       // coming down from the initial latency as evidence accumulates
    LateBurst,   // packets came after they were due: up at once by the excess
    HoleOpened,  // a packet is missing and will be repaired: wait for the repair
    BurstOver,   // the burst has drained or the hole is closed: back
    MoreLate,    // the network has become worse: a higher plan keeps the target
    LessLate,    // the network has become better: a lower plan keeps the target
    Bounds,      // configured
  };
  struct Change {
    Duration from;
    Duration to;
    Reason why;
    std::uint32_t late_packets;  // since the last change that was taken
    Duration worst;              // highest delay above the floor since then
  };

  struct Stats {
    std::uint64_t packets = 0;
    std::uint64_t late_packets = 0;
    std::uint64_t units = 0;
    std::uint64_t late_units = 0;
    std::uint64_t holes = 0;         // packets found missing when a later one came
    std::uint64_t filled_holes = 0;  // of those, came after all
    std::uint64_t given_up = 0;      // of those, came after playout() had given them up
  };

  explicit LatencyController(const Config& config);

  // Live: bounds and targets apply from the next packet of a new media time.
  void set_config(const Config& config);
  // In order of arrival. The packet itself was judged by playout() as it stood before.
  void on_packet(const Packet& packet);
  // One round trip to whoever answers retransmission requests, as measured (RTCP or a repaired
  // packet). Only then is a first hole waited for; without it the first repairs teach the time.
  void on_round_trip(Duration round_trip);
  // A new stream (SSRC change, sender restart, a jump of seconds): all is forgotten but the config.
  void reset();

  // Transit of an unqueued packet now; drift is followed. Comparable with transit().
  [[nodiscard]] Duration floor() const { return floor_; }
  // L, above the floor. Never moves between two packets of one frame, given that frames of several
  // packets end with a marker.
  [[nodiscard]] Duration latency() const { return latency_; }
  // A packet is due at media time + playout().
  [[nodiscard]] Duration playout() const { return floor_ + latency_; }

  [[nodiscard]] const DriftEstimator& drift() const { return drift_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }
  // What changed since the last call, at most one answer a second, and only what is worth a line.
  [[nodiscard]] std::optional<Change> take_change();

 private:
  Config config_;
  DriftEstimator drift_;
  Duration floor_{0};
  Duration latency_;
  Stats stats_;
};

}  // namespace onair
