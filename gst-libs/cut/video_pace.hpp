// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.hpp"

namespace onair {

// The usual distance of a video stream's frames: the mean of about the last eight. Frames come in the
// order of decoding, so those that are shown earlier than one before them advance nothing.
class FrameInterval {
 public:
  // 5 frames a second; longer pauses say nothing of the frames behind them.
  static constexpr Duration kMost = std::chrono::milliseconds(200);

  void on_frame(RunningTime time);
  // Nothing before the second frame.
  [[nodiscard]] std::optional<Duration> get() const { return mean_; }

 private:
  std::optional<RunningTime> newest_;
  std::optional<Duration> mean_;
};

// How long after a request the key frame comes, on the time line of the frames: the median of the last
// nine, so that neither a lost request nor a key frame that came anyway counts.
class ResponseTime {
 public:
  // Before the first answer: a round trip and a frame.
  static constexpr Duration kGuess = std::chrono::milliseconds(150);

  void on_answer(Duration after);
  [[nodiscard]] Duration get() const;

 private:
  std::array<Duration, 9> latest_{};
  std::size_t count_ = 0;
};

}  // namespace onair
