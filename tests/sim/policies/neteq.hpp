// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>

#include "policy.hpp"

// libwebrtc's latency for audio, written anew after modules/audio_coding/neteq (commit 3710345e of
// 2026-01-13 in webrtc-mirror/webrtc): delay_manager, underrun_optimizer, reorder_optimizer,
// histogram, packet_arrival_history, delay_constraints, and the part of decision_logic that feeds
// them.
// Fixed-point and rounding are upstream's, because a quantile near its edge hangs on them.
namespace onair::sim {

// Delays in 100 buckets of 20 ms as probabilities in Q30, forgotten exponentially: at first every
// sample weighs about the same, later each weighs 1 - forget factor.
class NetEqHistogram {
 public:
  static constexpr int kBuckets = 100;
  static constexpr int kBucketMs = 20;

  explicit NetEqHistogram(double forget_factor);
  // Delays of 2 s and more have no bucket and leave no trace.
  void add(int delay_ms);
  // The lowest bucket such that the probability beyond it is at most 1 - `quantile`.
  [[nodiscard]] int quantile(double quantile) const;
  [[nodiscard]] const std::array<std::int32_t, kBuckets>& buckets() const { return buckets_; }
  [[nodiscard]] std::int32_t forget_factor_q15() const { return forget_q15_; }

 private:
  void restore_sum(std::int32_t excess);

  std::array<std::int32_t, kBuckets> buckets_{};
  std::int32_t steady_forget_q15_;
  std::int32_t forget_q15_ = 0;
  int added_ = 0;
};

// The delay behind which the largest delay of half a second stays with the wanted probability.
class NetEqUnderrunOptimizer {
 public:
  NetEqUnderrunOptimizer(double quantile, double forget_factor, Duration resample_interval);
  void update(int delay_ms, RunningTime tick);
  [[nodiscard]] std::optional<int> delay_ms() const { return delay_ms_; }

 private:
  NetEqHistogram histogram_;
  double quantile_;
  Duration resample_interval_;
  std::optional<RunningTime> interval_start_;
  int largest_ms_ = 0;
  std::optional<int> delay_ms_;
};

// The delay at which waiting for reordered packets costs no more than losing them.
class NetEqReorderOptimizer {
 public:
  NetEqReorderOptimizer(double forget_factor, int ms_per_loss_percent);
  void update(int delay_ms, bool reordered, int base_delay_ms);
  [[nodiscard]] std::optional<int> delay_ms() const { return delay_ms_; }

 private:
  [[nodiscard]] int cheapest_bucket(int base_delay_ms) const;

  NetEqHistogram histogram_;
  int ms_per_loss_percent_;
  std::optional<int> delay_ms_;
};

// What a packet took compared with the fastest in-order packet of the last two seconds of media.
// (Upstream's successor of RelativeArrivalDelayTracker.)
class NetEqArrivalHistory {
 public:
  struct Arrival {
    MediaTime media;
    RunningTime tick;
    Duration transit;  // not rounded to ticks
  };
  // False when the media time is there already, or older than the history.
  bool insert(const Arrival& arrival);
  [[nodiscard]] int delay_ms(const Arrival& arrival) const;
  [[nodiscard]] bool is_newest(MediaTime media) const { return media == *seen_.rbegin(); }
  [[nodiscard]] std::size_t size() const { return seen_.size(); }
  [[nodiscard]] std::optional<Duration> fastest_transit() const;

 private:
  std::set<MediaTime> seen_;
  std::deque<Arrival> fastest_;  // that are, or will become, the fastest: rising transit
};

// NetEq holds `target` of audio, counted from its fastest recent packet, and moves there by
// stretching sound. A converter can't stretch: here the target holds from the next packet on, which
// flatters NetEq by the seconds that stretching takes.
class NetEqPolicy : public Policy {
 public:
  struct Config {
    double quantile = 0.95;
    double forget_factor = 0.983;
    Duration resample_interval{std::chrono::milliseconds{500}};
    bool use_reorder_optimizer = true;
    double reorder_forget_factor = 0.9993;
    int ms_per_loss_percent = 20;
    Duration minimum{0};              // NetEq::Config::min_delay_ms
    Duration base_minimum{0};         // AudioReceiveStream's base minimum delay
    std::optional<Duration> maximum;  // unset upstream
    int max_packets_in_buffer = 200;  // NetEq::Config
    Duration packet_length{std::chrono::milliseconds{20}};
    Duration tick{std::chrono::milliseconds{10}};  // NetEq's clock: one step per 10 ms played
    // NetEq counts only the first packet of those with one media time. For video, where these are a
    // frame, let it see the markers instead: the packets that complete the frames.
    bool markers_only = false;
  };
  explicit NetEqPolicy(Config config);
  [[nodiscard]] std::string_view name() const override { return name_; }
  void on_packet(const Packet& packet) override;
  // Zero until the first packet.
  [[nodiscard]] Duration playout() const override;
  // NetEq's TargetLevelMs().
  [[nodiscard]] Duration target() const;

 private:
  Config config_;
  std::string name_;
  NetEqArrivalHistory history_;
  NetEqUnderrunOptimizer underrun_;
  NetEqReorderOptimizer reorder_;
  int target_ms_;
};

}  // namespace onair::sim
