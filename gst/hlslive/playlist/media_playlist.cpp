// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/media_playlist.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace onair {

using std::chrono::ceil;
using std::chrono::seconds;

namespace {

// To the nearest, halves up: as players round EXTINF.
Duration rounded(Duration duration) {
  return std::chrono::floor<seconds>(duration + std::chrono::milliseconds(500));
}

void raise(std::optional<Duration>& value, Duration floor) {
  if (value)
    value = std::max(*value, floor);
}

}  // namespace

MediaPlaylist::MediaPlaylist(Config config)
    : config_{std::move(config)},
      target_duration_{std::max<Duration>(ceil<seconds>(config_.target), rounded(config_.longest))},
      first_sequence_{config_.first_sequence},
      discontinuity_sequence_{config_.first_discontinuity_sequence} {
  config_.window = std::max(config_.window, 3 * target_duration_);
  raise(config_.can_skip_until, 6 * target_duration_);
  raise(config_.hold_back, 3 * target_duration_);
  if (config_.part_target) {
    config_.part_hold_back = config_.part_hold_back.value_or(3 * *config_.part_target);
    raise(config_.part_hold_back, 2 * *config_.part_target);
  } else {
    config_.part_hold_back.reset();
  }
}

void MediaPlaylist::need_version(unsigned version) {
  // A version that came and went with the window would be a change that section 6.2.1 does not
  // have.
  version_ = std::max(version_, version);
}

void MediaPlaylist::begin_segment(SegmentHead head) {
  if (has_ended_)
    return;
  if (!head.map.empty())
    need_version(6);
  next_head_ = std::move(head);
}

void MediaPlaylist::add_part(PartialSegment part) {
  hint_.reset();
  if (!config_.part_target || has_ended_)
    return;
  if (part.is_gap)
    need_version(8);
  next_parts_.push_back(std::move(part));
}

void MediaPlaylist::hint(std::string uri) {
  if (config_.part_target && !has_ended_)
    hint_ = std::move(uri);
}

void MediaPlaylist::end_segment(std::string uri, Duration duration, ClockTime now, bool is_gap) {
  if (has_ended_)
    return;
  if (is_gap)
    need_version(8);
  segments_.push_back({.uri = std::move(uri),
                       .duration = duration,
                       .is_gap = is_gap,
                       .head = std::exchange(next_head_, {}),
                       .parts = std::exchange(next_parts_, {})});
  listed_ += duration;
  longest_playlist_ = std::max(longest_playlist_, listed_);
  if (segments_.size() > kSegmentsWithParts)
    retire_parts(segments_[segments_.size() - 1 - kSegmentsWithParts].parts, now);
  if (config_.type == Type::Live)
    while (listed_ - segments_.front().duration >= config_.window)
      remove_first(now);
}

void MediaPlaylist::end(ClockTime now) {
  has_ended_ = true;
  hint_.reset();
  retire_parts(next_parts_, now);
  for (auto& segment : segments_)
    retire_parts(segment.parts, now);
}

void MediaPlaylist::retire_parts(std::vector<PartialSegment>& parts, ClockTime now) {
  for (auto& part : parts)
    if (!part.is_gap)
      retired_parts_.add(std::move(part.uri), now + std::max(3 * target_duration_, kPartsStay));
  parts.clear();
}

void MediaPlaylist::remove_first(ClockTime now) {
  auto gone = std::move(segments_.front());
  segments_.pop_front();
  ++first_sequence_;
  discontinuity_sequence_ += gone.head.is_discontinuous ? 1U : 0U;
  listed_ -= gone.duration;
  retire_parts(gone.parts, now);
  const auto until = now + gone.duration + longest_playlist_;
  if (!gone.is_gap)
    retired_segments_.add(std::move(gone.uri), until);
  const auto& map = gone.head.map;
  const auto needs_map = [&map](const MediaSegment& segment) { return segment.head.map == map; };
  if (!map.empty() && std::none_of(segments_.begin(), segments_.end(), needs_map))
    retired_segments_.add(map, until);
}

std::vector<std::string> MediaPlaylist::expire(ClockTime now) {
  std::vector<std::string> due;
  retired_parts_.take_due(now, due);
  retired_segments_.take_due(now, due);
  return due;
}

std::optional<std::string> MediaPlaylist::take_oldest(ClockTime now) {
  if (auto uri = retired_segments_.take_first())
    return uri;
  const bool can_go = config_.type == Type::Live && !has_ended_ && !segments_.empty() &&
                      listed_ - segments_.front().duration >= 3 * target_duration_;
  if (!can_go)
    return std::nullopt;
  remove_first(now);
  auto uri = retired_segments_.take_first();
  return uri ? uri : take_oldest(now);  // that one was a gap
}

Duration MediaPlaylist::parts_written() const {
  Duration sum{};
  for (const auto& part : next_parts_)
    sum += part.duration;
  return sum;
}

std::size_t MediaPlaylist::skippable() const {
  if (!config_.can_skip_until || has_ended_)
    return 0;
  std::size_t count = 0;
  auto to_end = listed_ + parts_written();
  for (const auto& segment : segments_) {
    to_end -= segment.duration;
    if (to_end < *config_.can_skip_until)
      break;
    ++count;
  }
  return count;
}

LiveEdge MediaPlaylist::edge() const {
  return {.next_sequence = next_sequence(),
          .next_parts = next_parts_.size(),
          .last_parts = segments_.empty() ? 0 : segments_.back().parts.size(),
          .has_segments = !segments_.empty(),
          .part_target = config_.part_target,
          .can_block_reload = config_.can_block_reload,
          .has_ended = has_ended_};
}

}  // namespace onair
