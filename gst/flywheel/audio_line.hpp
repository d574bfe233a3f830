// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arrivals.hpp"
#include "base/time.hpp"

namespace onair {

// A line of samples without end: anchor + samples / rate. Says for each piece of sound what of it
// goes out and how much is to be filled before it. A frame is a sample of each channel.
class AudioLine {
 public:
  struct Plan {
    ArrivalKind kind = ArrivalKind::InTime;
    Duration by{0};  // as in Arrival
    // In this order; the caller advances by what it puts out.
    std::int64_t fill = 0;  // frames that are missing before it
    std::int64_t trim = 0;  // frames at its start that have no place any more
    std::int64_t take = 0;  // the rest
  };
  // What some frames take on the output's line. Spans touch: start + length is the next start.
  struct Span {
    RunningTime start;
    Duration length;
  };

  explicit AudioLine(std::uint32_t rate) : rate_{rate} {}

  void set_max_wait(Duration max_wait) { arrivals_.set_max_wait(max_wait); }
  void set_tolerance(Duration tolerance) { tolerance_ = tolerance; }
  // From here on, at the same place.
  void set_rate(std::uint32_t rate);
  // Starts the line without input.
  void begin(RunningTime at);

  // Sound without a timestamp follows what was before it.
  [[nodiscard]] Plan on_input(std::optional<RunningTime> start, std::int64_t frames,
                              std::optional<RunningTime> now);
  // Nothing comes for this time: how many frames to fill.
  [[nodiscard]] std::int64_t on_gap(RunningTime start, Duration length,
                                    std::optional<RunningTime> now) const;
  Span advance(std::int64_t frames);

  // Where the next frame goes.
  [[nodiscard]] std::optional<RunningTime> position() const;
  // When to fill it.
  [[nodiscard]] std::optional<RunningTime> deadline() const;
  [[nodiscard]] std::optional<Duration> lag() const { return arrivals_.envelope(); }
  [[nodiscard]] std::uint32_t rate() const { return rate_; }

 private:
  [[nodiscard]] RunningTime at(std::int64_t frames) const;

  std::uint32_t rate_;
  Duration tolerance_ = std::chrono::milliseconds{1};
  Arrivals arrivals_;
  std::optional<RunningTime> anchor_;
  std::int64_t frames_ = 0;  // since the anchor
};

}  // namespace onair
