// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "burst_rhythm.hpp"
#include "drift_estimator.hpp"
#include "late_price.hpp"

namespace onair {

// How long a jitter buffer must hold packets so that the share of late ones stays at a target, with
// the least delay. Plain decisions on times: it never sees a packet's content, reads no clock and
// allocates nothing.
//
// L is the highest of: the base, a level that only a plan moves; the level of a follower, which
// rises with each late unit by the whole excess and comes down over its memory; while a hole is
// open, the age of the missing packet, up to where repairs come; the level of a regular burst that
// is due. Eight followers run side by side. For each, the last minutes say what it cost and by what
// it was surprised, so that every base can be tried on them: the pair of follower and base with the
// least mean L + price * late share is the plan. The price is what steers (LatePrice): it rises with
// each late unit above the target's and falls as units come on time.
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
    // Paced: how long after a repair L stays so high that the next hole shows before the missing
    // packet is due, and L can rise to what repairs need while that still helps. At zero L rises when
    // a hole shows all the same: less delay, but the packet's due instant may be over by then.
    Duration repair_hold{0};
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
    Rhythm,      // one of a series of regular bursts is due (key frame, satellite hand-over)
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
  // How far L rises, step by step, while a missing packet may still be repaired.
  [[nodiscard]] Duration repair_latency() const;

  [[nodiscard]] const DriftEstimator& drift() const { return drift_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }
  // What changed since the last call, at most one answer a second, and only what is worth a line.
  [[nodiscard]] std::optional<Change> take_change();

 private:
  static constexpr std::size_t kFollowers = 8;
  static constexpr std::size_t kBins = 105;
  // One value for each follower, side by side, four to a vector instruction: compilers do not find
  // these by themselves at -O2.
  using Quad [[gnu::vector_size(16)]] = float;
  static constexpr std::size_t kQuads = kFollowers / 4;
  using Lanes = std::array<Quad, kQuads>;

  // The packets of one media time.
  struct Unit {
    MediaTime media;
    float worst = 0;  // delay above the floor of the latest packet, in ms
    std::uint32_t packets = 0;
    std::uint32_t late = 0;
    bool is_closed = false;
  };

  void start(const Packet& packet);
  [[nodiscard]] Reason base_reason() const;
  void on_hole_filled(RunningTime now, float delay, bool is_late);
  void on_hole(const Packet& packet, float delay);
  void expire_holes(RunningTime now);
  void on_next_unit(const Packet& packet);
  void close_unit();
  void close_eager_unit();
  void follow(float delay);
  void choose_plan();
  [[nodiscard]] Duration wanted(RunningTime now);
  [[nodiscard]] float repair_level() const;
  [[nodiscard]] float patience() const;
  void apply(Duration wanted);
  void raise_weight();
  void set_decays();
  void use_bin(std::size_t bin);
  void sample_levels();

  Config config_;
  DriftEstimator drift_;
  Duration floor_{0};
  Duration latency_;
  Stats stats_;

  // Units and what they teach.
  bool has_started_ = false;
  Unit unit_;
  std::int64_t highest_ = 0;
  MediaTime highest_media_;
  Duration newest_media_{0};
  Duration interval_;         // between units
  bool has_frames_ = false;   // units of several packets
  std::uint32_t single_ = 0;  // units of one packet in a row
  std::uint32_t unmarked_ = 0;

  // Followers, in ms.
  float mean_ = 0;              // of the units' delays over seconds
  Lanes decays_{};              // per unit
  Lanes peaks_{};               // above mean_
  Lanes levels_{};              // for the unit under way: what each follower would hold at least
  float least_level_ = 0;       // of them
  Duration decay_interval_{0};  // that decays_ stand for
  float rhythm_lift_ = 0;
  std::array<BurstRhythm, 2> rhythms_;

  // What each follower was surprised by and what it cost, over the last minutes.
  std::array<Lanes, kBins> surprises_{};
  std::array<Lanes, kBins> level_counts_{};
  std::array<Lanes, kBins> level_sums_{};
  std::array<bool, kBins> is_used_{};
  std::size_t highest_bin_ = 0;
  float weight_ = 1;   // of the newest unit; grows, so that nothing has to be aged
  float total_ = 0;    // weight of all units
  float samples_ = 0;  // weight of all samples of the levels

  // The plan that drives: a follower, and the base below which it never goes.
  std::size_t follower_ = 0;
  float base_;
  Duration since_block_{0};
  std::uint32_t blocks_ = 0;

  LatePrice price_;

  // Holes.
  std::optional<Duration> round_trip_;
  std::array<float, kBins> fills_{};
  float fill_weight_ = 0;
  float hole_weight_ = 0;
  // Holes that may still be filled. None is older than two epochs of the maximum latency.
  std::uint32_t open_holes_ = 0;
  std::uint32_t epoch_holes_ = 0;
  RunningTime epoch_;
  std::optional<RunningTime> hole_opened_;
  std::optional<RunningTime> hole_filled_;
  float repair_ = 0;    // level below which repairs come, in ms
  float patience_ = 0;  // eager: what a hole is worth waiting for, in ms
  float notice_ = 0;    // what L must be for a hole to show before the missing packet is due, in ms
  float hole_delay_ = 0;  // of the packet that showed it, plus what its media time is ahead
  MediaTime hole_media_;  // of the last packet before the hole that opened first

  // For the diary.
  RunningTime now_;
  std::optional<RunningTime> reported_at_;
  Duration reported_{0};
  Reason reason_ = Reason::Start;
  std::uint32_t late_since_ = 0;
  float worst_since_ = 0;
};

}  // namespace onair
