// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/srt.hpp"

#include <gtest/gtest.h>

namespace onair::sim {
namespace {

using namespace std::chrono_literals;

Packet packet(Duration media, Duration transit) {
  return {.arrival = RunningTime{media + transit}, .media = MediaTime{media}};
}

std::optional<std::int64_t> thousand(SrtDriftTracer& tracer, std::int64_t sample_us) {
  for (int i = 1; i < SrtDriftTracer::kSamples; ++i)
    EXPECT_FALSE(tracer.update(sample_us));
  return tracer.update(sample_us);
}

TEST(SrtDriftTracer, ADriftOfFiveMillisecondsMovesNoBase) {
  SrtDriftTracer tracer;
  EXPECT_EQ(thousand(tracer, 5000), 0);
  EXPECT_EQ(tracer.drift_us(), 5000);
  EXPECT_EQ(thousand(tracer, -5000), 0);
  EXPECT_EQ(tracer.drift_us(), -5000);
}

TEST(SrtDriftTracer, ADriftBeyondFiveMillisecondsMovesTheBaseByFive) {
  SrtDriftTracer tracer;
  EXPECT_EQ(thousand(tracer, 5001), 5000);
  EXPECT_EQ(tracer.drift_us(), 1);
  EXPECT_EQ(thousand(tracer, -5001), -5000);
  EXPECT_EQ(tracer.drift_us(), -1);
  EXPECT_EQ(thousand(tracer, 17'000), 5000);
  EXPECT_EQ(tracer.drift_us(), 12'000);
}

TEST(SrtDriftTracer, TheMeanOfAThousandCounts) {
  SrtDriftTracer tracer;
  for (int i = 0; i < 500; ++i)
    tracer.update(1000);
  for (int i = 0; i < 499; ++i)
    tracer.update(3000);
  EXPECT_EQ(tracer.drift_us(), 0);
  EXPECT_EQ(tracer.update(3000), 0);
  EXPECT_EQ(tracer.drift_us(), 2000);
}

TEST(SrtPolicy, TheFirstPacketSetsTheBaseForGood) {
  SrtPolicy policy{{.latency = 120ms}};
  EXPECT_EQ(policy.playout(), 0ms);
  policy.on_packet(packet(0ms, 40ms));
  EXPECT_EQ(policy.playout(), 160ms);
  for (auto media = 20ms; media <= 999 * 20ms; media += 20ms)
    policy.on_packet(packet(media, 10ms));
  EXPECT_EQ(policy.playout(), 160ms);  // 999 samples
}

TEST(SrtPolicy, AThousandSamplesMoveDeliveryByTheirMean) {
  SrtPolicy policy{{.latency = 120ms}};
  policy.on_packet(packet(0ms, 10ms));
  for (int i = 1; i <= 1000; ++i)
    policy.on_packet(packet(i * 20ms, 22ms));
  EXPECT_EQ(policy.playout(), 10ms + 120ms + 12ms);  // 5 in the base, 7 in the drift
  for (int i = 1001; i <= 2000; ++i)
    policy.on_packet(packet(i * 20ms, 22ms));
  EXPECT_EQ(policy.playout(), 10ms + 120ms + 12ms);  // 10 in the base, 2 in the drift
}

TEST(SrtPolicy, NoMoreThanOneSampleIsTakenInTenMilliseconds) {
  SrtPolicy policy{{.latency = 120ms}};
  policy.on_packet(packet(0ms, 10ms));
  for (int i = 1; i < 2000; ++i)
    policy.on_packet(packet(i * 5ms, 12ms));  // the first sample with the second of them
  EXPECT_EQ(policy.playout(), 130ms);
  policy.on_packet(packet(2000 * 5ms, 12ms));
  EXPECT_EQ(policy.playout(), 132ms);
}

TEST(SrtPolicy, RetransmissionsAndAStilledTracerTeachNothing) {
  SrtPolicy policy{{.latency = 120ms}};
  SrtPolicy still{{.latency = 120ms, .drift_tracer = false}};
  policy.on_packet(packet(0ms, 10ms));
  still.on_packet(packet(0ms, 10ms));
  for (int i = 1; i <= 1000; ++i) {
    still.on_packet(packet(i * 20ms, 22ms));
    auto repair = packet(i * 20ms, 22ms);
    repair.retransmitted = true;
    policy.on_packet(repair);
  }
  EXPECT_EQ(policy.playout(), 130ms);
  EXPECT_EQ(still.playout(), 130ms);
}

}  // namespace
}  // namespace onair::sim
