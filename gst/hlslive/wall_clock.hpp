// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// The wall clock of what is published: EXT-X-PROGRAM-DATE-TIME.
//
// What is told of it is noisy (the network), drifts (the channel's time is a sound card's: 80 ppm are
// 6.9 s a day), and sometimes steps (NTP, an operator). So an average follows what is told, and the
// line that is published follows the average, bent by no more than 0.5 % and never stepping: two dates
// differ by what the segments between them last, and players that count on from one date by EXTINF are
// 5 ms off a second later, a third of a picture. A new continuity (EXT-X-DISCONTINUITY) is the one place
// where players expect a step, and there the line takes up the average at once.
//
// Where the wall clock steps within a continuity:
// - up to kMostSlewed the line goes there, in 1000 s at most;
// - farther, it stays on the old wall clock and goes on following its drift, until the next
//   continuity: an hour would take eight days, and the dates in between would be true of neither clock.
//
// What has been answered stays true: a date for the same instant is the same however often, and in
// whichever order, the renditions ask within the last minute.
class WallClock {
 public:
  // Of the same media, better ones later: what a better one told last counts.
  enum class Source {
    Local,    // our clock as it goes into a segment
    Arrival,  // our clock as it arrived
    Capture   // the sender's clock as it was captured
  };

  struct Config {
    // Of the average. ±30 ms of jitter become ±3 ms, and a drift of 200 ppm is 6 ms behind.
    Duration averaging = std::chrono::seconds(30);
  };

  static constexpr double kMostBend = 0.005;
  static constexpr Duration kMostSlewed = std::chrono::seconds(5);
  // What is told this far off the average is a clock that has stepped, or one late packet: it is believed
  // once it has lasted.
  static constexpr Duration kOutlier = std::chrono::milliseconds(250);
  static constexpr Duration kBelieved = std::chrono::seconds(5);
  // A source is gone when it has told nothing for three of the 5 s between browsers' sender reports.
  static constexpr Duration kHolds = std::chrono::seconds(15);

  WallClock() : WallClock{Config{}} {}
  explicit WallClock(Config config) : config_{config} {}

  // The media of `media` is of `utc`.
  void observe(RunningTime media, NtpTime utc, Source source);
  // The next observation begins it; before that, dates go on. One that was told of about its first
  // instant was told of it already.
  void begin_continuity(std::optional<RunningTime> at = std::nullopt);

  // Nothing before the first observation.
  [[nodiscard]] std::optional<NtpTime> at(RunningTime media);

  struct Stats {
    std::optional<Source> source;
    Duration off{0};          // the line, from what it goes to
    Duration disregarded{0};  // a step that was too far to go
    std::uint64_t steps = 0;  // of what was told, believed
    std::uint64_t outliers = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  // UTC less running time, of the newest media.
  struct Average {
    Duration offset;
    RunningTime since;
    RunningTime newest;
    std::int64_t count;
  };
  struct Told {
    RunningTime media;
    Duration offset;
  };
  // The line from here to the next knot: bent until it is where it was to go.
  struct Knot {
    RunningTime media;
    Duration offset;
    double bend = 0;
    [[nodiscard]] Duration offset_at(RunningTime time) const;
  };
  // A minute of them, a second apart.
  static constexpr std::size_t kKnots = 64;
  static constexpr Duration kKnotDistance = std::chrono::seconds(1);
  // What is told comes in front of the frames that it is about.
  static constexpr Duration kAbout = std::chrono::seconds(1);
  // The line is where the average was after this, where the bend allows it.
  static constexpr Duration kSettled = std::chrono::seconds(10);

  void restart(RunningTime media, Duration offset);
  [[nodiscard]] bool believes(RunningTime media, Duration offset);
  void take_up(const Average& average);
  void follow(Average& average, RunningTime media, Duration offset) const;
  void bend(RunningTime media);
  [[nodiscard]] const Knot& knot_at(RunningTime media) const;
  [[nodiscard]] Knot& newest_knot() { return knots_[(knot_count_ - 1) % kKnots]; }
  [[nodiscard]] const Knot& newest_knot() const { return knots_[(knot_count_ - 1) % kKnots]; }
  void add_knot(const Knot& knot) { knots_[knot_count_++ % kKnots] = knot; }

  Config config_;
  bool is_new_ = true;
  std::optional<Source> source_;
  std::optional<Told> told_;  // last, by that source
  std::optional<Average> average_;
  std::optional<Average> other_;  // to which what is told may have stepped
  Duration disregarded_{0};
  std::array<Knot, kKnots> knots_{};
  std::uint64_t knot_count_ = 0;
  std::optional<RunningTime> asked_;  // up to here
  Stats stats_;
};

}  // namespace onair
