// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "policy.hpp"

namespace onair::sim {

// The mean of every 1000 drift samples, in microseconds, and the part of it that goes over into the
// time base: at most one step of 5 ms each time. After DriftTracer in SRT's srtcore/utilities.h and
// the constants of srtcore/tsbpd_time.h (Haivision/srt, commit c39196c9 of 2026-06-08).
class SrtDriftTracer {
 public:
  static constexpr int kSamples = 1000;
  static constexpr std::int64_t kStepUs = 5000;

  // The step by which the time base moves, zero included, whenever a mean was taken.
  std::optional<std::int64_t> update(std::int64_t sample_us);
  [[nodiscard]] std::int64_t drift_us() const { return drift_us_; }

 private:
  std::int64_t sum_us_ = 0;
  int count_ = 0;
  std::int64_t drift_us_ = 0;
};

// SRT's timestamp-based packet delivery (TSBPD): a packet is delivered at its sender's time +
// base + drift + latency. After CTsbpdTime in srtcore/tsbpd_time.cpp of the same commit.
//
// Where this differs from a real connection:
//  - The base is the transit of the first packet; SRT takes it from the packet that ends the
//    handshake. In both, whatever that one packet waited in queues stays in the delay for good.
//  - SRT samples drift on ACKACKs (at most one per 10 ms, srtcore/core.h COMM_SYN_INTERVAL_US) and
//    on keep-alives. Here the media packets are the samples, at most one per 10 ms.
//  - SRT takes half the change of the round trip from each ACKACK's sample; a policy sees no round
//    trips, so its samples are those of a keep-alive, and a standing queue counts as drift in full.
class SrtPolicy : public Policy {
 public:
  struct Config {
    Duration latency{std::chrono::milliseconds{120}};  // SRT_LIVE_DEF_LATENCY_MS
    bool drift_tracer = true;                          // SRTO_DRIFTTRACER
  };
  explicit SrtPolicy(Config config);
  [[nodiscard]] std::string_view name() const override { return name_; }
  void on_packet(const Packet& packet) override;
  // Zero until the first packet.
  [[nodiscard]] Duration playout() const override;

 private:
  Config config_;
  std::string name_;
  std::optional<Duration> base_;
  RunningTime last_sample_;
  SrtDriftTracer tracer_;
};

}  // namespace onair::sim
