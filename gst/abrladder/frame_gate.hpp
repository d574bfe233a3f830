// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/time.hpp"
#include "rendition.hpp"

namespace onair {

// Which frames a rendition with fewer of them takes, by their times alone: of each 1/fps the frame that is
// nearest to it, none twice and none moved. So a source of 16 frames a second goes through 30 as it is, and one
// whose rate varies keeps its speed.
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
  [[nodiscard]] Duration period() const { return period_ * thinning_; }

  Duration period_;
  int thinning_ = 1;
  Duration interval_{0};  // of what comes, smoothed
  std::optional<RunningTime> last_;
  std::optional<RunningTime> due_;
};

}  // namespace onair
