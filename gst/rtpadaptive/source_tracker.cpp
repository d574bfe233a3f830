// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source_tracker.hpp"

#include <algorithm>
#include <cmath>

namespace onair {

using namespace std::chrono_literals;

namespace {

// RFC 3550 appendix A.1: limits in packets while the packet rate is not known.
constexpr std::int64_t kDropout = 3000;
constexpr std::int64_t kMisorder = 100;
// A stream of a packet a second would have no room for reordering at all.
constexpr std::int64_t kLeastDropout = 100;
constexpr std::int64_t kLeastMisorder = 10;
// Half of what 16 bits can tell apart, less room for the other direction.
constexpr std::int64_t kMostPackets = 16384;
constexpr Duration kRateWindow{1s};
constexpr int kDriftDivisor = 2000;  // 500 ppm

}  // namespace

SourceTracker::Decision SourceTracker::judge(const Packet& packet, const Limits& limits) {
  if (!started_)
    return packet.retransmission ? Decision{.verdict = Verdict::Refuse} : start(packet);
  const std::int64_t step = static_cast<std::int16_t>(packet.sequence - newest_number_);
  const bool fits = packet.ssrc == ssrc_ && !steps_too_far(step, limits) && !leaps(packet, step);
  if (!fits)
    return packet.retransmission ? Decision{.verdict = Verdict::Refuse} : on_probation(packet);
  const bool failed = candidates_ > 0 && !packet.retransmission;
  if (failed)
    candidates_ = 0;
  const std::int64_t sequence = newest_sequence_ + step;
  if (first_ && sequence < *first_)
    return {.verdict = Verdict::Leftover, .probation_failed = failed};
  if (!packet.retransmission)
    follow(packet, sequence);
  return {.verdict = Verdict::Follow, .sequence = sequence, .probation_failed = failed};
}

void SourceTracker::expect(std::optional<std::uint16_t> first) {
  if (started_)
    return;
  expected_ = first;
  leftovers_since_.reset();
}

SourceTracker::Decision SourceTracker::start(const Packet& packet) {
  Decision decision{.verdict = Verdict::Start, .sequence = packet.sequence};
  if (!expected_)
    return decision;
  const std::int64_t step = static_cast<std::int16_t>(packet.sequence - *expected_);
  if (step < 0 && step > -kDropout) {
    leftovers_since_ = leftovers_since_.value_or(packet.arrival);
    if (packet.arrival - *leftovers_since_ < kLeftoverPatience)
      return {.verdict = Verdict::Leftover};
  } else if (step >= 0 && step < kDropout) {
    decision.first = packet.sequence - step;
  }
  return decision;
}

void SourceTracker::restart(const Packet& packet, std::int64_t sequence,
                            std::optional<std::int64_t> first) {
  started_ = true;
  ssrc_ = packet.ssrc;
  expected_.reset();
  leftovers_since_.reset();
  first_ = first;
  candidates_ = 0;
  newest_sequence_ = sequence;
  newest_number_ = packet.sequence;
  newest_media_ = packet.media;
  newest_arrival_ = packet.arrival;
  least_transit_ = transit(packet.arrival, packet.media);
  packet_rate_ = 0;
  rate_since_ = packet.media;
  rate_count_ = 0;
}

void SourceTracker::reset() {
  *this = SourceTracker{};
}

bool SourceTracker::leaps(const Packet& packet, std::int64_t step) const {
  if (step > 0 && packet.media < newest_media_ - kLeap)
    return true;
  return transit(packet.arrival, packet.media) < least_transit_ - kLeap ||
         (step < 0 && packet.media > newest_media_ + kLeap);
}

bool SourceTracker::steps_too_far(std::int64_t step, const Limits& limits) const {
  // Nearly always it need not be calculated.
  if (step < kLeastDropout && step >= -kLeastMisorder)
    return false;
  return step >= limit_in_packets(limits.max_dropout, kDropout, kLeastDropout) ||
         step < -limit_in_packets(limits.max_misorder, kMisorder, kLeastMisorder);
}

std::int64_t SourceTracker::limit_in_packets(Duration limit, std::int64_t fallback,
                                             std::int64_t least) const {
  if (packet_rate_ <= 0)
    return fallback;
  const double packets = packet_rate_ * static_cast<double>(limit.count()) * 1e-9;
  return std::clamp(static_cast<std::int64_t>(std::min(packets, 1e9)), least, kMostPackets);
}

void SourceTracker::follow(const Packet& packet, std::int64_t sequence) {
  if (sequence > newest_sequence_) {
    newest_sequence_ = sequence;
    newest_number_ = packet.sequence;
    newest_media_ = std::max(newest_media_, packet.media);
  }
  // Rises by what two clocks can differ, and by no queue, however long it lasts.
  const Duration now = transit(packet.arrival, packet.media);
  const Duration passed = std::max(packet.arrival - newest_arrival_, Duration{0});
  least_transit_ = std::min(now, least_transit_ + passed / kDriftDivisor);
  newest_arrival_ = std::max(newest_arrival_, packet.arrival);
  ++rate_count_;
  if (const Duration counted = packet.media - rate_since_; counted >= kRateWindow) {
    const double rate = rate_count_ / (static_cast<double>(counted.count()) * 1e-9);
    packet_rate_ = packet_rate_ > 0 ? packet_rate_ + (rate - packet_rate_) / 4 : rate;
    rate_since_ = packet.media;
    rate_count_ = 0;
  }
}

SourceTracker::Decision SourceTracker::on_probation(const Packet& packet) {
  const bool continues =
      candidates_ > 0 && packet.ssrc == last_candidate_.ssrc &&
      packet.sequence == static_cast<std::uint16_t>(last_candidate_.sequence + 1) &&
      std::chrono::abs(packet.media - last_candidate_.media) < kLeap;
  const bool failed = candidates_ > 0 && !continues;
  candidates_ = continues ? candidates_ + 1 : 1;
  last_candidate_ = packet;
  if (candidates_ == kProbation) {
    candidates_ = 0;
    return {.verdict = Verdict::Restart};
  }
  return {.verdict = Verdict::Probation, .probation_failed = failed};
}

}  // namespace onair
