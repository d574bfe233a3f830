// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "jitter_buffer.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr std::uint32_t kRate = 48'000;
constexpr std::uint32_t kFrame = 960;  // 20 ms
constexpr Duration kSpacing{20ms};
constexpr std::uint32_t kSsrc = 0x1234'5678;
constexpr std::uint32_t kOtherSsrc = 0x8765'4321;

// Running time: the first packet of a run arrives at at(0s).
constexpr RunningTime at(Duration time) {
  return RunningTime{100s + time};
}

// A jitter buffer with a fixed latency, unless told otherwise.
inline JitterBuffer::Settings fixed(LatencyController::Release release, Duration latency) {
  JitterBuffer::Settings settings;
  settings.latency.release = release;
  settings.latency.min_latency = latency;
  settings.latency.max_latency = latency;
  settings.latency.initial_latency = latency;
  settings.latency.adaptive = false;
  return settings;
}
inline JitterBuffer::Settings paced(Duration latency = 200ms) {
  return fixed(LatencyController::Release::Paced, latency);
}
inline JitterBuffer::Settings eager(Duration latency = 200ms) {
  return fixed(LatencyController::Release::Eager, latency);
}

// A caller of a JitterBuffer: it brings packets at their arrival, takes everything out at the very
// nanosecond at which it may go, and keeps account of each token.
class Playback {
 public:
  using Packet = JitterBuffer::Packet;
  using Insert = JitterBuffer::Insert;

  struct Released {
    RunningTime when;
    Packet packet;  // as it was inserted
    JitterBuffer::Release release;
  };
  struct GivenUp {
    RunningTime when;
    JitterBuffer::Lost lost;
  };

  explicit Playback(const JitterBuffer::Settings& settings) { buffer.set_settings(settings); }
  ~Playback() { expect_every_token_accounted_for(); }
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  // The n-th packet of 20 ms, sent when it was sampled, on a network that takes no time.
  static Packet packet(std::int64_t n) {
    return {.ssrc = kSsrc,
            .sequence = static_cast<std::uint16_t>(kFirstSequence + n),
            .rtp_time = static_cast<std::uint32_t>(kFirstRtpTime + n * kFrame),
            .clock_rate = kRate,
            .size = 100,
            .arrival = at(n * kSpacing)};
  }
  static constexpr std::int64_t kFirstSequence = 65'500;      // wraps with packet 36
  static constexpr std::int64_t kFirstRtpTime = 0xffff'0000;  // and with packet 69

  // Time goes on to the packet's arrival, and then it comes.
  Insert arrive(Packet packet) {
    advance_to(packet.arrival);
    packet.token = packets_.size() + 1;
    packets_.push_back(packet);
    const auto outcome = buffer.insert(packet);
    if (outcome == Insert::Queued)
      held_.insert(packet.token);
    note_discarded();
    take_all();
    return outcome;
  }
  Insert arrive(std::int64_t n, Duration late = 0ns) {
    auto one = packet(n);
    one.arrival += late;
    return arrive(one);
  }
  // Packets from..to, on time and in order.
  void arrive_all(std::int64_t from, std::int64_t to) {
    for (std::int64_t n = from; n <= to; ++n)
      ASSERT_EQ(arrive(n), Insert::Queued) << "packet " << n;
  }
  // Stops at each deadline on the way.
  void advance_to(RunningTime time) {
    for (int steps = 0;; ++steps) {
      const RunningTime never = RunningTime::max();
      const auto next = std::min(buffer.next_deadline().value_or(never),
                                 buffer.next_request_at().value_or(never));
      if (next > time || next == never)
        break;
      now_ = std::max(now_, next);
      take_all();
      if (steps > 100'000) {
        ADD_FAILURE() << "a deadline that nothing happens at";
        break;
      }
    }
    now_ = std::max(now_, time);
    take_all();
  }
  void drain() {
    buffer.drain();
    advance_to(RunningTime{24h});
  }
  void clear() {
    buffer.clear();
    note_discarded();
  }

  [[nodiscard]] RunningTime now() const { return now_; }
  [[nodiscard]] const std::vector<Released>& released() const { return released_; }
  [[nodiscard]] const std::vector<GivenUp>& given_up() const { return given_up_; }
  [[nodiscard]] std::size_t discarded() const { return discarded_; }
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  [[nodiscard]] const Packet& original(JitterBuffer::Token token) const {
    return packets_.at(token - 1);
  }
  // RTP sequence numbers in the order of their release.
  [[nodiscard]] std::vector<std::uint16_t> order() const {
    std::vector<std::uint16_t> sequences;
    for (const auto& one : released_)
      sequences.push_back(one.packet.sequence);
    return sequences;
  }
  // When the n-th packet of packet() was released; none: not yet.
  [[nodiscard]] std::optional<RunningTime> release_of(std::int64_t n) const {
    for (const auto& one : released_)
      if (one.packet.sequence == packet(n).sequence && one.packet.ssrc == kSsrc)
        return one.when;
    return std::nullopt;
  }
  [[nodiscard]] RunningTime pts_of(std::int64_t n) const {
    for (const auto& one : released_)
      if (one.packet.sequence == packet(n).sequence && one.packet.ssrc == kSsrc)
        return one.release.pts;
    ADD_FAILURE() << "packet " << n << " has not come out";
    return {};
  }
  [[nodiscard]] const std::vector<JitterBuffer::Request>& requests() const { return requests_; }

  JitterBuffer buffer;

 private:
  void take_all() {
    while (const auto output = buffer.take(now_)) {
      if (const auto* release = std::get_if<JitterBuffer::Release>(&*output)) {
        EXPECT_EQ(held_.erase(release->token), 1u) << "a token that the buffer does not have";
        released_.push_back({now_, original(release->token), *release});
      } else {
        given_up_.push_back({now_, std::get<JitterBuffer::Lost>(*output)});
      }
    }
    while (const auto request = buffer.take_request(now_))
      requests_.push_back(*request);
  }
  void note_discarded() {
    for (const auto token : buffer.discarded()) {
      EXPECT_EQ(held_.erase(token), 1u) << "a token that the buffer does not have";
      ++discarded_;
    }
  }
  void expect_every_token_accounted_for() {
    buffer.clear();
    note_discarded();
    EXPECT_TRUE(held_.empty()) << held_.size() << " tokens were lost in the buffer";
  }

  RunningTime now_ = RunningTime{0s};
  std::vector<Packet> packets_;
  std::set<JitterBuffer::Token> held_;
  std::vector<Released> released_;
  std::vector<GivenUp> given_up_;
  std::vector<JitterBuffer::Request> requests_;
  std::size_t discarded_ = 0;
};

}  // namespace onair::test
