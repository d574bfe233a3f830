// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arrivals.hpp"
#include "base/time.hpp"

namespace onair {

// A line of pictures without end. Pictures keep their own times, which only have to rise; filler goes
// on from the last one at the frame rate.
class VideoLine {
 public:
  // Pictures that are farther apart leave a hole, which is filled once the second one has come: whoever cuts
  // segments finds a picture near each boundary.
  static constexpr Duration kHole = std::chrono::milliseconds{250};
  // Near enough; a machine that starves its browser need not encode 30 a second of them.
  static constexpr Duration kHoleSpacing = std::chrono::milliseconds{200};

  struct FrameRate {
    std::uint32_t num = 30;
    std::uint32_t den = 1;
    bool operator==(const FrameRate&) const = default;
  };
  enum class Picture { Repeated, Slate };
  struct Plan {
    ArrivalKind kind = ArrivalKind::InTime;
    Duration by{0};                         // as in Arrival
    RunningTime start;                      // InTime and Leap: where it goes
    std::optional<RunningTime> fill_until;  // before it
    bool is_hole = false;                   // nobody has waited for it: what is filled is no event
  };
  struct Fill {
    Picture picture;
    RunningTime start;
    Duration length;
  };

  explicit VideoLine(FrameRate rate) : rate_{rate} {}

  void set_max_wait(Duration max_wait);
  void set_slate_after(Duration slate_after) { slate_after_ = slate_after; }
  void set_rate(FrameRate rate);
  // Starts the line without input.
  void begin(RunningTime at);

  // A picture without a timestamp follows the last one at the frame rate.
  [[nodiscard]] Plan on_input(std::optional<RunningTime> start, std::optional<RunningTime> now);
  // The picture of the last plan goes out.
  void advance(RunningTime start);
  // Nothing comes for this time: until when to fill.
  [[nodiscard]] std::optional<RunningTime> on_gap(RunningTime start, Duration length,
                                                  std::optional<RunningTime> now) const;
  // The next filler, without regard to time; or if it has its place before `until`.
  Fill fill() { return fill(1); }
  std::optional<Fill> fill_before(RunningTime until, bool is_hole = false);

  // When to fill.
  [[nodiscard]] std::optional<RunningTime> deadline() const;
  [[nodiscard]] std::optional<RunningTime> position() const;  // of the next filler
  [[nodiscard]] std::optional<Duration> lag() const { return arrivals_.envelope(); }

 private:
  [[nodiscard]] RunningTime grid(std::int64_t pictures) const;
  Fill fill(std::int64_t steps);

  FrameRate rate_;
  Duration max_wait_ = std::chrono::seconds{1};
  Duration slate_after_ = std::chrono::seconds{3};
  Arrivals arrivals_;
  // Of the grid: the last picture that came, or the beginning.
  std::optional<RunningTime> anchor_;
  std::int64_t filled_ = 0;                // pictures on the grid behind the anchor
  std::optional<RunningTime> last_;        // that went out
  std::optional<RunningTime> last_input_;  // of these, the last that came
};

}  // namespace onair
