// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "aligner.hpp"

namespace onair {

// For messages of failures.
inline void PrintTo(RunningTime time, std::ostream* out) {
  *out << time.time_since_epoch().count() << " ns";
}

}  // namespace onair

namespace onair::test {

using namespace std::chrono_literals;

using Kind = Aligner::Kind;

// One stream of a sender, on its way to us. What is public may be changed while the show runs.
struct Track {
  struct Out {
    std::uint64_t id;
    RunningTime captured;  // on our clock: what nobody but the test knows
    MediaTime media;
    RunningTime arrival;
    RunningTime released;  // when the aligner gave it back
    RunningTime time;
    bool is_break;
    bool is_dropped;
    bool is_squeezed;
    std::uint32_t ssrc;
  };

  Kind kind = Kind::Audio;
  Aligner::StreamId id = 0;
  bool is_present = true;
  Duration interval{20ms};  // of capture
  std::uint32_t ssrc = 1;
  Duration path{40ms};                      // from capture to us, of a packet that meets no queue
  double rate = 0;                          // of the media clock against ours
  MediaTime media{1h};                      // of the next capture
  bool is_sent = true;                      // a muted track is not
  bool is_ticking = true;                   // RTP time runs on
  RunningTime blocked_until{};              // nothing arrives before
  std::function<Duration()> queue;          // what a packet meets
  std::optional<Duration> report_interval;  // without, no reports
  std::function<Duration()> report_error;   // of each
  Duration ntp_step{0};                     // of the wall clock the reports read
  bool are_captures = false;                // the reports are capture times in packets

  std::vector<Out> outs;  // in the order they came back
  std::uint64_t sent = 0;

  [[nodiscard]] std::vector<Out> kept() const {
    std::vector<Out> found;
    std::copy_if(outs.begin(), outs.end(), std::back_inserter(found),
                 [](const Out& out) { return !out.is_dropped; });
    return found;
  }
  [[nodiscard]] const Out& last() const { return outs.back(); }
  // Output less RTP time: the constant of sound.
  [[nodiscard]] static Duration offset(const Out& out) {
    return out.time.time_since_epoch() - out.media.time_since_epoch();
  }
  [[nodiscard]] std::size_t breaks() const {
    return static_cast<std::size_t>(
        std::count_if(outs.begin(), outs.end(), [](const Out& out) { return out.is_break; }));
  }

  // Only for the show.
  RunningTime next_capture{};
  double ticks = 0;  // fraction of a nanosecond
  RunningTime last_arrival{};
  RunningTime next_report{};
  std::optional<Duration> report;  // the wall clock less the media clock
};

// A sender with microphones and cameras, its network, and an Aligner behind it that is called as the
// element calls it: for each unit when it arrives, and at each deadline. Whatever happens, it checks
// what must always hold of what comes out.
class Show {
 public:
  explicit Show(const Aligner::Config& config = {}) : aligner{config} {}
  ~Show() { check(); }
  Show(const Show&) = delete;
  Show& operator=(const Show&) = delete;

  // A packet each 20 ms, RTP time 1 h at the start.
  Track& add_audio() { return add(Kind::Audio, 20ms, 1, MediaTime{1h}); }
  // 25 frames a second, RTP time 20 h at the start.
  Track& add_video() { return add(Kind::Video, 40ms, 2, MediaTime{20h}); }
  void remove(Track& track) {
    lose(track);
    aligner.remove_stream(track.id);
    track.is_present = false;
  }

  // What is captured and arrives in that time.
  void run(Duration length) {
    for (const auto end = captured_until_ + length; captured_until_ < end;) {
      captured_until_ = std::min(end, captured_until_ + 1s);
      for (const auto& track : tracks_) {
        while (track->is_present && track->next_capture < captured_until_)
          capture(*track);
      }
      deliver(captured_until_);
    }
  }
  // What is on its way is lost.
  void lose(const Track& track) {
    std::erase_if(underway_, [&track](const Underway& unit) { return unit.track == &track; });
  }
  // For what has been captured but is still on its way, and for all deadlines. Nothing more is sent.
  void drain() { deliver(RunningTime::max()); }

  [[nodiscard]] RunningTime now() const { return now_; }
  [[nodiscard]] std::vector<Aligner::Event> events() {
    std::vector<Aligner::Event> found;
    while (const auto event = aligner.take_event())
      found.push_back(*event);
    return found;
  }
  [[nodiscard]] std::size_t held(const Track& track) const { return aligner.stats(track.id).held; }

  // The output time of what is captured at `captured`, by the sound around it.
  [[nodiscard]] static RunningTime sound_at(const Track& audio, RunningTime captured) {
    auto next =
        std::upper_bound(audio.outs.begin(), audio.outs.end(), captured,
                         [](RunningTime at, const Track::Out& out) { return at < out.captured; });
    while (next != audio.outs.begin() && std::prev(next)->is_dropped)
      --next;
    if (next == audio.outs.begin())
      next = std::find_if(next, audio.outs.end(), [](const auto& out) { return !out.is_dropped; });
    else
      --next;
    const auto& out = *next;
    return out.time + (captured - out.captured);
  }
  // How much later than the sound of the same instant the picture goes out.
  [[nodiscard]] static Duration skew(const Track& audio, const Track::Out& frame) {
    return frame.time - sound_at(audio, frame.captured);
  }
  [[nodiscard]] static Duration skew(const Track& audio, const Track& video) {
    return skew(audio, video.last());
  }
  // The largest of the frames captured since.
  [[nodiscard]] static Duration most_skew(const Track& audio, const Track& video,
                                          RunningTime since) {
    Duration most{0};
    for (const auto& out : video.outs) {
      if (out.captured >= since && !out.is_dropped)
        most = std::max(most, std::chrono::abs(skew(audio, out)));
    }
    return most;
  }

  // A mean of `mean`, and now and then much more.
  std::function<Duration()> jitter(Duration mean) {
    return [this, mean] {
      std::exponential_distribution<double> distribution{1.0 / static_cast<double>(mean.count())};
      return Duration{std::llround(distribution(random))};
    };
  }
  // From -most to most.
  std::function<Duration()> scatter(Duration most) {
    return [this, most] {
      return Duration{
          std::uniform_int_distribution<Duration::rep>{-most.count(), most.count()}(random)};
    };
  }

  // What the aligner gives back; for a test that calls it by itself.
  void collect() {
    for (const auto& track : tracks_) {
      if (!track->is_present)
        continue;
      while (const auto placed = aligner.take(track->id)) {
        const auto found = inside_.find(placed->id);
        ASSERT_NE(found, inside_.end()) << "came out twice";
        const auto& unit = found->second;
        ASSERT_EQ(unit.track, track.get()) << "came out of another stream";
        ASSERT_TRUE(aligner.stats(track->id).is_placed || placed->is_dropped);
        // One patience, or the start.
        ASSERT_LE(now_ - unit.unit.arrival, Continuity::kPatience);
        track->outs.push_back({placed->id, unit.captured, unit.unit.media, unit.unit.arrival, now_,
                               placed->time, placed->is_break, placed->is_dropped,
                               placed->is_squeezed, unit.unit.ssrc});
        inside_.erase(found);
      }
    }
  }

  // Units inside the aligner.
  [[nodiscard]] std::size_t inside(const Track& track) const {
    return static_cast<std::size_t>(
        std::count_if(inside_.begin(), inside_.end(),
                      [&track](const auto& unit) { return unit.second.track == &track; }));
  }
  // Not expected to come out any more.
  void forget(const Track& track) {
    std::erase_if(inside_, [&track](const auto& unit) { return unit.second.track == &track; });
  }

  // What holds of everything that has come out.
  void check() const {
    for (const auto& track : tracks_)
      check(*track);
  }

  Aligner aligner;
  std::mt19937_64 random{1};

 private:
  struct Underway {
    Track* track;
    RunningTime captured;
    Aligner::Unit unit;
  };

  Track& add(Kind kind, Duration interval, std::uint32_t ssrc, MediaTime media) {
    auto& track = *tracks_.emplace_back(std::make_unique<Track>());
    track.kind = kind;
    track.interval = interval;
    track.ssrc = ssrc;
    track.media = media;
    track.next_capture = captured_until_;
    track.next_report = captured_until_;
    track.id = aligner.add_stream(kind);
    return track;
  }

  // Browsers' first reports come with the first packets.
  void make_report(Track& track) {
    while (track.report_interval && track.next_report <= track.next_capture) {
      track.next_report += *track.report_interval;
      const auto error = track.report_error ? track.report_error() : scatter(1ms)();
      // The wall clock of the sender runs with ours, 100 years ahead.
      track.report = Duration{24h * 36525} + track.next_capture.time_since_epoch() +
                     track.ntp_step + error - track.media.time_since_epoch();
    }
  }

  void capture(Track& track) {
    make_report(track);
    if (track.is_sent) {
      auto arrival = track.next_capture + track.path + (track.queue ? track.queue() : 0ms);
      arrival = std::max({arrival, track.last_arrival, track.blocked_until});
      track.last_arrival = arrival;
      Underway unit{&track, track.next_capture, {}};
      unit.unit = {.id = next_id_++, .media = track.media, .arrival = arrival, .ssrc = track.ssrc};
      if (track.report && track.report_interval)
        unit.unit.ntp = NtpTime{track.media.time_since_epoch() + *track.report};
      unit.unit.is_captured = track.are_captures;
      // Streams that arrive at once do so in the order they were added.
      const auto behind = std::upper_bound(
          underway_.begin(), underway_.end(), arrival,
          [](RunningTime at, const Underway& other) { return at < other.unit.arrival; });
      underway_.insert(behind, unit);
    }
    track.next_capture += track.interval;
    if (track.is_ticking) {
      track.ticks += static_cast<double>(track.interval.count()) * track.rate;
      const auto whole = std::floor(track.ticks);
      track.ticks -= whole;
      track.media += track.interval + Duration{static_cast<Duration::rep>(whole)};
    }
  }

  void deliver(RunningTime until) {
    for (;;) {
      const auto due = aligner.next_deadline();
      const bool has_unit = !underway_.empty() && underway_.front().unit.arrival < until;
      if (due && *due < until && (!has_unit || *due <= underway_.front().unit.arrival)) {
        now_ = std::max(now_, *due);
        aligner.on_time(now_);
        collect();
        const auto next = aligner.next_deadline();
        if (next && *next <= now_) {
          ADD_FAILURE() << "a deadline that nothing is done at";
          return;
        }
        continue;
      }
      if (!has_unit)
        break;
      const auto unit = underway_.front();
      underway_.pop_front();
      now_ = std::max(now_, unit.unit.arrival);
      put(unit);
    }
    if (until != RunningTime::max())
      now_ = std::max(now_, until);
  }

  void put(const Underway& unit) {
    ++unit.track->sent;
    inside_[unit.unit.id] = unit;
    aligner.on_unit(unit.track->id, unit.unit, now_);
    collect();
  }

  void check(const Track& track) const {
    std::optional<std::uint64_t> id;
    std::optional<Duration> constant;
    std::optional<Track::Out> newest;
    for (const auto& out : track.outs) {
      if (id) {
        EXPECT_GT(out.id, *id) << "order of insertion";
      }
      id = out.id;
      if (out.is_dropped)
        continue;
      EXPECT_GE(out.time, RunningTime{}) << "nothing before running time zero, unit " << out.id;
      if (!newest) {
        EXPECT_TRUE(out.is_break) << "the first";
      }
      if (track.kind == Kind::Audio) {
        if (constant && !out.is_break) {
          EXPECT_EQ(Track::offset(out), *constant) << "no break at unit " << out.id;
        }
        constant = Track::offset(out);
      }
      if (newest && (out.is_break || out.media > newest->media)) {
        EXPECT_GT(out.time, newest->time) << "unit " << out.id;
      } else if (newest && out.media == newest->media) {
        EXPECT_EQ(out.time, newest->time) << "of one frame, unit " << out.id;
      }
      if (!newest || out.is_break || out.media > newest->media)
        newest = out;
      if (testing::Test::HasFailure())
        return;
    }
  }

  std::vector<std::unique_ptr<Track>> tracks_;
  std::deque<Underway> underway_;
  std::map<std::uint64_t, Underway> inside_;
  RunningTime captured_until_{};
  RunningTime now_{};
  std::uint64_t next_id_ = 1;
};

}  // namespace onair::test
