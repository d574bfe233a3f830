// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/srt.hpp"

#include <algorithm>

namespace onair::sim {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr Duration kSampleInterval{10ms};

}  // namespace

std::optional<std::int64_t> SrtDriftTracer::update(std::int64_t sample_us) {
  sum_us_ += sample_us;
  if (++count_ < kSamples)
    return std::nullopt;
  const auto mean = sum_us_ / count_;
  sum_us_ = 0;
  count_ = 0;
  // On the edge it stays drift; beyond it one whole step leaves, even when the mean is many steps.
  std::int64_t step = 0;
  if (mean > kStepUs)
    step = kStepUs;
  else if (mean < -kStepUs)
    step = -kStepUs;
  drift_us_ = mean - step;
  return step;
}

SrtPolicy::SrtPolicy(Config config)
    : config_(config),
      name_("srt " + std::to_string(duration_cast<milliseconds>(config.latency).count())) {}

void SrtPolicy::on_packet(const Packet& packet) {
  const auto passed = transit(packet.arrival, packet.media);
  if (!base_) {
    base_ = passed;
    last_sample_ = packet.arrival;
    return;
  }
  // A repair says when it was asked for, not how far the clocks are apart.
  if (!config_.drift_tracer || packet.retransmitted ||
      packet.arrival - last_sample_ < kSampleInterval)
    return;
  last_sample_ = packet.arrival;
  const auto sample = duration_cast<microseconds>(passed - *base_).count();
  if (const auto step = tracer_.update(sample))
    *base_ += microseconds{*step};
}

Duration SrtPolicy::playout() const {
  if (!base_)
    return Duration::zero();
  return *base_ + config_.latency + microseconds{tracer_.drift_us()};
}

}  // namespace onair::sim
