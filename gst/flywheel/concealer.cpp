// SPDX-License-Identifier: LGPL-2.1-or-later
#include "concealer.hpp"

#include <algorithm>
#include <cmath>

namespace onair {

namespace {

constexpr std::size_t kMostPeriods = 3;
// 5 ms: 200 Hz, the length of an attack. No click, and too short to hear as a fade.
constexpr std::uint32_t kOverlapMs = 5;
// 66 to 400 Hz: voices. A music's period lies in there too, or several of it do.
constexpr std::uint32_t kShortestPeriodUs = 2'500;
constexpr std::uint32_t kLongestPeriodUs = 15'000;
constexpr std::uint32_t kWindowMs = 20;
constexpr std::uint32_t kGrowthMs = 10;
constexpr std::uint32_t kSilentAfterMs = 60;
// Periods are looked for at about this rate first, as G.711 has it.
constexpr std::uint32_t kCoarseRate = 8'000;
constexpr float kNothing = 1e-9F;  // energy: below a step of 16 bits

std::size_t in_frames(std::uint32_t rate, std::uint64_t microseconds) {
  return static_cast<std::size_t>(std::max<std::uint64_t>(1, rate * microseconds / 1'000'000));
}

// How alike the last `window` frames are to those `lag` earlier: 1 when they are the same.
float likeness(std::span<const float> past, std::size_t channels, std::size_t window,
               std::size_t lag) {
  const float* now = past.data() + past.size() - window * channels;
  const float* then = now - lag * channels;
  float product = 0;
  float energy = 0;
  for (std::size_t i = 0; i < window * channels; ++i) {
    product += now[i] * then[i];
    energy += then[i] * then[i];
  }
  return energy < kNothing ? 0 : product / std::sqrt(energy);
}

std::size_t most_alike(std::span<const float> past, std::size_t channels, std::size_t window,
                       std::size_t first, std::size_t last) {
  std::size_t best = first;
  float best_likeness = -1;
  for (std::size_t lag = first; lag <= last; ++lag) {
    const float found = likeness(past, channels, window, lag);
    if (found > best_likeness) {
      best_likeness = found;
      best = lag;
    }
  }
  return best;
}

// Each frame the mean of `factor`, counted from the end.
std::vector<float> decimate(std::span<const float> past, std::size_t channels, std::size_t factor) {
  const std::size_t frames = past.size() / channels / factor;
  std::vector<float> coarse(frames * channels, 0.0F);
  const float* first = past.data() + past.size() - frames * factor * channels;
  for (std::size_t i = 0; i < frames * factor * channels; ++i)
    coarse[i / (factor * channels) * channels + i % channels] +=
        first[i] / static_cast<float>(factor);
  return coarse;
}

}  // namespace

Concealer::Concealer(std::uint32_t rate, std::size_t channels)
    : channels_{channels},
      overlap_{in_frames(rate, kOverlapMs * 1000)},
      shortest_period_{in_frames(rate, kShortestPeriodUs)},
      longest_period_{in_frames(rate, kLongestPeriodUs)},
      window_{in_frames(rate, kWindowMs * 1000)},
      growth_{in_frames(rate, kGrowthMs * 1000)},
      longest_{in_frames(rate, kSilentAfterMs * 1000)},
      // Three periods and the quarter before them.
      past_((kMostPeriods + 1) * longest_period_ * channels, 0.0F) {}

void Concealer::remember(std::span<const float> sound) {
  is_concealing_ = false;
  record(sound);
}

void Concealer::record(std::span<const float> sound) {
  const std::size_t fresh = std::min(sound.size(), past_.size());
  std::copy(past_.begin() + static_cast<std::ptrdiff_t>(fresh), past_.end(), past_.begin());
  std::copy(sound.end() - static_cast<std::ptrdiff_t>(fresh), sound.end(),
            past_.end() - static_cast<std::ptrdiff_t>(fresh));
}

std::size_t Concealer::find_period() const {
  // Coarsely, then around that.
  const std::size_t factor = std::max<std::size_t>(1, window_ * 1000 / kWindowMs / kCoarseRate);
  const auto coarse = decimate(past_, channels_, factor);
  const std::size_t near = factor * most_alike(coarse, channels_, window_ / factor,
                                               std::max<std::size_t>(1, shortest_period_ / factor),
                                               longest_period_ / factor);
  const std::size_t first = std::max(shortest_period_, near - std::min(near, factor));
  return most_alike(past_, channels_, window_, first, std::min(longest_period_, near + factor));
}

Concealer::Cycle Concealer::make_cycle(std::size_t periods, std::size_t phase) const {
  const std::size_t length = periods * period_ * channels_;
  const std::size_t seam = std::max<std::size_t>(1, period_ / 4) * channels_;
  const float* first = before_.data() + before_.size() - length;
  Cycle cycle{.frames = {first, first + length}, .next = phase * channels_};
  // At its end it becomes what came before its beginning.
  float* end = cycle.frames.data() + length - seam;
  for (std::size_t i = 0; i < seam; ++i) {
    const float share =
        static_cast<float>(i / channels_ + 1) / static_cast<float>(seam / channels_ + 1);
    end[i] += share * ((first - seam)[i] - end[i]);
  }
  return cycle;
}

void Concealer::start() {
  before_ = past_;
  period_ = find_period();
  done_ = 0;
  cycle_ = make_cycle(1, 0);
  // It begins on a level with what went out last, and comes to its own within a quarter period; no
  // louder than anything before it.
  const std::size_t quarter = std::max<std::size_t>(1, period_ / 4) * channels_;
  const float peak = std::abs(*std::max_element(
      before_.begin(), before_.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
  const float* last = before_.data() + before_.size() - channels_;
  const float* expected = last - period_ * channels_;
  fading_.resize(quarter);
  faded_ = 0;
  for (std::size_t i = 0; i < quarter; ++i) {
    const std::size_t channel = i % channels_;
    const float level = cycle_.frames[i % cycle_.frames.size()] + last[channel] - expected[channel];
    fading_[i] = std::clamp(level, -peak, peak);
  }
  is_concealing_ = true;
}

void Concealer::write_frame(float* frame) {
  // Up to longest_: fully for the first 10 ms, then less and less.
  if (done_ == growth_ || done_ == 2 * growth_) {
    const std::size_t periods = done_ / growth_ + 1;
    Cycle longer = make_cycle(periods, cycle_.next / channels_ % period_);
    // The old one's next quarter is faded out.
    const std::size_t quarter = std::max<std::size_t>(1, period_ / 4) * channels_;
    fading_.resize(quarter);
    faded_ = 0;
    for (std::size_t i = 0; i < quarter; ++i)
      fading_[i] = cycle_.frames[(cycle_.next + i) % cycle_.frames.size()];
    cycle_ = std::move(longer);
  }
  const float gain = done_ <= growth_ ? 1.0F
                                      : static_cast<float>(longest_ - done_) /
                                            static_cast<float>(longest_ - growth_);
  const float share = static_cast<float>(faded_ / channels_ + 1) /
                      static_cast<float>(fading_.size() / channels_ + 1);
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    float value = cycle_.frames[cycle_.next++];
    if (faded_ < fading_.size()) {
      value = fading_[faded_] + share * (value - fading_[faded_]);
      ++faded_;
    }
    frame[channel] = gain * value;
  }
  if (cycle_.next == cycle_.frames.size())
    cycle_.next = 0;
  ++done_;
}

void Concealer::write(std::span<float> filler) {
  const std::size_t frames = filler.size() / channels_;
  const std::size_t sounding = std::min(frames, longest_ - done_);
  for (std::size_t i = 0; i < sounding; ++i)
    write_frame(filler.data() + i * channels_);
  std::fill(filler.begin() + static_cast<std::ptrdiff_t>(sounding * channels_), filler.end(), 0.0F);
}

std::size_t Concealer::conceal(std::span<float> filler) {
  if (!is_concealing_)
    start();
  const std::size_t before = done_;
  const bool was_silent = done_ == longest_;
  write(filler);
  if (!was_silent)
    record(filler);  // for a hole that follows soon
  else
    std::fill(past_.begin(), past_.end(), 0.0F);
  return done_ - before;
}

void Concealer::join(std::span<float> sound) {
  if (!is_concealing_)
    start();
  const std::size_t frames = std::min(sound.size() / channels_, overlap_);
  std::vector<float> filler(frames * channels_);
  write(filler);
  for (std::size_t i = 0; i < filler.size(); ++i) {
    const float share = static_cast<float>(i / channels_ + 1) / static_cast<float>(frames + 1);
    sound[i] = filler[i] + share * (sound[i] - filler[i]);
  }
  is_concealing_ = false;
}

}  // namespace onair
