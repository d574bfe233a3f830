// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold of a CutScheduler whatever comes: streams that stall, jump, end, come back, are
// flushed and removed, encoders that do as they like.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

using Kind = CutScheduler::Kind;
using Mode = CutScheduler::Mode;

class Hostile {
 public:
  explicit Hostile(std::uint64_t seed)
      : random_{seed},
        config_{.target = between(500ms, 8s),
                .mode = one_in(2) ? Mode::Encode : Mode::Passthrough,
                .snap = one_in(2),
                .max_wait = between(200ms, 3s)},
        scheduler_{config_} {
    if (one_in(3))
      scheduler_.set_anchor(at(between(-1'800'000'000s, 10s)));
    for (auto n = 1 + random_() % 4; n > 0; --n)
      add();
  }

  void run(int steps) {
    for (int n = 0; n < steps && !testing::Test::HasFailure(); ++n) {
      if (one_in(40))
        happen();
      now_ += between(0ns, 30ms);
      const auto id = random_() % streams_.size();
      if (streams_[id].is_present && !streams_[id].waits && !streams_[id].is_silent)
        frame(id);
      if (const auto due = scheduler_.deadline(); due && *due <= now_)
        time_out(*due);
    }
    be_silent();
  }

 private:
  struct Stream {
    Kind kind;
    RunningTime time{};
    Duration interval{20ms};
    AudioFrames::Format format = kMp3;
    std::optional<std::int64_t> applied{};  // since it began
    bool is_present = true;
    bool is_silent = false;
    bool waits = false;
    bool reorders = false;
    bool obeys = true;
    int key_in = 0;
    std::size_t requests = 0;  // since its last frame
  };

  bool one_in(std::uint64_t n) { return random_() % n == 0; }
  Duration between(Duration low, Duration high) {
    return Duration{
        std::uniform_int_distribution<Duration::rep>{low.count(), high.count()}(random_)};
  }

  void add() {
    Stream stream{.kind = one_in(2) ? Kind::Audio : Kind::Video};
    stream.time = RunningTime{now_.time_since_epoch()} + between(-1s, 1s);
    streams_.push_back(stream);
    scheduler_.add_stream(stream.kind);
  }
  void happen() {
    const auto id = random_() % streams_.size();
    auto& stream = streams_[id];
    const auto here = RunningTime{now_.time_since_epoch()};
    switch (random_() % 14) {
      case 0:
        stream.time += between(-10s, 10s);
        break;
      case 1: {
        const auto by = between(-10h, 10h);
        for (auto& each : streams_)
          each.time += by;
        break;
      }
      case 2:
        scheduler_.end(id, now_);
        stream.waits = false;
        stream.is_silent = true;
        break;
      case 3:
        flush(id);
        break;
      case 4:
        for (std::size_t each = 0; each < streams_.size(); ++each)
          flush(each);
        break;
      case 5:
        scheduler_.remove_stream(id);
        stream.is_present = stream.waits = false;
        break;
      case 6:
        if (streams_.size() < 8)
          add();
        break;
      case 7:
        now_ += between(0s, 20s);
        break;
      case 8:
        stream.format = {.length = 1 + static_cast<std::int64_t>(random_() % 100'000),
                         .rate = 8000 + static_cast<std::uint32_t>(random_() % 88'000)};
        stream.interval = to_duration(stream.format.length, stream.format.rate);
        break;
      case 9:
        stream.interval = between(1ms, 300ms);
        break;
      case 10:
        stream.obeys = one_in(2);
        stream.reorders = one_in(2);
        break;
      case 11:
        scheduler_.set_anchor(one_in(2) ? std::optional{at(between(-100s, 100s))} : std::nullopt);
        break;
      case 12:
        for (auto& each : streams_)
          each.time = std::max(each.time, here);
        break;
      default:
        for (auto& each : streams_)
          each.is_silent = one_in(5);
    }
    collect();
  }
  void flush(std::size_t id) {
    scheduler_.flush(id);
    streams_[id].waits = false;
    streams_[id].applied.reset();
  }

  void frame(std::size_t id) {
    auto& stream = streams_[id];
    stream.time += stream.interval;
    auto time = stream.time;
    if (stream.reorders && one_in(2))
      time -= 2 * stream.interval;
    const bool is_key = stream.key_in-- == 0 || one_in(100);
    stream.requests = 0;
    scheduler_.arrive(id, {.time = time, .is_key = is_key, .format = stream.format}, now_);
    stream.waits = true;
    judge(id);
    collect();
    // Three seconds ahead at 0.5 s each, as much behind as a period and a long frame, and one at once.
    EXPECT_LE(stream.requests, 12U);
  }
  void judge(std::size_t id) {
    auto& stream = streams_[id];
    const auto verdict = scheduler_.judge(id);
    stream.waits = std::holds_alternative<CutScheduler::Wait>(verdict);
    const auto* cut = std::get_if<CutScheduler::Cut>(&verdict);
    take_decided();
    if (!cut)
      return;
    apply(stream, cut->boundary);
    if (!config_.snap) {
      EXPECT_EQ(cut->shift, 0ns);
    }
    if (stream.kind == Kind::Audio) {
      EXPECT_LE(std::chrono::abs(cut->shift), AudioFrames::kTolerance);
    }
  }
  void apply(Stream& stream, const CutScheduler::Boundary& boundary) {
    EXPECT_GT(boundary.index, stream.applied.value_or(-1)) << "each boundary once, and in order";
    stream.applied = boundary.index;
    EXPECT_TRUE(newest_ && boundary.index <= newest_->index) << "decided, and told";
  }
  void take_decided() {
    while (const auto decision = scheduler_.take_decision())
      decide(*decision);
    while (const auto fill = scheduler_.take_fill()) {
      EXPECT_EQ(streams_[fill->stream].kind, Kind::Audio);
      apply(streams_[fill->stream], fill->boundary);
    }
  }
  void collect() {
    for (bool has_changed = true; has_changed;) {
      take_decided();
      has_changed = scheduler_.take_change();
      for (std::size_t id = 0; has_changed && id < streams_.size(); ++id)
        if (streams_[id].waits)
          judge(id);
    }
    while (const auto request = scheduler_.take_request()) {
      auto& stream = streams_[request->stream];
      EXPECT_EQ(stream.kind, Kind::Video);
      ++stream.requests;
      if (stream.obeys && stream.key_in < 0)
        stream.key_in = static_cast<int>(random_() % 20);
    }
  }
  void decide(const CutScheduler::Decision& decision) {
    const auto& boundary = decision.boundary;
    if (newest_) {
      EXPECT_GT(boundary.index, newest_->index);
      if (!boundary.is_break) {
        EXPECT_GT(boundary.at, newest_->at) << "no segment is of no length";
        EXPECT_EQ(decision.length, boundary.at - newest_->at);
      }
    }
    newest_ = boundary;
  }

  void time_out(ClockTime due) {
    now_ = std::max(now_, due);
    // Once for the start, and once for those that are waited for behind it.
    for (int calls = 0; scheduler_.deadline() && *scheduler_.deadline() <= now_; ++calls) {
      ASSERT_LT(calls, 3) << "a deadline that has passed asks for nothing more";
      scheduler_.on_time(now_);
      collect();
    }
  }
  // When nothing comes any more, everything that waits is let go in a handful of waits.
  void be_silent() {
    const auto until = now_ + 3 * config_.max_wait;
    for (auto due = scheduler_.deadline(); due && *due <= until; due = scheduler_.deadline()) {
      time_out(*due);
      if (testing::Test::HasFailure())
        return;
    }
    for (const auto& stream : streams_)
      EXPECT_FALSE(stream.waits) << "for ever";
  }

  std::mt19937_64 random_;
  const CutScheduler::Config config_;
  CutScheduler scheduler_;
  std::vector<Stream> streams_;
  std::optional<CutScheduler::Boundary> newest_;
  ClockTime now_{1h};
};

TEST(CutSchedulerHostile, WhateverComesIsJudgedInOrderAndInFiniteTime) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Hostile{seed}.run(1500);
    if (HasFailure())
      return;
  }
}

}  // namespace
}  // namespace onair::test
