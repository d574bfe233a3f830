// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/fixed.hpp"

#include <gtest/gtest.h>

namespace onair::sim {
namespace {

using namespace std::chrono_literals;

Packet packet(Duration media, Duration transit) {
  return {.arrival = RunningTime{media + transit}, .media = MediaTime{media}};
}

TEST(FixedPolicy, LatencyCountsFromTheLeastTransit) {
  FixedPolicy policy{{.latency = 100ms}};
  EXPECT_EQ(policy.playout(), 0ms);
  policy.on_packet(packet(0ms, 30ms));
  EXPECT_EQ(policy.playout(), 130ms);
  policy.on_packet(packet(20ms, 10ms));
  EXPECT_EQ(policy.playout(), 110ms);
  policy.on_packet(packet(40ms, 50ms));
  EXPECT_EQ(policy.playout(), 110ms);
}

TEST(FixedPolicy, TransitMayBeNegative) {
  FixedPolicy policy{{.latency = 100ms}};
  policy.on_packet(packet(10s, -9s));
  EXPECT_EQ(policy.playout(), -8900ms);
}

TEST(FixedPolicy, TheFloorIsForgottenOneNanosecondAfterTheWindow) {
  FixedPolicy policy{{.latency = 100ms, .window = 30s}};
  policy.on_packet(packet(0ms, 10ms));
  policy.on_packet(packet(20ms, 25ms));
  policy.on_packet(packet(30s - 40ms, 50ms));  // arrives 30 s after the first
  EXPECT_EQ(policy.playout(), 110ms);
  policy.on_packet(packet(30s - 40ms + 1ns, 50ms));
  EXPECT_EQ(policy.playout(), 125ms);
}

TEST(FixedPolicy, ADriftEatsNoMoreThanItGrowsInOneWindow) {
  FixedPolicy policy{{.latency = 100ms, .window = 30s}};
  Duration transit{0};
  for (Duration media{0}; media < 10min; media += 20ms) {
    transit = media / 5000;  // 200 ppm
    policy.on_packet(packet(media, transit));
  }
  EXPECT_LE(policy.playout(), transit + 100ms);
  EXPECT_GE(policy.playout(), transit + 100ms - Duration{30s} / 5000);
}

}  // namespace
}  // namespace onair::sim
