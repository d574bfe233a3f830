// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.hpp"

namespace onair {

// The usual distance of a video stream's frames: the mean of about the last eight, and before the second what the
// first says of its own duration. Frames come in the order of decoding, so those that are shown earlier than one before
// them advance nothing.
class FrameInterval {
 public:
  // 5 frames a second; longer pauses say nothing of the frames behind them.
  static constexpr Duration kMost = std::chrono::milliseconds(200);
  // For who has to know before the second frame: 30 a second.
  static constexpr Duration kGuess = std::chrono::microseconds(33'333);

  void on_frame(RunningTime time, std::optional<Duration> duration = {});
  // Nothing before the second frame, or the first that has a duration.
  [[nodiscard]] std::optional<Duration> get() const { return mean_; }

 private:
  std::optional<RunningTime> newest_;
  std::optional<Duration> mean_;
};

// How long after a request the key frame comes: the median of the last nine, so that no key frame that came anyway
// counts.
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

// Key frames that are asked for at once: when again, and how long answers take. All times are those of frames.
//
// An answer to a request that was repeated says nothing of how long answers take: it may be one to either. The next
// requests are repeated later then, until one has been answered at the first time (as TCP does, RFC 6298 sections 3
// and 5). Otherwise requests that somebody takes no notice of would look like slow answers, would be made earlier
// for that, and so be taken less notice of.
class KeyFrameRequests {
 public:
  static constexpr Duration kRepeat = std::chrono::milliseconds(500);
  static constexpr int kMostDoublings = 2;
  // Browsers take no notice of a request within 300 ms of another (libwebrtc, EncoderRtcpFeedback).
  static constexpr Duration kApart = std::chrono::milliseconds(350);

  // Whether to ask, behind this frame; not within `apart` of the request before.
  [[nodiscard]] bool take(RunningTime newest, Duration apart);
  void on_key_frame(RunningTime time);
  // Another time line begins.
  void reset();

  [[nodiscard]] bool is_awaited() const { return since_.has_value(); }
  [[nodiscard]] Duration response() const { return response_.get(); }

 private:
  std::optional<RunningTime> since_;  // the first request that has no answer
  std::optional<RunningTime> newest_;
  int repeats_ = 0;
  int doublings_ = 0;
  ResponseTime response_;
};

}  // namespace onair
