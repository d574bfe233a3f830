// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>

#include "api/channels.hpp"

namespace live {

// When a channel has a process, and what state that makes. Pure: events and the time come in, at most one action
// a time comes out. Not thread-safe.
class ChannelLife {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Action {
    None,
    StartWorker,  // then on_ready() or on_gone()
    StopWorker,   // it ends its broadcast; then on_gone()
    KillWorker,   // it does not answer; then on_gone()
  };
  // What a worker says of its publisher.
  enum class Publisher { None, Connecting, Live, Away };

  // How long a worker may take to be ready, and to end its broadcast.
  static constexpr std::chrono::seconds kMostToWake{10};
  static constexpr std::chrono::seconds kMostToLeave{15};
  // How long one that is lost may take to be gone.
  static constexpr std::chrono::milliseconds kMostToDie{500};
  // How long who has been let in may take to be seen by the worker: longer than he is answered in (WhipProxy).
  static constexpr std::chrono::seconds kMostToMeet{25};
  // A publisher who comes again soon finds the process there.
  static constexpr std::chrono::seconds kLinger{5};
  // The first restart is at once; each further one waits twice as long as the one before, until a worker has lived
  // for so long.
  static constexpr std::chrono::milliseconds kFirstBackOff{250};
  static constexpr std::chrono::seconds kMostBackOff{30};
  static constexpr std::chrono::seconds kHealthy{30};

  // What its state file says.
  struct Past {
    bool is_on_air = false;  // and nobody has ended its playlist
    bool is_paused = false;
    bool has_ended = false;
  };
  // How often it may be published to. Once: it has ended with its broadcast, as whoever has left can't come back.
  enum class Broadcasts { Any, One };

  explicit ChannelLife(Past past, Broadcasts broadcasts = Broadcasts::Any)
      : is_once_{broadcasts == Broadcasts::One},
        is_on_air_{past.is_on_air},
        is_paused_{past.is_paused},
        is_ended_{past.has_ended} {}

  // Before on_created(): a worker that had no server any more has ended its broadcast.
  void on_found_ended() { is_on_air_ = false; }
  // Its folder is there, and so is its worker, if there is one.
  [[nodiscard]] Action on_created(Time now);
  // Somebody is about to publish.
  [[nodiscard]] Action on_publish(Time now);
  [[nodiscard]] Action on_ready(Time now);
  void on_publisher(Time now, Publisher publisher);
  // Who has been let in was refused by the worker, or has left before it has seen him.
  void on_refused(Time now);
  // It says nothing any more; it should be about to end.
  void on_lost(Time now);
  // It ended, however it did.
  [[nodiscard]] Action on_gone(Time now);
  // One that another server has started is there, and ready; on_publisher() follows.
  void adopt(Time now);
  // For good: the playlist ends.
  [[nodiscard]] Action stop(Time now);
  // The playlist ends, and nobody can publish until it is resumed. Not of one broadcast.
  [[nodiscard]] Action pause(Time now);
  void resume() { is_paused_ = false; }
  // As long as this lives there is no process any more; the broadcast ends, the channel does not.
  [[nodiscard]] Action rest(Time now);
  // At next(), or later.
  [[nodiscard]] Action on_time(Time now);
  [[nodiscard]] std::optional<Time> next() const { return due_; }

  [[nodiscard]] ChannelState state() const;
  [[nodiscard]] bool has_worker() const { return process_ != Process::None; }
  [[nodiscard]] bool is_ready() const { return process_ == Process::Working; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  // Whether a worker that is started finds a broadcast that was broken off, and goes on with it.
  [[nodiscard]] bool resumes() const { return is_on_air_; }
  // Since the last one that lived long.
  [[nodiscard]] unsigned failures() const { return failures_; }

 private:
  enum class Process { None, Waking, Working, Leaving, Lost };

  [[nodiscard]] Action start(Time now);
  [[nodiscard]] Action leave(Time now);
  [[nodiscard]] Time lets_go_at(Time now) const {
    return now + (is_expected_ ? kMostToMeet : kLinger);
  }

  const bool is_once_;
  Process process_ = Process::None;
  Publisher publisher_ = Publisher::None;
  bool is_created_ = false;
  bool is_wanted_ = false;    // somebody waits for a worker
  bool is_on_air_;            // viewers expect more
  bool is_expected_ = false;  // somebody who has waited has not been seen by the worker yet
  bool is_paused_;
  bool is_stopping_ = false;
  bool is_resting_ = false;
  bool is_ended_;
  unsigned failures_ = 0;
  std::optional<Time> ready_at_;
  // By process: when to start one (None, after a failure), to kill it (Waking, Leaving, Lost), to let it go (Working).
  std::optional<Time> due_;
};

}  // namespace live
