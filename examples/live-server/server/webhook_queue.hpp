// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace live {

// What one receiver has to be told, in order: one at a time, again until it is taken (BackOff). Pure. Not thread-safe.
class WebhookQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // More than this wait for nobody: the oldest goes.
  static constexpr std::size_t kMost = 100;

  void push(std::string body);
  // What is to be sent now, if anything: then on_answer() is due. Nothing while that is.
  [[nodiscard]] std::optional<std::string> take(Time now);
  // Whether the receiver has taken it. False: it has been given up.
  bool on_answer(Time now, bool is_taken);
  // When take() may have something again; nothing while it is waited for an answer, or nothing is left.
  [[nodiscard]] std::optional<Time> next() const;

  [[nodiscard]] std::size_t waiting() const { return bodies_.size(); }
  // For want of room, since the last call.
  [[nodiscard]] std::size_t take_dropped() { return std::exchange(dropped_, 0); }
  // Of the one that is to be sent.
  [[nodiscard]] unsigned attempts() const { return attempts_; }

 private:
  void forget();

  std::deque<std::string> bodies_;
  std::size_t dropped_ = 0;
  unsigned attempts_ = 0;
  bool is_sending_ = false;
  std::optional<Time> first_;  // attempt
  Time due_{};
};

}  // namespace live
