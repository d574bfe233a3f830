// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/time.hpp"
#include "rendition.hpp"

namespace onair {

// What an encoder is told so that no second of its output has more bits than allowed.
//
// A rate control with a buffer of B seconds puts at most rate * (t + B) bits into any t seconds.
// With rate = kShare of what is allowed and B = kBuffer, any second stays below kShare * (1 +
// kBuffer) = 1.1 times that at worst, and near kShare in practice; and key frames, which need the
// buffer, may take kBuffer of a second at once.
//
// Encoders count time in frames of the nominal rate. A source with half as many frames would get
// half of the bits: so they are told more, by as much as frames come more rarely, until a frame has
// the whole buffer to itself. A frame that comes sooner than those before lowers that at once, and
// it rises slowly, as too many bits can't be taken back.
class RateBudget {
 public:
  static constexpr double kShare = 0.88;
  static constexpr double kBuffer = 0.25;  // seconds

  struct Rate {
    int bps;          // of frames at the nominal rate
    Duration buffer;  // at that rate
    friend bool operator==(const Rate&, const Rate&) = default;
  };

  RateBudget(int most_bps, FrameRate nominal);

  [[nodiscard]] Rate rate() const;
  // With each frame; a rate when the encoder should be told another one.
  [[nodiscard]] std::optional<Rate> on_frame(RunningTime at);

 private:
  int most_bps_;
  Duration nominal_;
  Duration interval_;
  double told_ = 1;  // stretch
  std::optional<RunningTime> last_;
};

}  // namespace onair
