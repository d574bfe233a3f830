// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_life.hpp"

#include <algorithm>
#include <utility>

namespace live {

ChannelLife::Action ChannelLife::start(Time now) {
  process_ = Process::Waking;
  publisher_ = Publisher::None;
  due_ = now + kMostToWake;
  return Action::StartWorker;
}

ChannelLife::Action ChannelLife::leave(Time now) {
  is_expected_ = false;
  process_ = Process::Leaving;
  due_ = now + kMostToLeave;
  return Action::StopWorker;
}

ChannelLife::Action ChannelLife::on_created(Time now) {
  is_created_ = true;
  if (process_ != Process::None || is_resting_)
    return Action::None;
  is_stopping_ = is_stopping_ || (is_once_ && is_on_air_);
  if (is_on_air_ || is_wanted_)
    return start(now);
  is_ended_ = is_ended_ || is_once_;
  return Action::None;
}

ChannelLife::Action ChannelLife::on_publish(Time now) {
  if (is_stopping_ || is_ended_ || is_resting_ || is_paused_)
    return Action::None;
  switch (process_) {
    case Process::None:
      is_wanted_ = true;
      return !is_created_ || due_ ? Action::None : start(now);  // not sooner than the back-off says
    case Process::Working:
      is_expected_ = publisher_ == Publisher::None;
      if (due_)
        due_ = lets_go_at(now);
      return Action::None;
    default:
      is_wanted_ = true;
      return Action::None;
  }
}

ChannelLife::Action ChannelLife::on_ready(Time now) {
  if (process_ != Process::Waking)
    return Action::None;
  process_ = Process::Working;
  ready_at_ = now;
  is_expected_ = std::exchange(is_wanted_, false);
  if (is_stopping_ || is_resting_ || is_paused_)
    return leave(now);
  due_ = is_on_air_ ? std::nullopt : std::optional{lets_go_at(now)};
  return Action::None;
}

void ChannelLife::on_publisher(Time now, Publisher publisher) {
  const bool was_here = publisher_ != Publisher::None || is_on_air_;
  publisher_ = publisher;
  if (publisher == Publisher::Live || publisher == Publisher::Away)
    is_on_air_ = true;
  if (publisher == Publisher::None)
    is_on_air_ = false;
  else
    is_expected_ = false;
  if (process_ != Process::Working)
    return;
  if (publisher != Publisher::None)
    due_ = {};
  else if (is_once_ && was_here) {
    is_stopping_ = true;
    due_ = now;
  } else if (!due_)
    due_ = now + kLinger;
}

void ChannelLife::on_refused(Time now) {
  if (!std::exchange(is_expected_, false))
    return;
  if (process_ == Process::Working && due_)
    due_ = now + kLinger;
}

void ChannelLife::adopt(Time now) {
  process_ = Process::Working;
  ready_at_ = now;
  due_ = {};
}

void ChannelLife::on_lost(Time now) {
  publisher_ = Publisher::None;
  if (process_ != Process::Waking && process_ != Process::Working)
    return;
  process_ = Process::Lost;
  due_ = now + kMostToDie;
}

ChannelLife::Action ChannelLife::on_gone(Time now) {
  const auto was = process_;
  process_ = Process::None;
  publisher_ = Publisher::None;
  is_expected_ = false;
  due_ = {};
  if (was == Process::None)
    return Action::None;
  if (was == Process::Leaving) {
    is_on_air_ = false;  // even if it had to be killed: the next one would not end better
    is_ended_ = is_stopping_ || is_once_;
    return is_wanted_ && !is_ended_ ? start(now) : Action::None;
  }
  if (ready_at_ && now - *ready_at_ >= kHealthy)
    failures_ = 0;
  ready_at_ = {};
  // Who published can't come back: only the playlist has to end.
  is_stopping_ = is_stopping_ || (is_once_ && is_on_air_ && !is_resting_);
  constexpr unsigned kMostToStop = 3;  // who is to stop, and cannot even start
  if (is_resting_ || (!is_on_air_ && !is_wanted_) ||
      ((is_stopping_ || is_once_) && failures_ >= kMostToStop)) {
    // A playlist that could not be ended any more as the server goes down is the next one's.
    is_ended_ = is_once_ ? !is_on_air_ || !is_resting_ : is_stopping_;
    return Action::None;
  }
  constexpr unsigned kMostDoublings = 8;  // as 250 ms * 2^7 is more than half a minute
  const auto doublings = std::min(failures_, kMostDoublings);
  if (failures_++ == 0)
    return start(now);
  due_ = now +
         std::min<std::chrono::milliseconds>(kFirstBackOff * (1 << (doublings - 1)), kMostBackOff);
  return Action::None;
}

ChannelLife::Action ChannelLife::stop(Time now) {
  if (is_stopping_ || is_ended_)
    return Action::None;
  is_wanted_ = false;
  is_stopping_ = true;
  switch (process_) {
    case Process::None:
      if (is_on_air_)  // its playlist has to end
        return start(now);
      due_ = {};
      is_ended_ = true;
      return Action::None;
    case Process::Working:
      return leave(now);
    default:
      return Action::None;  // as soon as it is ready, or gone
  }
}

ChannelLife::Action ChannelLife::pause(Time now) {
  if (is_stopping_ || is_ended_ || is_paused_)
    return Action::None;
  is_paused_ = true;
  is_wanted_ = false;
  switch (process_) {
    case Process::None:
      due_ = {};
      return is_on_air_ && is_created_ && !is_resting_ ? start(now)  // its playlist has to end
                                                       : Action::None;
    case Process::Working:
      return leave(now);
    default:
      return Action::None;  // as soon as it is ready, or gone
  }
}

ChannelLife::Action ChannelLife::rest(Time now) {
  is_resting_ = true;
  is_wanted_ = false;
  if (process_ == Process::Working)
    return leave(now);
  if (process_ == Process::None)
    due_ = {};
  return Action::None;
}

ChannelLife::Action ChannelLife::on_time(Time now) {
  if (!due_ || now < *due_)
    return Action::None;
  due_ = {};
  switch (process_) {
    case Process::None:
      return start(now);
    case Process::Working:
      return leave(now);
    default:
      return Action::KillWorker;
  }
}

ChannelState ChannelLife::state() const {
  if (is_ended_)
    return ChannelState::Ended;
  if (!is_created_)
    return ChannelState::Creating;
  if (is_stopping_ || (is_once_ && process_ == Process::Leaving) || (is_paused_ && is_on_air_))
    return ChannelState::Stopping;
  if (process_ == Process::Leaving)
    return ChannelState::Idle;
  if (publisher_ == Publisher::Live)
    return ChannelState::Running;
  if (is_on_air_)
    return ChannelState::Reconnecting;
  const bool is_waking = process_ == Process::Waking || (process_ == Process::None && due_);
  return is_waking || is_expected_ || publisher_ == Publisher::Connecting ? ChannelState::Starting
                                                                          : ChannelState::Idle;
}

}  // namespace live
