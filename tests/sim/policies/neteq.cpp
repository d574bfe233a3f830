// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/neteq.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>

namespace onair::sim {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr std::int32_t kOneQ15 = 1 << 15;
constexpr std::int32_t kOneQ30 = 1 << 30;
constexpr int kStartDelayMs = 80;
constexpr Duration kHistory{2s};
constexpr double kStartForgetWeight = 2;

std::string policy_name(double quantile) {
  auto digits = std::to_string(quantile);
  digits.erase(digits.find_last_not_of('0') + 1);
  return "neteq " + digits;
}

}  // namespace

NetEqHistogram::NetEqHistogram(double forget_factor)
    : steady_forget_q15_(static_cast<std::int32_t>(kOneQ15 * forget_factor)) {
  // 1/2, 1/4, 1/8 …: only read when a quantile is asked for before the first sample. Upstream
  // halves a 14-bit number that is 2 too large, so that the sum comes out as 1.
  std::int32_t share = (1 << 14) + 2;
  for (auto& bucket : buckets_) {
    share /= 2;
    bucket = share << 16;
  }
}

void NetEqHistogram::add(int delay_ms) {
  const int index = delay_ms / kBucketMs;
  if (index >= kBuckets)
    return;
  std::int32_t sum = 0;
  for (auto& bucket : buckets_) {
    bucket = static_cast<std::int32_t>((std::int64_t{bucket} * forget_q15_) >> 15);
    sum += bucket;
  }
  const auto weight = (kOneQ15 - forget_q15_) << 15;
  buckets_[static_cast<std::size_t>(index)] += weight;
  restore_sum(sum + weight - kOneQ30);

  ++added_;
  const auto ramp = static_cast<std::int32_t>(kOneQ15 * (1 - kStartForgetWeight / (added_ + 1)));
  if (forget_q15_ != steady_forget_q15_)
    forget_q15_ = std::clamp(ramp, 0, steady_forget_q15_);
}

// Rounding loses a few of 2^30 at each step. They are made good from the low buckets, no more than
// a sixteenth of each.
void NetEqHistogram::restore_sum(std::int32_t excess) {
  for (auto& bucket : buckets_) {
    if (excess == 0)
      return;
    const auto share = std::min(std::abs(excess), bucket >> 4);
    const auto change = excess > 0 ? -share : share;
    bucket += change;
    excess += change;
  }
}

int NetEqHistogram::quantile(double quantile) const {
  const auto allowed_beyond = kOneQ30 - static_cast<std::int32_t>(kOneQ30 * quantile);
  auto beyond = kOneQ30;
  for (int index = 0; index < kBuckets; ++index) {
    beyond -= buckets_[static_cast<std::size_t>(index)];
    if (beyond <= allowed_beyond)
      return index;
  }
  return kBuckets - 1;
}

NetEqUnderrunOptimizer::NetEqUnderrunOptimizer(double quantile, double forget_factor,
                                               Duration resample_interval)
    : histogram_(forget_factor), quantile_(quantile), resample_interval_(resample_interval) {}

void NetEqUnderrunOptimizer::update(int delay_ms, RunningTime tick) {
  if (!interval_start_)
    interval_start_ = tick;
  if (tick - *interval_start_ <= resample_interval_) {
    largest_ms_ = std::max(largest_ms_, delay_ms);
    return;
  }
  // The packet that ends an interval is the first of the next.
  histogram_.add(largest_ms_);
  delay_ms_ = (1 + histogram_.quantile(quantile_)) * NetEqHistogram::kBucketMs;
  interval_start_ = tick;
  largest_ms_ = delay_ms;
}

NetEqReorderOptimizer::NetEqReorderOptimizer(double forget_factor, int ms_per_loss_percent)
    : histogram_(forget_factor), ms_per_loss_percent_(ms_per_loss_percent) {}

void NetEqReorderOptimizer::update(int delay_ms, bool reordered, int base_delay_ms) {
  histogram_.add(reordered ? delay_ms : 0);
  delay_ms_ = (1 + cheapest_bucket(base_delay_ms)) * NetEqHistogram::kBucketMs;
}

// Cost of a bucket: milliseconds beyond the delay that underruns ask for anyway, plus
// `ms_per_loss_percent` for each percent of packets that would still come later.
int NetEqReorderOptimizer::cheapest_bucket(int base_delay_ms) const {
  std::int64_t beyond = kOneQ30;
  auto least_cost = std::numeric_limits<std::int64_t>::max();
  int cheapest = 0;
  for (int index = 0; index < NetEqHistogram::kBuckets && beyond != 0; ++index) {
    beyond -= histogram_.buckets()[static_cast<std::size_t>(index)];
    const std::int64_t wait_ms = std::max(0, index * NetEqHistogram::kBucketMs - base_delay_ms);
    const auto cost = wait_ms * kOneQ30 + 100 * ms_per_loss_percent_ * beyond;
    if (cost < least_cost) {
      least_cost = cost;
      cheapest = index;
    }
  }
  return cheapest;
}

bool NetEqArrivalHistory::insert(const Arrival& arrival) {
  if (!seen_.empty() && arrival.media + kHistory < *seen_.rbegin())
    return false;
  if (!seen_.insert(arrival.media).second)
    return false;
  if (!is_newest(arrival.media))
    return true;  // reordered: never a reference for others
  while (*seen_.begin() + kHistory < arrival.media)
    seen_.erase(seen_.begin());
  while (!fastest_.empty() && fastest_.front().media + kHistory < arrival.media)
    fastest_.pop_front();
  const auto passed = transit(arrival.tick, arrival.media);
  while (!fastest_.empty() && passed <= transit(fastest_.back().tick, fastest_.back().media))
    fastest_.pop_back();
  fastest_.push_back(arrival);
  return true;
}

int NetEqArrivalHistory::delay_ms(const Arrival& arrival) const {
  if (fastest_.empty())
    return 0;
  const auto& fastest = fastest_.front();
  const auto took = duration_cast<milliseconds>(arrival.tick - fastest.tick).count() -
                    duration_cast<milliseconds>(arrival.media - fastest.media).count();
  return static_cast<int>(std::max<std::int64_t>(took, 0));
}

std::optional<Duration> NetEqArrivalHistory::fastest_transit() const {
  return fastest_.empty() ? std::nullopt : std::optional{fastest_.front().transit};
}

NetEqPolicy::NetEqPolicy(Config config)
    : config_(config),
      name_(policy_name(config.quantile)),
      underrun_(config.quantile, config.forget_factor, config.resample_interval),
      reorder_(config.reorder_forget_factor, config.ms_per_loss_percent),
      target_ms_(kStartDelayMs) {}

void NetEqPolicy::on_packet(const Packet& packet) {
  if (config_.markers_only && !packet.marker)
    return;
  const NetEqArrivalHistory::Arrival arrival{
      .media = packet.media,
      .tick = RunningTime{packet.arrival.time_since_epoch() / config_.tick * config_.tick},
      .transit = transit(packet.arrival, packet.media),
  };
  if (!history_.insert(arrival) || history_.size() < 2)
    return;
  const int delay_ms = history_.delay_ms(arrival);
  const bool is_reordered = config_.use_reorder_optimizer && !history_.is_newest(packet.media);
  if (!is_reordered)
    underrun_.update(delay_ms, arrival.tick);
  target_ms_ = underrun_.delay_ms().value_or(kStartDelayMs);
  if (config_.use_reorder_optimizer) {
    reorder_.update(delay_ms, is_reordered, target_ms_);
    target_ms_ = std::max(target_ms_, reorder_.delay_ms().value_or(0));
  }
}

Duration NetEqPolicy::target() const {
  // DelayConstraints: no more than three quarters of what the packet buffer can hold, and the base
  // minimum may not ask for more than that or than the maximum.
  const auto capacity = 3 * config_.max_packets_in_buffer * config_.packet_length / 4;
  const auto bound = config_.maximum ? std::min(*config_.maximum, capacity) : capacity;
  const auto minimum = std::max(config_.minimum, std::min(config_.base_minimum, bound));
  return std::min(std::max<Duration>(milliseconds{target_ms_}, minimum), bound);
}

Duration NetEqPolicy::playout() const {
  const auto fastest = history_.fastest_transit();
  return fastest ? *fastest + target() : Duration::zero();
}

}  // namespace onair::sim
