// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/time.hpp"
#include "rendition.hpp"

namespace onair {

// Which frames a rendition with fewer of them takes, by their times alone: of each 1/fps the frame
// that is nearest to it, none twice and none moved. So a source of 16 frames a second goes through
// 30 as it is, and one whose rate varies keeps its speed.
//
// Which frame is nearest must not be a question of jitter: of 60 frames a second each second one is
// taken, and of 30 all. So times are smoothed before they are compared, and the places of frames
// follow what comes, by so little that a source must be faster by 0.4 % before one is left out.
// Clocks of cameras differ by less, and so do 30 and 30000/1001.
class FrameGate {
 public:
  explicit FrameGate(FrameRate most);

  // Every n-th place only, while an encoder can't keep up; 1: all.
  void thin_out(int n);
  [[nodiscard]] int thinning() const { return thinning_; }

  enum class Need { None, Pass, Stay };

  // Frames come in rising order of time. One that must pass, or stay, does, whatever is due.
  [[nodiscard]] bool take(RunningTime at, Need need = Need::None);
  // Another time line begins.
  void reset();

 private:
  // Between a frame's time and the smoothed one: what networks and cameras do.
  static constexpr Duration kMostJitter = std::chrono::milliseconds{20};
  static constexpr int kMostPlaces = 128;  // 0.5 / 128 is 0.4 %

  FrameGate(Duration period, int thinning)
      : period_{period}, thinning_{thinning}, interval_{period} {}

  [[nodiscard]] Duration period() const { return period_ * thinning_; }
  void follow(RunningTime at);

  Duration period_;
  int thinning_ = 1;
  Duration interval_;  // of what comes, smoothed
  RunningTime smooth_{};
  std::optional<RunningTime> last_;
  std::optional<RunningTime> due_;
  int places_ = 0;  // that its row has had, as far as it matters
};

}  // namespace onair
