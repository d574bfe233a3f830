// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/webrtc_video.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace onair::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

// TimeDelta::ms() rounds to the nearest, and halves up: the first clamp of all is at -7.5 ms.
double whole_ms(Duration duration) {
  return std::floor(static_cast<double>(duration.count()) / 1e6 + 0.5);
}

// TimeDelta::Millis() of a fraction keeps whole microseconds.
Duration from_ms(double ms) {
  return microseconds{static_cast<std::int64_t>(ms * 1000)};
}

std::int64_t ticks_90khz(MediaTime media) {
  return std::llround(static_cast<double>(media.time_since_epoch().count()) * 9e-5);
}

// FrameDelayVariationFilter
constexpr double kLeastSlope = 1e-6;  // ms per byte
constexpr double kSlopeProcessNoise = 2.5e-10;
constexpr double kOffsetProcessNoise = 1e-10;

// VideoJitterEstimator
constexpr int kStartupFrames = 30;
constexpr int kStartupSizes = 5;
constexpr double kSizeForgetting = 0.97;
constexpr double kLargestSizeForgetting = 0.9999;
constexpr double kVariationClamp = 3.5;  // of noise standard deviations, as the next
constexpr double kVariationOutlier = 15;
constexpr double kSizeOutlier = 3;         // of size standard deviations
constexpr double kCongestedShare = -0.25;  // of the largest frame
constexpr int kNoiseCountMax = 400;
// libwebrtc's bound on noise: "less than 1 % chance of getting 30 ms freezes".
constexpr double kNoiseDeviations = 2.33;
constexpr double kNoiseOffsetMs = 30;
constexpr double kLeastEstimateMs = 1;
constexpr double kMostEstimateMs = 10'000;
constexpr double kOperatingSystemJitterMs = 10;
constexpr int kNackLimit = 3;
constexpr Duration kNackTimeout{60s};
constexpr double kRoundTripFactor = 0.9F;  // a float upstream too
constexpr Duration kRoundTripCap{200ms};
constexpr double kMostFrameRate = 200;
constexpr std::size_t kFrameIntervals = 30;

// TimestampExtrapolator; residuals in 90 kHz ticks
constexpr int kStartupPairs = 2;
constexpr double kTicksPerMsVariance = 1;
constexpr double kOffsetVariance = 1e10;
constexpr double kStartResidualVariance = 3000.0 * 3000.0;
constexpr Duration kSilence{10s};
constexpr std::int64_t kTicksLeap = 900'000;  // 10 s
constexpr int kFramesBeforeOutliers = 300;
constexpr int kOutliersInARow = 150;
constexpr double kResidualForgetting = 0.999;
constexpr double kResidualDeviations = 2;
constexpr double kShiftAlarm = 60'000;
constexpr double kShiftSlack = 6'600;
constexpr double kShiftCap = 7'000;

// WebrtcVideoPolicy
constexpr Duration kRenderDelay{10ms};
constexpr Duration kAbsurdDelay{10s};
constexpr Duration kFrameHistory{2s};

}  // namespace

void FrameDelayVariationFilter::update(double variation_ms, double size_variation,
                                       double largest_frame, double noise_ms2) {
  slope_variance_ += kSlopeProcessNoise;
  offset_variance_ += kOffsetProcessNoise;

  // A frame of about its predecessor's size says little about the slope, so it counts as noisy.
  // Upstream adds this standard deviation where a variance belongs; it is what browsers run.
  const double likeness = std::exp(-std::abs(size_variation) / largest_frame);
  const double noise = std::max((300 * likeness + 1) * std::sqrt(noise_ms2), 1.0);
  const double slope_gain_part = slope_variance_ * size_variation + covariance_so_;
  const double offset_gain_part = covariance_os_ * size_variation + offset_variance_;
  const double variance = size_variation * slope_gain_part + offset_gain_part + noise;
  const double slope_gain = slope_gain_part / variance;
  const double offset_gain = offset_gain_part / variance;

  const double innovation = variation_ms - total_ms(size_variation);
  slope_ = std::max(slope_ + slope_gain * innovation, kLeastSlope);
  offset_ms_ += offset_gain * innovation;

  // P := (I - K H) P with H = (size_variation, 1)
  const double slope_row = slope_variance_ * size_variation + covariance_os_;
  const double offset_row = covariance_so_ * size_variation + offset_variance_;
  slope_variance_ -= slope_gain * slope_row;
  covariance_so_ -= slope_gain * offset_row;
  covariance_os_ -= offset_gain * slope_row;
  offset_variance_ -= offset_gain * offset_row;
}

void VideoJitterEstimator::on_frame(Duration variation, std::uint32_t size, RunningTime now) {
  if (size == 0)
    return;
  const double bytes = size;
  const double size_variation = bytes - previous_size_.value_or(0);
  if (startup_size_count_ < kStartupSizes) {
    startup_sizes_ += bytes;
    ++startup_size_count_;
  } else if (startup_size_count_ == kStartupSizes) {
    mean_size_ = startup_sizes_ / kStartupSizes;
    ++startup_size_count_;
  }
  // The mean leaves out key frames; the variance is taken about the mean that would not.
  const double mean_size = kSizeForgetting * mean_size_ + (1 - kSizeForgetting) * bytes;
  if (bytes < mean_size_ + 2 * std::sqrt(size_variance_))
    mean_size_ = mean_size;
  const double size_deviation = bytes - mean_size;
  size_variance_ = std::max(
      kSizeForgetting * size_variance_ + (1 - kSizeForgetting) * size_deviation * size_deviation,
      1.0);
  largest_size_ = std::max(kLargestSizeForgetting * largest_size_, bytes);
  const bool is_first = !previous_size_;
  previous_size_ = size;
  if (is_first)
    return;

  const double noise_ms = std::sqrt(noise_ms2_);
  const auto clamp = from_ms(kVariationClamp * noise_ms + 0.5);
  const double variation_ms = whole_ms(std::clamp(variation, -clamp, clamp));
  const double deviation_ms = variation_ms - filter_.total_ms(size_variation);
  const bool is_outlier = std::abs(deviation_ms) >= kVariationOutlier * noise_ms;
  const bool is_large = bytes > mean_size_ + kSizeOutlier * std::sqrt(size_variance_);
  if (!is_outlier || is_large) {
    update_noise(deviation_ms, now);
    // A frame much smaller than its predecessor queued behind it and came right after it: what it
    // shows is not the line.
    if (size_variation > kCongestedShare * largest_size_)
      filter_.update(variation_ms, size_variation, largest_size_, noise_ms2_);
  } else {
    update_noise(std::copysign(kVariationOutlier, deviation_ms) * noise_ms, now);
  }
  if (frames_ < kStartupFrames)
    ++frames_;
  else
    held_estimate_ms_ = calculate_ms();
}

void VideoJitterEstimator::on_frame_nacked(RunningTime now) {
  nacked_frames_ = std::min(nacked_frames_ + 1, kNackLimit);
  last_nacked_ = now;
}

void VideoJitterEstimator::update_noise(double deviation_ms, RunningTime now) {
  if (previous_update_) {
    if (frame_intervals_.size() == kFrameIntervals)
      frame_intervals_.pop_front();
    frame_intervals_.push_back(now - *previous_update_);
  }
  previous_update_ = now;

  double memory = static_cast<double>(noise_count_ - 1) / noise_count_;
  noise_count_ = std::min(noise_count_ + 1, kNoiseCountMax);
  if (const auto rate = frame_rate(); rate > 0) {
    // The memory is meant for 30 frames/s. The measured rate takes over during the first 30 frames.
    double scale = 30 / rate;
    if (noise_count_ < kStartupFrames)
      scale = (noise_count_ * scale + (kStartupFrames - noise_count_)) / kStartupFrames;
    memory = std::pow(memory, scale);
  }
  const double from_mean = deviation_ms - mean_noise_ms_;
  mean_noise_ms_ = memory * mean_noise_ms_ + (1 - memory) * deviation_ms;
  noise_ms2_ = std::max(memory * noise_ms2_ + (1 - memory) * from_mean * from_mean, 1.0);
}

double VideoJitterEstimator::frame_rate() const {
  if (frame_intervals_.empty())
    return 0;
  const auto sum =
      std::accumulate(frame_intervals_.begin(), frame_intervals_.end(), Duration::zero());
  if (sum <= Duration::zero())
    return 0;
  const auto intervals = static_cast<double>(frame_intervals_.size());
  return std::min(intervals * 1e9 / static_cast<double>(sum.count()), kMostFrameRate);
}

double VideoJitterEstimator::calculate_ms() {
  const double noise_bound_ms =
      std::max(kNoiseDeviations * std::sqrt(noise_ms2_) - kNoiseOffsetMs, 1.0);
  double estimate_ms = filter_.size_based_ms(largest_size_ - mean_size_) + noise_bound_ms;
  if (estimate_ms < kLeastEstimateMs)
    estimate_ms = previous_estimate_ms_.value_or(kLeastEstimateMs);
  estimate_ms = std::min(estimate_ms, kMostEstimateMs);
  previous_estimate_ms_ = estimate_ms;
  return estimate_ms;
}

Duration VideoJitterEstimator::estimate(RunningTime now, Duration round_trip) {
  double estimate_ms = std::max(calculate_ms() + kOperatingSystemJitterMs, held_estimate_ms_);
  if (now - last_nacked_ > kNackTimeout)
    nacked_frames_ = 0;
  auto estimate = from_ms(estimate_ms);
  if (nacked_frames_ >= kNackLimit) {
    const auto repair = from_ms(static_cast<double>(round_trip.count()) / 1e6 * kRoundTripFactor);
    estimate += std::min(repair, kRoundTripCap);
  }
  // Slide shows get no jitter delay: from 10 frames/s on down to none at 5.
  const double rate = frame_rate();
  if (rate > 0 && rate < 10)
    estimate = from_ms(static_cast<double>(estimate.count()) / 1e6 * std::max(rate - 5, 0.0) / 5);
  return estimate;
}

void TimestampExtrapolator::restart(RunningTime now) {
  *this = {};
  start_ = now;
  previous_ = now;
  covariance_ = {{{kTicksPerMsVariance, 0}, {0, kOffsetVariance}}};
  residual_variance_ = kStartResidualVariance;
}

void TimestampExtrapolator::on_frame(MediaTime media, RunningTime completed) {
  const auto ticks = ticks_90khz(media);
  // Upstream means to compare the leap with the time that passed, but has just overwritten the
  // earlier time: the leap of RTP time alone decides.
  const bool has_leapt = previous_ticks_ && std::abs(ticks - *previous_ticks_) > kTicksLeap;
  if (!first_ticks_ || completed - previous_ > kSilence || has_leapt)
    restart(completed);
  previous_ = completed;
  const double at_ms = whole_ms(completed - start_);
  if (!first_ticks_)
    first_ticks_ = ticks;
  const double residual =
      static_cast<double>(ticks - *first_ticks_) - at_ms * ticks_per_ms_ - offset_ticks_;
  if (is_outlier(residual)) {
    if (++outliers_in_a_row_ <= kOutliersInARow)
      return;
    covariance_[1][1] = kOffsetVariance;  // they are the line now
  }
  outliers_in_a_row_ = 0;
  if (has_shifted(residual) && frames_ >= kStartupPairs)
    covariance_[1][1] = kOffsetVariance;

  auto& p = covariance_;
  const std::array part{p[0][0] * at_ms + p[0][1], p[1][0] * at_ms + p[1][1]};
  const double scale = 1 + at_ms * part[0] + part[1];
  const std::array gain{part[0] / scale, part[1] / scale};
  ticks_per_ms_ += gain[0] * residual;
  offset_ticks_ += gain[1] * residual;
  const std::array row{at_ms * p[0][0] + p[1][0], at_ms * p[0][1] + p[1][1]};
  p = {{{p[0][0] - gain[0] * row[0], p[0][1] - gain[0] * row[1]},
        {p[1][0] - gain[1] * row[0], p[1][1] - gain[1] * row[1]}}};
  previous_ticks_ = ticks;
  frames_ = std::min(frames_ + 1, kFramesBeforeOutliers);
}

// Only what is no outlier has a say in what an outlier is.
bool TimestampExtrapolator::is_outlier(double residual) {
  if (frames_ >= kFramesBeforeOutliers &&
      std::abs(residual - mean_residual_) > kResidualDeviations * std::sqrt(residual_variance_))
    return true;
  mean_residual_ = kResidualForgetting * mean_residual_ + (1 - kResidualForgetting) * residual;
  const double deviation = residual - mean_residual_;
  residual_variance_ = std::max(
      kResidualForgetting * residual_variance_ + (1 - kResidualForgetting) * deviation * deviation,
      1.0);
  return false;
}

// A two-sided CUSUM test.
bool TimestampExtrapolator::has_shifted(double residual) {
  residual = std::clamp(residual, -kShiftCap, kShiftCap);
  above_ = std::max(above_ + residual - kShiftSlack, 0.0);
  below_ = std::min(below_ + residual + kShiftSlack, 0.0);
  if (above_ <= kShiftAlarm && below_ >= -kShiftAlarm)
    return false;
  above_ = 0;
  below_ = 0;
  return true;
}

std::optional<RunningTime> TimestampExtrapolator::local_time(MediaTime media) const {
  if (!first_ticks_)
    return std::nullopt;
  const auto ticks = ticks_90khz(media);
  if (frames_ < kStartupPairs && previous_ticks_)
    return previous_ + milliseconds{(ticks - *previous_ticks_) / 90};
  if (ticks_per_ms_ < 1e-3)
    return start_;
  const double ms = (static_cast<double>(ticks - *first_ticks_) - offset_ticks_) / ticks_per_ms_;
  return start_ + milliseconds{static_cast<std::int64_t>(ms + 0.5)};
}

WebrtcVideoPolicy::WebrtcVideoPolicy(Config config) : config_(config) {}

void WebrtcVideoPolicy::on_packet(const Packet& packet) {
  newest_ = std::max(newest_.value_or(packet.media), packet.media);
  while (!frames_.empty() && frames_.begin()->first + kFrameHistory < *newest_)
    frames_.erase(frames_.begin());
  if (packet.media + kFrameHistory < *newest_)
    return;
  const auto found = frames_.try_emplace(packet.media).first;
  auto& frame = found->second;
  if (frame.is_done)
    return;
  frame.first = std::min(frame.first.value_or(packet.sequence), packet.sequence);
  if (packet.marker || config_.frame_per_packet)
    frame.marker = packet.sequence;
  ++frame.packets;
  frame.size += packet.size;
  frame.was_retransmitted |= packet.retransmitted;
  frame.last_arrival = packet.arrival;
  finish_if_complete(found);
  // It may be what the next frame's beginning was to be known by.
  if (const auto next = std::next(found); next != frames_.end())
    finish_if_complete(next);
}

void WebrtcVideoPolicy::finish_if_complete(Frames::iterator frame) {
  if (frame->second.is_done || !is_complete(frame))
    return;
  frame->second.is_done = true;
  on_complete(frame->first, frame->second);
}

// A browser knows a frame's first packet by its payload header. Here it is the one after the
// previous frame's marker or, if that is not there, the lowest so far. A frame after one that is
// missing as a whole is not told from one that lost its beginning, and skipped.
bool WebrtcVideoPolicy::is_complete(Frames::const_iterator frame) const {
  const auto& parts = frame->second;
  if (!parts.marker || parts.packets != *parts.marker - *parts.first + 1)
    return false;
  if (frame == frames_.begin() || config_.frame_per_packet)
    return true;
  const auto& previous = std::prev(frame)->second;
  return !previous.marker || *parts.first == *previous.marker + 1;
}

void WebrtcVideoPolicy::on_complete(MediaTime media, const Frame& frame) {
  const auto arrival = frame.last_arrival;
  if (!frame.was_retransmitted)
    line_.on_frame(media, arrival);
  auto render = render_time(media, arrival);
  if (std::chrono::abs(render - arrival) > kAbsurdDelay || target_delay() > kAbsurdDelay) {
    jitter_ = {};
    line_ = {};
    jitter_delay_ = Duration::zero();
    current_delay_ = Duration::zero();
    render = render_time(media, arrival);
  }
  const auto decoded = std::max(arrival, render - behind_decoding());
  if (frame.was_retransmitted) {
    jitter_.on_frame_nacked(decoded);
    return;
  }
  // Frames out of order teach nothing.
  if (!previous_) {
    jitter_.on_frame(Duration::zero(), frame.size, decoded);
    previous_ = {media, arrival};
  } else if (media > previous_->first) {
    const auto variation = (arrival - previous_->second) - (media - previous_->first);
    jitter_.on_frame(variation, frame.size, decoded);
    previous_ = {media, arrival};
  }
  jitter_delay_ = jitter_.estimate(decoded, config_.round_trip);
  if (current_delay_ == Duration::zero())
    current_delay_ = jitter_delay_;
  const auto late_by = decoded - (render - behind_decoding());
  current_delay_ = std::min(current_delay_ + late_by, target_delay());
}

RunningTime WebrtcVideoPolicy::render_time(MediaTime media, RunningTime now) const {
  const auto completes = line_.local_time(media);
  if (!completes)
    return now;
  return *completes + std::clamp(current_delay_, config_.minimum, config_.maximum);
}

Duration WebrtcVideoPolicy::behind_decoding() const {
  return config_.decode_time + kRenderDelay;
}

Duration WebrtcVideoPolicy::target_delay() const {
  return std::max(config_.minimum, jitter_delay_ + behind_decoding());
}

Duration WebrtcVideoPolicy::playout() const {
  if (!previous_)
    return Duration::zero();
  const auto media = previous_->first;
  return transit(render_time(media, previous_->second), media) - behind_decoding();
}

}  // namespace onair::sim
