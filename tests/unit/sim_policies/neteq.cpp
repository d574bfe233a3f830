// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/neteq.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace onair::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kOne = 1 << 30;

Packet packet(Duration media, Duration transit) {
  return {.arrival = RunningTime{media + transit}, .media = MediaTime{media}};
}

TEST(NetEqHistogram, SamplesWeighTheSameAtFirst) {
  NetEqHistogram histogram{0.983};
  // The n-th sample weighs 2 / n: the forget factors are 1 - 2 / n, in Q15 and rounded down.
  EXPECT_EQ(histogram.forget_factor_q15(), 0);
  histogram.add(0);
  EXPECT_EQ(histogram.forget_factor_q15(), 0);
  histogram.add(0);
  EXPECT_EQ(histogram.forget_factor_q15(), 10922);
  histogram.add(100);
  EXPECT_EQ(histogram.forget_factor_q15(), 16384);
  histogram.add(100);
  EXPECT_EQ(histogram.forget_factor_q15(), 19660);
}

TEST(NetEqHistogram, TheForgetFactorEndsAtItsSteadyValue) {
  NetEqHistogram histogram{0.983};
  for (int i = 0; i < 116; ++i)
    histogram.add(0);
  EXPECT_EQ(histogram.forget_factor_q15(), 32207);  // 1 - 2 / 117
  histogram.add(0);
  EXPECT_EQ(histogram.forget_factor_q15(), 32210);  // 1 - 2 / 118 is more than 0.983
  histogram.add(0);
  EXPECT_EQ(histogram.forget_factor_q15(), 32210);
}

TEST(NetEqHistogram, TheSumStaysOne) {
  NetEqHistogram histogram{0.983};
  for (int i = 0; i < 1000; ++i) {
    histogram.add(i * 7919 % 2000);
    const auto& buckets = histogram.buckets();
    ASSERT_EQ(std::accumulate(buckets.begin(), buckets.end(), std::int64_t{0}), kOne);
  }
}

TEST(NetEqHistogram, TheQuantileIsTheLowestBucketWithLittleEnoughBeyond) {
  NetEqHistogram histogram{0.983};
  histogram.add(0);
  histogram.add(0);
  histogram.add(100);  // now a third of it in bucket 0, the rest in bucket 5
  EXPECT_EQ(histogram.quantile(0.95), 5);
  EXPECT_EQ(histogram.quantile(0.34), 5);
  EXPECT_EQ(histogram.quantile(0.33), 0);
}

TEST(NetEqHistogram, TwoSecondsLeaveNoTrace) {
  NetEqHistogram histogram{0.983};
  histogram.add(1999);
  EXPECT_EQ(histogram.quantile(0.95), 99);
  const auto before = histogram.buckets();
  histogram.add(2000);
  EXPECT_EQ(histogram.buckets(), before);
}

TEST(NetEqReorderOptimizer, WaitingIsWorthTwentyMillisecondsPerPercent) {
  // Waiting until 100 ms costs 80 more than the base delay of 20, as much as losing 4 %. The sample
  // after n others weighs 2 / (n + 1): 4.1 % after 48, 3.9 % after 50.
  for (const auto& [others, delay_ms] : {std::pair{48, 120}, std::pair{50, 20}}) {
    NetEqReorderOptimizer optimizer{0.9993, 20};
    for (int i = 0; i < others; ++i)
      optimizer.update(0, false, 20);
    EXPECT_EQ(optimizer.delay_ms(), 20);
    optimizer.update(100, true, 20);
    EXPECT_EQ(optimizer.delay_ms(), delay_ms);
  }
}

TEST(NetEqReorderOptimizer, DelayOfPacketsInOrderIsNotItsConcern) {
  NetEqReorderOptimizer optimizer{0.9993, 20};
  optimizer.update(500, false, 20);
  EXPECT_EQ(optimizer.delay_ms(), 20);
}

TEST(NetEqArrivalHistory, DelayCountsFromTheFastestOfTwoSeconds) {
  NetEqArrivalHistory history;
  const auto at = [](Duration media, Duration transit) {
    return NetEqArrivalHistory::Arrival{
        .media = MediaTime{media}, .tick = RunningTime{media + transit}, .transit = transit};
  };
  EXPECT_TRUE(history.insert(at(0ms, 0ms)));
  EXPECT_TRUE(history.insert(at(20ms, 30ms)));
  EXPECT_EQ(history.delay_ms(at(20ms, 30ms)), 30);
  EXPECT_TRUE(history.insert(at(2s, 50ms)));
  EXPECT_EQ(history.delay_ms(at(2s, 50ms)), 50);
  EXPECT_TRUE(history.insert(at(2s + 10ms, 50ms)));
  EXPECT_EQ(history.delay_ms(at(2s + 10ms, 50ms)), 20);  // the one with 30 ms is the fastest now
  EXPECT_FALSE(history.insert(at(2s + 10ms, 60ms)));     // known
  EXPECT_FALSE(history.insert(at(9ms, 2s)));             // older than the history
  EXPECT_TRUE(history.insert(at(1s, 0ms)));              // reordered
  EXPECT_FALSE(history.is_newest(MediaTime{1s}));
  EXPECT_EQ(history.delay_ms(at(2s + 10ms, 50ms)), 20);  // and therefore no reference
}

TEST(NetEqPolicy, AConstantDelayGivesTheSmallestTarget) {
  NetEqPolicy policy{{}};
  EXPECT_EQ(policy.target(), 80ms);
  // The first packet has nothing to be compared with; the second starts an interval, which ends
  // with the first packet more than 500 ms after it.
  for (int i = 0; i <= 26; ++i)
    policy.on_packet(packet(i * 20ms, 40ms));
  EXPECT_EQ(policy.target(), 80ms);
  EXPECT_EQ(policy.playout(), 120ms);
  policy.on_packet(packet(27 * 20ms, 40ms));
  EXPECT_EQ(policy.target(), 20ms);
  EXPECT_EQ(policy.playout(), 60ms);
}

// Packets each 20 ms; `spikes` times, one in each interval of 520 ms from `settled` on, five are
// held and come together, the first of them 100 ms late.
Duration target_after_spikes(NetEqPolicy& policy, Duration settled, int spikes) {
  const auto interval = 520ms;
  for (Duration media{0}; media < settled + (spikes + 1) * interval; media += 20ms) {
    auto transit = Duration::zero();
    if (media >= settled && media < settled + spikes * interval) {
      const auto into = (media - settled) % interval;
      transit = into < 100ms ? 100ms - into : 0ms;
    }
    policy.on_packet(packet(media, transit));
  }
  return policy.target();
}

TEST(NetEqPolicy, SpikesCountOnceTheyAreMoreThanTheQuantileLeaves) {
  // In the steady state each interval weighs 1.7 %: two of them are less than 5 %, three are more
  // (1 - 0.983^3 = 5.01 %).
  for (const auto& [spikes, target] : {std::pair{2, 20ms}, std::pair{3, 120ms}}) {
    NetEqPolicy policy{{}};
    EXPECT_EQ(target_after_spikes(policy, 130 * 520ms, spikes), target) << spikes;
  }
}

TEST(NetEqPolicy, AQuantileOfAThousandthMindsASingleSpike) {
  NetEqPolicy policy{{.quantile = 0.999}};
  EXPECT_EQ(policy.name(), "neteq 0.999");
  EXPECT_EQ(target_after_spikes(policy, 130 * 520ms, 1), 120ms);
}

TEST(NetEqPolicy, ArrivalCountsInTicksOfTenMilliseconds) {
  for (const auto& [late, target] : {std::pair{19ms, 20ms}, std::pair{20ms, 40ms}}) {
    NetEqPolicy policy{{}};
    for (int i = 0; i <= 60; ++i)
      policy.on_packet(packet(i * 20ms, i % 10 == 5 ? Duration{late} : 0ms));
    EXPECT_EQ(policy.target(), target);
  }
}

TEST(NetEqPolicy, ReorderedPacketsAreTheReorderOptimizersOnly) {
  const auto play = [](NetEqPolicy& policy) {
    for (int i = 0; i < 200; ++i) {
      if (i % 10 == 0)
        continue;
      policy.on_packet(packet(i * 20ms, 0ms));
      if (i % 10 == 4)  // one in ten comes 80 ms late, behind four others
        policy.on_packet(packet(i / 10 * 10 * 20ms, 80ms));
    }
  };
  NetEqPolicy policy{{}};
  play(policy);
  EXPECT_EQ(policy.target(), 100ms);
  NetEqPolicy without{{.use_reorder_optimizer = false}};
  play(without);
  EXPECT_EQ(without.target(), 100ms);  // by underruns, then
  NetEqPolicy patient{{.ms_per_loss_percent = 1}};
  play(patient);
  EXPECT_EQ(patient.target(), 20ms);  // 10 % lost are worth 10 ms
}

TEST(NetEqPolicy, LimitsHoldTheTarget) {
  EXPECT_EQ(NetEqPolicy({.minimum = 100ms}).target(), 100ms);
  EXPECT_EQ(NetEqPolicy({.base_minimum = 100ms}).target(), 100ms);
  EXPECT_EQ(NetEqPolicy({.maximum = 50ms}).target(), 50ms);
  EXPECT_EQ(NetEqPolicy({.max_packets_in_buffer = 4}).target(), 60ms);  // three quarters of 80 ms
  EXPECT_EQ(NetEqPolicy({.base_minimum = 5s}).target(), 3s);            // three quarters of 4 s
}

TEST(NetEqPolicy, OfAFrameOnlyTheMarkerCountsWhenAsked) {
  NetEqPolicy policy{{.markers_only = true}};
  for (int i = 0; i <= 60; ++i) {
    policy.on_packet(packet(i * 20ms, 0ms));
    auto last = packet(i * 20ms, i % 10 == 5 ? 45ms : 5ms);
    last.marker = true;
    policy.on_packet(last);
  }
  EXPECT_EQ(policy.target(), 60ms);
  EXPECT_EQ(policy.playout(), 65ms);
}

}  // namespace
}  // namespace onair::sim
