// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "policy.hpp"

// libwebrtc's latency for video, written anew after modules/video_coding/timing (commit 3710345e of
// 2026-01-13 in webrtc-mirror/webrtc): frame_delay_variation_kalman_filter, jitter_estimator,
// inter_frame_delay_variation_calculator, timestamp_extrapolator, timing, and OnFrameReady() of
// video/video_stream_buffer_controller.cc, which drives them. Field trials are at their defaults.
namespace onair::sim {

// Explains how much later (or earlier) than its predecessor a frame came: slope * (bytes more than
// the predecessor) + offset. The slope is the inverse of the bottleneck's rate.
class FrameDelayVariationFilter {
 public:
  void update(double variation_ms, double size_variation, double largest_frame, double noise_ms2);
  [[nodiscard]] double size_based_ms(double size_variation) const {
    return slope_ * size_variation;
  }
  [[nodiscard]] double total_ms(double size_variation) const {
    return size_based_ms(size_variation) + offset_ms_;
  }

 private:
  double slope_ = 1 / (512e3 / 8);
  double offset_ms_ = 0;
  // Covariance of (slope, offset).
  double slope_variance_ = 1e-4;
  double covariance_so_ = 0;
  double covariance_os_ = 0;
  double offset_variance_ = 1e2;
};

// What the bottleneck makes of the largest frame, plus a bound on what the filter can't explain.
class VideoJitterEstimator {
 public:
  // `now`: when the frame went to the decoder, which is what frame rate is measured by.
  void on_frame(Duration variation, std::uint32_t size, RunningTime now);
  void on_frame_nacked(RunningTime now);
  [[nodiscard]] Duration estimate(RunningTime now, Duration round_trip);

 private:
  void update_noise(double deviation_ms, RunningTime now);
  [[nodiscard]] double frame_rate() const;  // zero: unknown
  [[nodiscard]] double calculate_ms();

  FrameDelayVariationFilter filter_;
  double mean_size_ = 500;
  double size_variance_ = 100;
  double largest_size_ = 500;
  double startup_sizes_ = 0;
  int startup_size_count_ = 0;
  std::optional<std::uint32_t> previous_size_;
  double mean_noise_ms_ = 0;
  double noise_ms2_ = 4;
  int noise_count_ = 1;
  std::deque<Duration> frame_intervals_;
  std::optional<RunningTime> previous_update_;
  std::optional<double> previous_estimate_ms_;
  double held_estimate_ms_ = 0;
  int frames_ = 0;
  int nacked_frames_ = 0;
  RunningTime last_nacked_{};
};

// The line on which frames complete: local time against RTP time in 90 kHz ticks, by recursive
// least squares without forgetting, deaf to outliers until they last for 150 frames.
class TimestampExtrapolator {
 public:
  void on_frame(MediaTime media, RunningTime completed);
  [[nodiscard]] std::optional<RunningTime> local_time(MediaTime media) const;

 private:
  void restart(RunningTime now);
  [[nodiscard]] bool is_outlier(double residual);
  [[nodiscard]] bool has_shifted(double residual);

  RunningTime start_{};
  RunningTime previous_{};
  std::optional<std::int64_t> first_ticks_;
  std::optional<std::int64_t> previous_ticks_;
  int frames_ = 0;
  double ticks_per_ms_ = 90;
  double offset_ticks_ = 0;
  std::array<std::array<double, 2>, 2> covariance_{};
  double mean_residual_ = 0;
  double residual_variance_ = 0;
  int outliers_in_a_row_ = 0;
  double above_ = 0;
  double below_ = 0;
};

// VCMTiming over the above. A packet is due when its frame is due at the decoder: at the line plus
// current delay, less decoding and rendering.
//
// Where this differs from a receiver in a browser:
//  - A frame's statistics count from its last packet's arrival, not from its decoding up to
//    playout() later; frames go to the decoder exactly when they are due.
//  - A frame that lost a packet for good is skipped; the browser would freeze and ask for a key
//    frame.
//  - The round trip is a constant of the configuration.
//  - Decoding takes a constant time; upstream takes the 95th percentile of what it measured.
//
// The slewing of 100 ms per second that VCMTiming also has is called by upstream's deprecated
// receiver only: today the current delay rises by what a late frame was late, up to the target, and
// falls to the target at once.
class WebrtcVideoPolicy : public Policy {
 public:
  struct Config {
    Duration round_trip{std::chrono::milliseconds{50}};
    Duration decode_time{0};
    Duration minimum{0};  // min playout delay
    Duration maximum{std::chrono::seconds{10}};
    bool frame_per_packet = false;  // for audio, whose markers start talk spurts
  };
  explicit WebrtcVideoPolicy(Config config);
  [[nodiscard]] std::string_view name() const override { return "webrtc-video"; }
  void on_packet(const Packet& packet) override;
  // Zero until the first frame is complete.
  [[nodiscard]] Duration playout() const override;
  [[nodiscard]] Duration current_delay() const { return current_delay_; }
  // Current delay converges to this from below.
  [[nodiscard]] Duration target_delay() const;

 private:
  struct Frame {
    std::optional<std::int64_t> first;  // lowest sequence number so far
    std::optional<std::int64_t> marker;
    std::int64_t packets = 0;
    std::uint32_t size = 0;
    RunningTime last_arrival{};
    bool was_retransmitted = false;
    bool is_done = false;
  };
  using Frames = std::map<MediaTime, Frame>;
  [[nodiscard]] bool is_complete(Frames::const_iterator frame) const;
  void finish_if_complete(Frames::iterator frame);
  void on_complete(MediaTime media, const Frame& frame);
  [[nodiscard]] RunningTime render_time(MediaTime media, RunningTime now) const;
  [[nodiscard]] Duration behind_decoding() const;

  Config config_;
  Frames frames_;
  VideoJitterEstimator jitter_;
  TimestampExtrapolator line_;
  std::optional<std::pair<MediaTime, RunningTime>> previous_;  // completed
  Duration jitter_delay_{0};
  Duration current_delay_{0};
  std::optional<MediaTime> newest_;
};

}  // namespace onair::sim
