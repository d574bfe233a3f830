// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_assembler.hpp"

#include <algorithm>
#include <utility>

namespace onair {

// ---- what comes in

PartAssembler::TrackId PartAssembler::add_track(Kind kind) {
  tracks_.push_back({.kind = kind});
  return tracks_.size() - 1;
}

void PartAssembler::begin_segment(TrackId id, const Boundary& boundary) {
  auto& track = tracks_[id];
  track.queue.emplace_back(Begin{.boundary = boundary, .end_before = track.newest_end});
  ++track.begins;
  track.has_ended = false;
  if (boundary.is_break) {
    track.newest_end.reset();
    track.silent_until.reset();
  }
  const auto place = std::find_if(told_.begin(), told_.end(), [&boundary](const Boundary& told) {
    return told.index >= boundary.index;
  });
  if (boundary.index > opened_ && (place == told_.end() || place->index != boundary.index))
    told_.insert(place, boundary);
  advance();
}

void PartAssembler::add_frame(TrackId id, const Frame& frame) {
  auto& track = tracks_[id];
  track.length = frame.duration.value_or(Duration{0});
  track.queue.emplace_back(frame);
  track.has_ended = false;
  track.is_silent = false;
  const auto end = frame.pts + track.length;
  track.newest_end = std::max(track.newest_end.value_or(end), end);
  advance();
}

void PartAssembler::gap(TrackId id, std::optional<RunningTime> to) {
  auto& track = tracks_[id];
  if (to)
    track.silent_until = std::max(track.silent_until.value_or(*to), *to);
  else
    track.is_silent = true;
  advance();
}

void PartAssembler::end(TrackId id) {
  tracks_[id].has_ended = true;
  advance();
}

// ---- what goes out

std::optional<PartAssembler::Action> PartAssembler::take() {
  if (actions_.empty())
    return std::nullopt;
  const auto action = actions_.front();
  actions_.pop_front();
  return action;
}

bool PartAssembler::is_awaited(TrackId id) const {
  const auto end = part_end();
  if (!end)  // a break that others have told
    return !told_.empty() && !has_left(tracks_[id]);
  return word(tracks_[id], *end) == Word::Nothing &&
         std::any_of(tracks_.begin(), tracks_.end(), [this, &end](const Track& track) {
           return word(track, *end) == Word::Beyond;
         });
}

std::size_t PartAssembler::held() const {
  std::size_t frames = 0;
  for (const auto& track : tracks_)
    frames += track.queue.size() - track.begins + static_cast<std::size_t>(track.packed);
  return frames;
}

// ---- parts

void PartAssembler::advance() {
  while (segment_ || open()) {
    for (TrackId id = 0; id < tracks_.size(); ++id)
      drop_left_behind(id);
    if (may_be_over())
      return;
    const auto end = part_end();
    for (TrackId id = 0; id < tracks_.size(); ++id)
      fill(id, end);
    if (!end || !is_complete(*end))
      return;
    end_part(*end);
  }
}

bool PartAssembler::open() {
  if (told_.empty())
    return false;
  const auto boundary = told_.front();
  told_.pop_front();
  if (boundary.is_break && opened_ != INT64_MIN) {
    line_began_ = boundary.index;
    line_end_.reset();
  }
  opened_ = boundary.index;
  const auto start = std::max(boundary.at, line_end_.value_or(boundary.at));
  segment_ = Segment{.boundary = boundary, .start = start};
  part_ = Part{.start = start};
  plan_start_ = start;
  planned_ = 0;
  return true;
}

// The frames of a track that comes back on a line that the others have left would stand anywhere among the others'.
void PartAssembler::drop_left_behind(TrackId id) {
  auto& track = tracks_[id];
  while (!track.queue.empty()) {
    if (const auto* begin = std::get_if<Begin>(&track.queue.front())) {
      if (begin->boundary.index > opened_)
        return;
      track.segment = std::max(track.segment, begin->boundary.index);
      --track.begins;
    } else if (is_left_behind(track)) {
      actions_.emplace_back(Drop{.track = id, .count = 1});
    } else {
      return;
    }
    track.queue.pop_front();
  }
}

// The plan is at an end, and somebody has still to say whether the segment is.
bool PartAssembler::may_be_over() const {
  return config_.plan && planned_ == 0 && part_.number > 0 && !part_.has_media && !segment_end() &&
         std::any_of(tracks_.begin(), tracks_.end(), [this](const Track& track) {
           return track.queue.empty() && !is_absent(track) &&
                  track.silent_until.value_or(part_.start) <= part_.start;
         });
}

// Frames go where they begin, or where most of them is heard. The last part takes all that the track has
// in front of the next segment: that one is to begin with its key frame, wherever the boundary is. If
// the part before turns out to have been the last, what came too late for it has none, and no picture
// behind the key frame needs it.
void PartAssembler::fill(TrackId id, const std::optional<End>& end) {
  auto& track = tracks_[id];
  const bool is_void = end && end->is_segments && !part_.has_media && !is_part(end->at);
  while (!track.queue.empty()) {
    const auto* next = std::get_if<Frame>(&track.queue.front());
    if (!next)
      return;
    const auto frame = *next;
    const auto length = frame.duration.value_or(Duration{0});
    const auto time = track.kind == Kind::Audio ? frame.pts + length / 2 : frame.pts;
    if (end && time >= end->at + (end->is_segments && !is_void ? kOverdue : Duration{0}))
      return;
    track.queue.pop_front();
    if (is_void) {
      actions_.emplace_back(Drop{.track = id, .count = 1});
      continue;
    }
    part_.has_media = true;
    if (track.kind == Kind::Audio) {
      pack(id, frame, end);
      continue;
    }
    if (!part_.begins_with_key)
      part_.begins_with_key = frame.is_key;
    write(id, 1);
  }
}

bool PartAssembler::is_part(RunningTime end) const {
  return end - part_.start > kRounding;
}

void PartAssembler::end_part(const End& end) {
  for (TrackId id = 0; id < tracks_.size(); ++id) {
    write_packs(id);
    tracks_[id].written = 0;
  }
  segment_->has_media |= part_.has_media;
  const bool has_part = part_.has_media || is_part(end.at);
  line_end_ = has_part ? end.at : part_.start;
  if (has_part)
    actions_.emplace_back(EndPart{.segment = segment_->boundary.index,
                                  .part = part_.number,
                                  .start = part_.start,
                                  .end = end.at,
                                  .is_independent = is_independent(),
                                  .has_media = part_.has_media});
  if (end.is_segments) {
    actions_.emplace_back(EndSegment{.segment = segment_->boundary.index,
                                     .start = segment_->start,
                                     .end = *line_end_,
                                     .has_media = segment_->has_media,
                                     .is_break = segment_->boundary.is_break});
    segment_.reset();
    return;
  }
  part_ = Part{.number = part_.number + 1, .start = end.at};
  if (++planned_ == config_.plan->count()) {
    plan_start_ = end.at;
    planned_ = 0;
  }
}

bool PartAssembler::is_independent() const {
  if (part_.begins_with_key)
    return *part_.begins_with_key;
  return std::all_of(tracks_.begin(), tracks_.end(), [](const Track& track) {
    return track.kind == Kind::Audio || track.has_ended || track.is_silent;
  });
}

// ---- packets of sound

std::int64_t PartAssembler::most_packed(const Track& track) const {
  return std::max<std::int64_t>(1, config_.pack / std::max(track.length, Duration{1}));
}

// What is left of the part, in as few packets as it takes, each as large as the others: nine frames of
// 24 ms are no four, four and one. Where the part ends is not certain before it has, so two frames stay
// back: none is ever left alone.
void PartAssembler::pack(TrackId id, const Frame& frame, const std::optional<End>& end) {
  auto& track = tracks_[id];
  // One timestamp speaks for the whole packet.
  if (track.packed > 0 && std::chrono::abs(frame.pts - track.packed_to) > kSeam)
    write_packs(id);
  ++track.packed;
  const auto length = frame.duration.value_or(Duration{0});
  track.packed_to = frame.pts + length;
  const auto most = most_packed(track);
  if (most == 1)
    return write_packs(id);
  auto size = most;
  if (end && length > Duration{0}) {
    const auto left = (end->at - part_.start + length / 2) / length - track.written;
    const auto packets = (left + most - 1) / most;
    if (packets > 0)
      size = (left + packets - 1) / packets;
  }
  if (track.packed >= size + 2)
    write(id, size);
}

void PartAssembler::write_packs(TrackId id) {
  auto& track = tracks_[id];
  if (track.packed > most_packed(track))
    write(id, (track.packed + 1) / 2);
  if (track.packed > 0)
    write(id, track.packed);
}

void PartAssembler::write(TrackId id, std::int64_t count) {
  auto& track = tracks_[id];
  if (track.kind == Kind::Audio) {
    track.packed -= count;
    track.written += count;
  }
  actions_.emplace_back(Write{.track = id, .count = static_cast<std::size_t>(count)});
}

// ---- where parts end, and when that is known

std::optional<PartAssembler::End> PartAssembler::part_end() const {
  if (!segment_)
    return std::nullopt;
  const auto known = segment_end();
  if (known && (!config_.plan || *known - part_.start <= config_.plan->longest() + kRounding))
    return End{.at = *known, .is_segments = true, .is_within_known = true};
  if (!config_.plan)
    return std::nullopt;
  return End{.at = plan_start_ + config_.plan->end(planned_ + 1),
             .is_plans = planned_ + 1 == config_.plan->count(),
             .is_within_known = known.has_value()};
}

std::optional<RunningTime> PartAssembler::segment_end() const {
  if (!told_.empty() && !told_.front().is_break)
    return std::max(told_.front().at, part_.start);
  const bool all_left = std::all_of(tracks_.begin(), tracks_.end(), has_left);
  const bool all_ended = std::all_of(tracks_.begin(), tracks_.end(),
                                     [](const Track& track) { return track.has_ended; });
  if (told_.empty() ? all_ended : all_left)
    return media_end();
  return std::nullopt;
}

// Nobody says where the old line ends: with its last frame.
RunningTime PartAssembler::media_end() const {
  auto last = part_.start;
  for (const auto& track : tracks_) {
    const auto next = std::find_if(track.queue.begin(), track.queue.end(), [](const Item& item) {
      return std::holds_alternative<Begin>(item);
    });
    const auto end =
        next == track.queue.end() ? track.newest_end : std::get<Begin>(*next).end_before;
    if (end && !is_left_behind(track))
      last = std::max(last, *end);
  }
  return last;
}

bool PartAssembler::has_left(const Track& track) {
  return track.begins > 0 || track.has_ended || track.is_silent;
}

bool PartAssembler::is_left_behind(const Track& track) const {
  return track.segment < line_began_;
}

// One that is left behind was absent at the break.
bool PartAssembler::is_absent(const Track& track) const {
  return track.has_ended || track.is_silent || is_left_behind(track);
}

PartAssembler::Word PartAssembler::word(const Track& track, const End& end) const {
  if (!track.queue.empty())
    return Word::Beyond;
  if (is_absent(track))
    return Word::Absent;
  if (track.silent_until && *track.silent_until + kRounding >= end.at)
    return Word::Beyond;
  // Sound has no seams: the next frame begins where this one ends. Pictures that last to the end are as
  // good as the next one, which comes a frame later; but a segment's last part waits for that, as those
  // behind it belong to a key frame.
  if (track.kind == Kind::Video && (end.is_segments || end.is_plans))
    return Word::Nothing;
  const auto slack = track.kind == Kind::Audio ? track.length / 2 : kRounding;
  return track.newest_end && *track.newest_end + slack >= end.at ? Word::Beyond : Word::Nothing;
}

// Someone has been at the end, or knows the segment's: those who are absent never get anywhere.
bool PartAssembler::is_complete(const End& end) const {
  bool is_certain = end.is_within_known;
  for (const auto& track : tracks_) {
    const auto said = word(track, end);
    if (said == Word::Nothing)
      return false;
    is_certain |= said == Word::Beyond;
  }
  return is_certain;
}

}  // namespace onair
