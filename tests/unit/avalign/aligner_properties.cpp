// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold of an Aligner whatever comes: seeded weather over senders that mute, leap, change and
// lie, and then floods of units that no sender ever sent.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "aligner.hpp"
#include "show.hpp"

namespace onair::test {
namespace {

Duration up_to(std::mt19937_64& random, Duration most) {
  return Duration{std::uniform_int_distribution<Duration::rep>{0, most.count()}(random)};
}

Duration around_zero(std::mt19937_64& random, Duration most) {
  return up_to(random, 2 * most) - most;
}

// The show checks what comes out; here is what happens to it.
class AlignerWeather {
 public:
  explicit AlignerWeather(std::uint32_t seed) : random_{seed} {
    show_.random.seed(seed);
    const auto count = 1 + random_() % 4;
    for (std::uint64_t n = 0; n < count; ++n)
      add();
  }

  void run(int minutes) {
    for (int n = 0; n < minutes * 30 && !testing::Test::HasFailure(); ++n) {
      for (auto* track : tracks_)
        happen(*track);
      if (random_() % 20 == 0)
        together();
      show_.run(up_to(random_, 4s));
    }
    for (auto* track : tracks_)
      track->is_sent = false;
    show_.drain();
    for (auto* track : tracks_) {
      show_.aligner.end(track->id, show_.now());
      show_.collect();
      EXPECT_EQ(show_.inside(*track), 0U) << "all that went in has come out";
      EXPECT_EQ(track->outs.size(), track->sent);
      const auto dropped = track->outs.size() - track->kept().size();
      EXPECT_EQ(show_.aligner.stats(track->id).dropped, dropped);
      EXPECT_EQ(show_.aligner.stats(track->id).held, 0U);
    }
    EXPECT_FALSE(show_.aligner.next_deadline());
  }

 private:
  void add() {
    auto& track = random_() % 2 == 0 ? show_.add_audio() : show_.add_video();
    track.ssrc = static_cast<std::uint32_t>(random_() % 3);
    track.path = up_to(random_, 300ms);
    track.rate = (static_cast<double>(random_() % 401) - 200) * 1e-6;
    track.media = MediaTime{around_zero(random_, 30h)};
    track.queue = show_.jitter(1ms + up_to(random_, 40ms));
    tracks_.push_back(&track);
    report(track);
  }
  void report(Track& track) {
    if (random_() % 3 == 0) {
      track.report_interval.reset();
      return;
    }
    track.report_interval = 500ms + up_to(random_, 6s);
    track.next_report = show_.now();
    track.report_error = show_.scatter(1ms + up_to(random_, random_() % 3 == 0 ? 400ms : 3ms));
  }
  void happen(Track& track) {
    switch (random_() % 60) {
      case 0:
        track.is_sent = !track.is_sent;
        break;
      case 1:
        track.is_sent = false;
        track.is_ticking = false;
        break;
      case 2:
        track.media += around_zero(random_, 1s);
        break;
      case 3:
        track.media = MediaTime{around_zero(random_, 30h)};
        track.ssrc += static_cast<std::uint32_t>(random_() % 2);
        break;
      case 4:
        track.blocked_until = show_.now() + up_to(random_, 5s);
        break;
      case 5:
        track.path = up_to(random_, 500ms);
        break;
      case 6:
        track.interval = Duration{1ms} * (5 + random_() % 400);
        break;
      case 7:
        report(track);
        break;
      case 8:
        track.ntp_step = around_zero(random_, 1h);
        break;
      case 9:
        track.rate = (static_cast<double>(random_() % 1001) - 500) * 1e-6;
        break;
      default:
        if (!track.is_ticking || random_() % 4 == 0)
          track.is_sent = track.is_ticking = true;
    }
  }
  void together() {
    if (random_() % 4 == 0) {
      Aligner::Config config;
      config.trust = static_cast<Aligner::Trust>(random_() % 3);
      config.video_lag = up_to(random_, 400ms);
      show_.aligner.set_config(config);
    } else if (random_() % 3 == 0 && tracks_.size() < 6) {
      add();
    } else if (random_() % 2 == 0 && tracks_.size() > 1) {
      const auto gone = tracks_.begin() + static_cast<std::ptrdiff_t>(random_() % tracks_.size());
      show_.remove(**gone);
      show_.forget(**gone);
      tracks_.erase(gone);
    } else {
      const auto until = show_.now() + up_to(random_, 3s);
      for (auto* track : tracks_)
        track->blocked_until = until;
    }
  }

  std::mt19937_64 random_;
  Show show_;
  std::vector<Track*> tracks_;
};

TEST(AlignerProperties, WhateverTheWeatherEachUnitComesOutOnceInOrderAndInTime) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    AlignerWeather weather{seed};
    weather.run(3);
    if (HasFailure())
      return;
  }
}

// Units without a sender: any media time, any source, any order, in bursts and behind silences.
class Flood {
 public:
  explicit Flood(std::uint32_t seed) : random_{seed} {
    const auto count = 1 + random_() % 3;
    for (std::uint64_t n = 0; n < count; ++n)
      lanes_.push_back(make_lane());
  }

  void run() {
    for (int n = 0; n < 4000 && !testing::Test::HasFailure(); ++n) {
      pass(random_() % 100 == 0 ? up_to(random_, 10s) : up_to(random_, 30ms));
      auto& lane = lanes_[random_() % lanes_.size()];
      switch (random_() % 400) {
        case 0:
          aligner_.flush(lane.id);
          lane.inside.clear();
          lane.was_flushed = true;
          break;
        case 1:
          aligner_.end(lane.id, now_);
          collect();
          ASSERT_TRUE(lane.inside.empty());
          break;
        case 2:
          aligner_.remove_stream(lane.id);
          lane = make_lane();
          break;
        default:
          insert(lane);
      }
    }
    pass(5s);
    for (const auto& lane : lanes_)
      EXPECT_TRUE(lane.inside.empty());
    EXPECT_FALSE(aligner_.next_deadline());
  }

 private:
  struct Inside {
    std::uint64_t id;
    MediaTime media;
    RunningTime since;
  };
  struct Lane {
    Aligner::StreamId id = 0;
    Kind kind = Kind::Audio;
    MediaTime media{};
    std::uint32_t ssrc = 0;
    std::deque<Inside> inside;
    std::optional<Duration> constant;
    std::optional<MediaTime> newest;
    RunningTime newest_time{};
    bool was_flushed = false;
    bool is_line_known = false;
  };

  Lane make_lane() {
    Lane lane;
    lane.kind = random_() % 2 == 0 ? Kind::Audio : Kind::Video;
    lane.id = aligner_.add_stream(lane.kind);
    lane.media = MediaTime{around_zero(random_, 1000h)};
    return lane;
  }
  void insert(Lane& lane) {
    switch (random_() % 40) {
      case 0:
        lane.media = MediaTime{around_zero(random_, 1000h)};
        break;
      case 1:
      case 2:
        lane.media += around_zero(random_, 2s);
        break;
      case 3:
        lane.ssrc = static_cast<std::uint32_t>(random_() % 4);
        break;
      case 4:
        lane.media -= up_to(random_, 100ms);
        break;
      case 5:
        break;
      default:
        lane.media += up_to(random_, 60ms);
    }
    Aligner::Unit unit{.id = next_id_++, .media = lane.media, .ssrc = lane.ssrc};
    unit.arrival = now_ - (random_() % 5 == 0 ? up_to(random_, 300ms) : 0ms);
    if (random_() % 3 == 0)
      unit.ntp = NtpTime{around_zero(random_, random_() % 2 == 0 ? 1s : 50000h)};
    lane.inside.push_back({unit.id, unit.media, now_});
    aligner_.on_unit(lane.id, unit, now_);
    collect();
  }
  void pass(Duration time) {
    const auto until = now_ + time;
    for (int calls = 0;; ++calls) {
      const auto due = aligner_.next_deadline();
      if (!due || *due > until)
        break;
      ASSERT_LT(calls, 100) << "a deadline that nothing is done at";
      now_ = std::max(now_, *due);
      aligner_.on_time(now_);
      collect();
    }
    now_ = until;
  }
  void collect() {
    for (auto& lane : lanes_) {
      while (const auto placed = aligner_.take(lane.id)) {
        ASSERT_FALSE(lane.inside.empty());
        const auto unit = lane.inside.front();
        lane.inside.pop_front();
        ASSERT_EQ(placed->id, unit.id) << "in order, each once";
        ASSERT_LE(now_ - unit.since, Continuity::kPatience + Aligner::kStartHold);
        if (!placed->is_dropped) {
          ASSERT_TRUE(aligner_.stats(lane.id).is_placed);
          check(lane, unit, *placed);
        }
      }
    }
  }
  static void check(Lane& lane, const Inside& unit, const Aligner::Placed& placed) {
    ASSERT_GE(placed.time, RunningTime{});
    if (lane.kind == Kind::Audio) {
      const auto offset = placed.time.time_since_epoch() - unit.media.time_since_epoch();
      if (!placed.is_break) {
        ASSERT_TRUE(lane.constant);
        ASSERT_EQ(offset, *lane.constant) << "unit " << unit.id;
      }
      lane.constant = offset;
    }
    // Behind a flush the line goes on, and what was lost may have been ahead.
    if (placed.is_break)
      lane.is_line_known = !std::exchange(lane.was_flushed, false);
    if (!lane.is_line_known)
      return;
    const bool is_newer = !lane.newest || placed.is_break || unit.media > *lane.newest;
    if (lane.newest && is_newer) {
      ASSERT_GT(placed.time, lane.newest_time) << "unit " << unit.id;
    } else if (lane.newest && unit.media == *lane.newest) {
      ASSERT_EQ(placed.time, lane.newest_time) << "unit " << unit.id;
    }
    if (is_newer) {
      lane.newest = unit.media;
      lane.newest_time = placed.time;
    }
  }

  std::mt19937_64 random_;
  Aligner aligner_{Aligner::Config{}};
  std::vector<Lane> lanes_;
  RunningTime now_{1s};
  std::uint64_t next_id_ = 1;
};

TEST(AlignerProperties, AFloodComesOutOnceInOrderAndInTime) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Flood flood{seed};
    flood.run();
    if (HasFailure())
      return;
  }
}

}  // namespace
}  // namespace onair::test
