// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "adaptive.hpp"
#include "oracle.hpp"
#include "score.hpp"
#include "weather.hpp"

// The promises of the controller on seeds that no search was run on.
namespace onair::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSeeds[] = {12001, 12002};

struct Sum {
  double log_ratio = 0;
  int count = 0;

  void add(double ratio) {
    log_ratio += std::log(ratio);
    ++count;
  }
  [[nodiscard]] double geometric_mean() const { return std::exp(log_ratio / count); }
};

std::string label(const Kind& kind, std::uint64_t seed) {
  return std::string{kind.name} + (kind.medium == Medium::Audio ? ", audio" : ", video") +
         ", seed " + std::to_string(seed);
}

Sum run_paced(double target, double most_late, Duration repair_hold) {
  Sum sum;
  for (const auto seed : kSeeds) {
    for (const auto& kind : known_kinds()) {
      const auto trace = make_trace(kind, seed);
      // Stalls of 3G last up to 800 ms.
      AdaptivePolicy policy{
          {.max_latency = 1000ms, .late_target = target, .repair_hold = repair_hold}};
      const auto score = score_paced(trace, policy);
      EXPECT_LE(score.late_packets, most_late) << label(kind, seed);
      sum.add(score.mean_delay / consult_oracle(trace, target).mean_delay);
    }
  }
  return sum;
}

// A packet is judged by L as it stands when the packet comes.
TEST(Bars, OneLatePacketInAThousandCostsAtMostOnePointEightTimesTheOracle) {
  const auto mean = run_paced(0.001, 0.0012, 0s).geometric_mean();
  RecordProperty("ratio", std::to_string(mean));
  EXPECT_LE(mean, 1.75);
}

TEST(Bars, OneLatePacketInAHundredCostsAtMostOnePointThreeTimesTheOracle) {
  const auto mean = run_paced(0.01, 0.012, 0s).geometric_mean();
  RecordProperty("ratio", std::to_string(mean));
  EXPECT_LE(mean, 1.25);
}

// As the element sets it: the next hole shows before the missing packet is due. That costs, where
// losses are repaired; the oracle knows which seconds have none.
TEST(Bars, RisingForRepairsBeforeTheyAreDueCostsLittleMore) {
  const auto mean = run_paced(0.001, 0.0012, 10s).geometric_mean();
  RecordProperty("ratio", std::to_string(mean));
  EXPECT_LE(mean, 1.8);
}

TEST(Bars, RisingForRepairsBeforeTheyAreDueLosesFewForAReaderWithAClock) {
  for (const auto& kind : known_kinds()) {
    if (std::string_view{kind.name}.find("-rtx") == std::string_view::npos)
      continue;
    const auto trace = make_trace(kind, kSeeds[0]);
    AdaptivePolicy rising{{.max_latency = 1000ms, .repair_hold = 10s}};
    AdaptivePolicy following{{.max_latency = 1000ms, .repair_hold = 0s}};
    const auto missed = score_paced(trace, rising).missed_packets;
    EXPECT_LE(missed, 0.005) << label(kind, kSeeds[0]);
    EXPECT_LT(missed, score_paced(trace, following).missed_packets) << label(kind, kSeeds[0]);
  }
}

TEST(Bars, EagerReleaseLosesOneInTenThousandAndCostsLessThanHalfTheOracle) {
  Sum sum;
  for (const auto& kind : known_kinds()) {
    const auto trace = make_trace(kind, kSeeds[0]);
    AdaptivePolicy policy{{.release = LatencyController::Release::Eager,
                           .max_latency = 600ms,
                           .loss_target = 0.0001}};
    const auto score = score_eager(trace, policy);
    EXPECT_LE(score.late_packets, 0.0001) << label(kind, kSeeds[0]);
    sum.add(score.mean_delay / consult_oracle(trace, 0.001).mean_delay);
  }
  EXPECT_LE(sum.geometric_mean(), 0.4);
}

TEST(Bars, OneMinuteHasNoMoreLatePacketsThanAFewUnits) {
  for (const auto& kind : known_kinds()) {
    const auto trace = make_trace(kind, kSeeds[0], 1min);
    AdaptivePolicy policy{{.max_latency = 1000ms}};
    const auto score = score_paced(trace, policy);
    // 3000 or 1800 units: a minute of bad weather may bring more than the target's three, but not
    // a whole class of units.
    EXPECT_LE(score.late_units, 0.005) << label(kind, kSeeds[0]);
  }
}

TEST(Bars, TheOracleKeepsItsBudgetAndNoConstantBeatsIt) {
  const auto trace = make_trace(known_kinds().front(), kSeeds[0], 2min);
  const auto oracle = consult_oracle(trace, 0.001);
  EXPECT_LE(oracle.late_packets, 0.001);
  std::vector<Duration> transits;
  for (const auto& arrival : trace.arrivals)
    transits.push_back(transit(arrival.packet.arrival, arrival.packet.media));
  std::sort(transits.begin(), transits.end(), std::greater{});
  class Constant : public Policy {
   public:
    explicit Constant(Duration playout) : playout_{playout} {}
    [[nodiscard]] std::string_view name() const override { return "constant"; }
    void on_packet(const Packet&) override {}
    [[nodiscard]] Duration playout() const override { return playout_; }

   private:
    Duration playout_;
  } constant{transits[transits.size() / 1000]};
  EXPECT_LE(oracle.mean_delay, score_paced(trace, constant).mean_delay);
}

TEST(Weather, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto& kind = known_kinds().front();
  const auto one = make_trace(kind, 1, 10s);
  const auto same = make_trace(kind, 1, 10s);
  const auto other = make_trace(kind, 2, 10s);
  ASSERT_EQ(one.arrivals.size(), same.arrivals.size());
  auto differs = false;
  for (std::size_t i = 0; i < one.arrivals.size(); ++i) {
    EXPECT_EQ(one.arrivals[i].packet.arrival, same.arrivals[i].packet.arrival);
    differs = differs || i >= other.arrivals.size() ||
              one.arrivals[i].packet.arrival != other.arrivals[i].packet.arrival;
  }
  EXPECT_TRUE(differs);
}

TEST(Weather, ArrivesInOrderOfTimeAndNeverBeforeItWasSent) {
  for (const auto kinds : {known_kinds(), held_out_kinds()}) {
    for (const auto& kind : kinds) {
      const auto trace = make_trace(kind, 3, 30s);
      ASSERT_FALSE(trace.arrivals.empty()) << kind.name;
      EXPECT_GT(trace.least_path, Duration{0}) << kind.name;
      for (std::size_t i = 0; i < trace.arrivals.size(); ++i) {
        const auto& arrival = trace.arrivals[i];
        EXPECT_GE(arrival.packet.arrival - arrival.sent, trace.least_path) << kind.name;
        if (i > 0) {
          EXPECT_GE(arrival.packet.arrival, trace.arrivals[i - 1].packet.arrival) << kind.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace onair::sim
