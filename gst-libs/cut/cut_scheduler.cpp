// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/cut_scheduler.hpp"

#include <algorithm>

namespace onair {
namespace {

// A stream that never comes must not make the others remember for ever; one that comes a minute behind
// them still finds its boundaries, at 0.5 s each.
constexpr std::size_t kMostRemembered = 128;

template <typename T>
std::optional<T> take_front(std::deque<T>& queue) {
  if (queue.empty())
    return std::nullopt;
  auto front = queue.front();
  queue.pop_front();
  return front;
}

}  // namespace

CutScheduler::CutScheduler(Config config) : config_{config} {}

CutScheduler::StreamId CutScheduler::add_stream(Kind kind) {
  streams_.push_back(Stream{.kind = kind});
  return streams_.size() - 1;
}

void CutScheduler::remove_stream(StreamId id) {
  auto& stream = streams_[id];
  stream.is_present = false;
  stream.is_waiting = false;
  forget_fills(id);
  if (master_ == id)
    master_.reset();
  try_start();
  has_changed_ = true;
}

// ---- the grid

Duration CutScheduler::longest(Duration target) {
  return std::chrono::ceil<std::chrono::seconds>(target) + std::chrono::milliseconds(500);
}

RunningTime CutScheduler::nominal(std::int64_t index) const {
  return anchor_ + index * config_.target;
}

RunningTime CutScheduler::nearest_frame(RunningTime time) const {
  return frames_.nearest(time).value_or(time);
}

RunningTime CutScheduler::boundary(std::int64_t index) const {
  return nearest_frame(nominal(index));
}

Duration CutScheduler::half_interval(const Stream& stream) {
  return stream.interval.get().value_or(Duration{0}) / 2;
}

// By how much the picture nearest to an instant may be in front of it.
Duration CutScheduler::lead(const Stream& stream) {
  return stream.interval.get().value_or(FrameInterval::kGuess) / 2;
}

// The last boundary that is not behind `time`.
std::int64_t CutScheduler::latest(RunningTime time) const {
  // Frames may be longer than segments.
  auto index = (time + frames_.length() / 2 - anchor_) / config_.target + 1;
  while (boundary(index) > time)
    --index;
  return index;
}

CutScheduler::Boundary CutScheduler::planned(std::int64_t index) const {
  return {.index = index, .at = boundary(index)};
}

// ---- streams

// Has come, on the time line that the others are on.
bool CutScheduler::is_with_us(const Stream& stream) const {
  return stream.is_present && stream.epoch == epoch_;
}

bool CutScheduler::is_live(const Stream& stream) const {
  return is_with_us(stream) && !stream.has_ended && !stream.is_stalled;
}

bool CutScheduler::has_live_video() const {
  return std::any_of(streams_.begin(), streams_.end(), [this](const Stream& stream) {
    return stream.kind == Kind::Video && is_live(stream);
  });
}

// Where the others are, give or take what streams are apart.
bool CutScheduler::is_near_line(RunningTime time) const {
  std::optional<RunningTime> here;
  ClockTime seen = decided_at_;
  for (const auto& stream : streams_)
    if (is_live(stream) && stream.newest && (!here || *stream.newest > *here)) {
      here = stream.newest;
      seen = *stream.seen;
    }
  const Duration step = time - here.value_or(decided_.back().at);
  return step >= -kForwards && step - (now_ - seen) <= kForwards;
}

void CutScheduler::follow_line(Stream& stream, RunningTime time) {
  bool jumps = false;
  if (stream.newest) {
    const Duration step = time - *stream.newest;
    jumps = step < -kBackwards || step - (now_ - *stream.seen) > kForwards;
  } else {
    // Streams are flushed one by one: the first that comes tells that the time line is a new one.
    jumps = stream.was_flushed && has_started_ && !is_near_line(time);
  }
  // Left behind by a break that was none for it, or that has been taken back.
  const bool joins = !jumps && stream.epoch != epoch_ && has_started_ && is_near_line(time);
  if (!jumps && !joins && stream.epoch >= 0)
    return;
  if (joins)
    stream.asked.clear();
  if (jumps) {
    if (has_started_ && stream.is_present && (stream.epoch == epoch_ || stream.epoch < 0))
      begin_line();
    stream.interval = {};
    stream.newest.reset();
    stream.first_key.reset();
    stream.asked.clear();
    stream.asked_to = INT64_MIN;
    stream.at_once.reset();
    stream.needs_key = true;
  }
  stream.epoch = epoch_;
}

void CutScheduler::begin_line() {
  ++epoch_;
  has_started_ = false;
  starting_since_.reset();
  frames_ = {};
  master_.reset();
  has_changed_ = true;
}

void CutScheduler::arrive(StreamId id, const Frame& frame, ClockTime now) {
  auto& stream = streams_[id];
  now_ = std::max(now_, now);
  const auto fill = std::find_if(fills_.begin(), fills_.end(),
                                 [id](const Fill& each) { return each.stream == id; });
  if (fill != fills_.end())
    unfill(id, fill->boundary.index);
  follow_line(stream, frame.time);
  stream.has_ended = stream.is_stalled = false;
  stream.seen = now_;
  stream.frame = frame;
  stream.asked_waiting = 0;
  stream.before = stream.newest;
  stream.newest = std::max(stream.newest.value_or(frame.time), frame.time);
  if (!starting_since_)
    starting_since_ = now_;
  if (stream.kind == Kind::Audio) {
    if (is_with_us(stream) && !master_)
      master_ = id;
    if (master_ == id) {
      frames_.on_frame(frame.time, frame.format);
      skip_past();
    }
  } else {
    stream.interval.on_frame(frame.time, frame.duration);
    stream.was_awaited = frame.is_key && stream.at_once.is_awaited();
    if (frame.is_key) {
      stream.at_once.on_key_frame(frame.time);
      if (!stream.first_key)
        stream.first_key = frame.time;
    }
  }
  try_start();
  if (stream.kind == Kind::Video) {
    // The picture goes on without a key frame: sound does not wait for ever.
    if (has_started_ && is_live(stream) && !frame.is_key) {
      const auto index = latest(*stream.newest - config_.max_wait);
      if (index >= next_index_)
        decide(index, boundary(index), std::nullopt);
    }
    ask(id, stream);
  }
  has_changed_ |= std::any_of(streams_.begin(), streams_.end(),
                              [](const Stream& other) { return other.is_waiting; });
}

void CutScheduler::end(StreamId id, ClockTime now) {
  now_ = std::max(now_, now);
  streams_[id].has_ended = true;
  streams_[id].is_waiting = false;
  if (master_ == id)
    master_.reset();
  try_start();
  has_changed_ = true;
}

void CutScheduler::flush(StreamId id) {
  const auto& old = streams_[id];
  streams_[id] = Stream{.kind = old.kind, .is_present = old.is_present, .was_flushed = true};
  forget_fills(id);
  if (master_ == id)
    master_.reset();
  const bool all_are_new = std::none_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.is_present && stream.epoch >= 0;
  });
  if (all_are_new && has_started_)
    begin_line();
  has_changed_ = true;
}

// ---- the start

bool CutScheduler::can_start(const Stream& stream) const {
  if (!stream.is_present || stream.has_ended || stream.is_stalled)
    return true;
  return is_with_us(stream) && (stream.kind == Kind::Audio || stream.first_key);
}

CutScheduler::Grid CutScheduler::grid_through(RunningTime start) const {
  if (!shared_anchor_)
    return {.anchor = start - next_index_ * config_.target, .index = next_index_};
  const auto anchor = *shared_anchor_;
  auto index = (start - anchor) / config_.target;
  if (anchor + index * config_.target > start)
    --index;
  while (nearest_frame(anchor + (index + 1) * config_.target) <= start)
    ++index;
  // Indices do not go back: the same instants, counted from an earlier one.
  const auto missing = std::max<std::int64_t>(next_index_ - index, 0);
  return {.anchor = anchor - missing * config_.target, .index = index + missing};
}

// With the first frame of each stream. Segment 0 begins with the picture, if there is one: sound in
// front of it cannot be seen.
void CutScheduler::try_start() {
  if (has_started_ || !starting_since_ ||
      !std::all_of(streams_.begin(), streams_.end(),
                   [this](const Stream& stream) { return can_start(stream); }))
    return;
  std::optional<RunningTime> picture;
  std::optional<RunningTime> sound;
  for (const auto& stream : streams_) {
    if (!is_live(stream))
      continue;
    auto& first = stream.kind == Kind::Video ? picture : sound;
    const auto time = stream.kind == Kind::Video ? stream.first_key : stream.newest;
    if (time && (!first || *time < *first))
      first = time;
  }
  if (!picture && !sound)
    return;
  has_started_ = true;
  const auto at = nearest_frame(picture ? *picture : *sound);
  const auto grid = grid_through(at);
  anchor_ = grid.anchor;
  next_index_ = grid.index;
  for (auto& stream : streams_)
    keep_asked(stream);
  decide(next_index_, at, std::nullopt);
}

// ---- decisions

void CutScheduler::decide(std::int64_t index, RunningTime at, std::optional<Duration> lateness) {
  const bool begins_line = decided_epoch_ != epoch_;
  Decision decision{
      .boundary = {.index = index, .at = at, .is_break = begins_line && stats_.boundaries > 0},
      .lateness = lateness};
  if (begins_line) {
    decided_.clear();
    line_begin_ = index;
  } else {
    decision.error = at - nominal(index);
    decision.length = at - decided_.back().at;
    stats_.error = decision.error;
    stats_.worst_error = std::max({stats_.worst_error, decision.error, -decision.error});
  }
  ++stats_.boundaries;
  stats_.breaks += decision.boundary.is_break ? 1U : 0U;
  stats_.missed += begins_line ? 0 : static_cast<std::uint64_t>(index - next_index_);
  decided_epoch_ = epoch_;
  decided_.push_back(decision.boundary);
  decided_at_ = now_;
  next_index_ = index + 1;
  decisions_.push_back(decision);
  skip_past();
  forget_reached();
  fill_stalled();
  has_changed_ = true;
}

// A segment begins behind the one before it: boundaries that a very late key frame has overtaken, or
// that lie on one long audio frame, are none.
void CutScheduler::skip_past() {
  if (!has_started_ || decided_epoch_ != epoch_)
    return;
  for (; boundary(next_index_) <= decided_.back().at; ++next_index_)
    ++stats_.missed;
}

void CutScheduler::forget_reached() {
  const auto is_needed = [this](const Boundary& boundary) {
    return std::any_of(streams_.begin(), streams_.end(),
                       [&boundary](const Stream& stream) {
                         return stream.is_present && stream.applied < boundary.index;
                       }) ||
           // Nobody has reached what is still to be filled.
           std::any_of(fills_.begin(), fills_.end(), [&boundary](const Fill& fill) {
             return fill.boundary.index <= boundary.index;
           });
  };
  while (decided_.size() > kMostRemembered || (decided_.size() > 1 && !is_needed(decided_.front())))
    decided_.pop_front();
}

// With a key frame, which may have overtaken boundaries.
void CutScheduler::decide_by(const Stream& stream) {
  const auto time = stream.frame.time;
  auto next = planned(std::max(next_index_, latest(time)));
  while (time >= due_from(stream, planned(next.index + 1)))
    next = planned(next.index + 1);
  // Sound has waited at these for as long as it does.
  const bool has_sound = std::any_of(streams_.begin(), streams_.end(), [this](const auto& other) {
    return other.kind == Kind::Audio && is_live(other);
  });
  const bool is_pause = time - stream.before.value_or(time) > config_.max_wait + config_.target;
  while (has_sound && !is_pause && next_index_ < next.index &&
         would_be_too_long(std::min(time, next.at)) && lies_in_gap(stream, planned(next_index_)))
    decide(next_index_, boundary(next_index_), std::nullopt);
  if (next_index_ > next.index)
    return;  // on one long frame of sound with the one before
  const bool is_late = !is_on_time(stream, next);
  const bool bridges =
      is_late && lies_in_gap(stream, next) && would_be_too_long(nearest_frame(time));
  if (bridges)
    bridged_ = next.index;
  decide(next.index, is_late && !bridges ? nearest_frame(time) : next.at, time - next.at);
}

void CutScheduler::fill_stalled() {
  for (StreamId id = 0; id < streams_.size(); ++id) {
    auto& stream = streams_[id];
    // One that was silent when the line broke is waited for downstream all the same.
    const bool is_silent = stream.is_present && stream.epoch >= 0 && stream.is_stalled;
    if (stream.kind != Kind::Audio || !is_silent || stream.has_ended ||
        stream.applied >= decided_.back().index)
      continue;
    stream.applied = decided_.back().index;
    fills_.push_back({.stream = id, .boundary = decided_.back()});
  }
}

// From that boundary on nothing has been filled.
void CutScheduler::unfill(StreamId id, std::int64_t index) {
  forget_fills(id);
  streams_[id].applied = std::min(streams_[id].applied, index - 1);
}

void CutScheduler::forget_fills(StreamId id) {
  std::erase_if(fills_, [id](const Fill& fill) { return fill.stream == id; });
}

const CutScheduler::Boundary* CutScheduler::find_decided(std::int64_t index) const {
  const auto found =
      std::find_if(decided_.begin(), decided_.end(),
                   [index](const Boundary& boundary) { return boundary.index == index; });
  return found == decided_.end() ? nullptr : &*found;
}

// The newest boundary that the stream has come to and that its segment has not begun with.
const CutScheduler::Boundary* CutScheduler::reached(const Stream& stream) const {
  const auto time = stream.frame.time;
  const auto& format = stream.frame.format;
  const auto half = to_duration(format.length, format.rate) / 2;
  for (auto boundary = decided_.rbegin(); boundary != decided_.rend(); ++boundary) {
    if (boundary->index <= stream.applied)
      return nullptr;
    if (stream.kind == Kind::Audio ? boundary->at < time + half
                                   : time >= std::min(boundary->at, due_from(stream, *boundary)))
      return &*boundary;
  }
  return nullptr;
}

CutScheduler::Verdict CutScheduler::judge(StreamId id) {
  auto& stream = streams_[id];
  stream.is_waiting = false;
  const auto verdict = stream.kind == Kind::Audio ? judge_audio(stream) : judge_video(stream);
  stream.is_waiting = std::holds_alternative<Wait>(verdict);
  if (std::holds_alternative<Cut>(verdict))
    forget_reached();
  // By whoever waits for the verdict, before the picture goes on: an encoder that gets many frames at once has soon passed
  // the next boundary.
  if (stream.kind == Kind::Video && !stream.is_waiting)
    ask(id, stream);
  return verdict;
}

CutScheduler::Verdict CutScheduler::judge_audio(Stream& stream) {
  if (!is_with_us(stream))
    return Pass{};
  if (!has_started_)
    return Wait{};
  const auto start = stream.frame.time;
  const auto half = to_duration(stream.frame.format.length, stream.frame.format.rate) / 2;
  // The frame that begins nearest to a boundary, or the first one behind it.
  const auto reach = start + half - Duration{1};
  if (boundary(next_index_) <= reach) {
    if (has_live_video())
      return Wait{};
    const auto index = latest(reach);
    const auto at = boundary(index);
    const bool is_late = start > at + half && !would_be_too_long(nearest_frame(start));
    decide(index, is_late ? nearest_frame(start) : at, std::nullopt);
  } else if (config_.mode == Mode::Passthrough &&
             start >= boundary(next_index_) - config_.target / 2) {
    // A key frame may come early, and then the segment begins with the sound of its instant.
    const bool may_begin =
        std::any_of(streams_.begin(), streams_.end(), [this, start, half](const Stream& other) {
          return other.kind == Kind::Video && is_live(other) && *other.newest < start + half;
        });
    if (may_begin)
      return Wait{};
  }
  const auto* boundary = reached(stream);
  if (!boundary && stream.applied < line_begin_) {
    ++stats_.dropped;
    return Drop{};
  }
  if (!boundary)
    return Pass{};
  stream.applied = boundary->index;
  // Timestamps are rounded: a nanosecond in front of the picture it would not be in its segment.
  const auto shift = boundary->at - start;
  const bool is_rounded = config_.snap && std::chrono::abs(shift) <= AudioFrames::kTolerance;
  return Cut{.boundary = *boundary, .shift = is_rounded ? shift : Duration{0}};
}

// The first frame from then on is the one nearest to the boundary: where it was asked for, at the frame
// rate of that time.
RunningTime CutScheduler::due_from(const Stream& stream, const Boundary& boundary) const {
  for (const auto& asked : stream.asked)
    if (asked.index == boundary.index && asked.at <= boundary.at + frames_.length() &&
        asked.at + kMostSnap >= boundary.at)
      return asked.at;
  return boundary.at - half_interval(stream);
}

bool CutScheduler::comes_back(const Stream& stream) const {
  return stream.before && stream.frame.time - *stream.before > kPause &&
         std::any_of(streams_.begin(), streams_.end(), [this, &stream](const Stream& other) {
           return &other != &stream && other.kind == Kind::Video && is_live(other) &&
                  *other.newest - *stream.before > kPause;
         });
}

// Whether the key frame is the one that the next boundary waits for.
bool CutScheduler::takes(const Stream& stream) const {
  const auto time = stream.frame.time;
  if (nearest_frame(time) <= decided_.back().at)
    return false;  // as early as that only after a very late one
  // One that begins late begins where it can, and leaves the boundaries to those that were asked.
  if (stream.needs_key &&
      std::any_of(streams_.begin(), streams_.end(), [this](const Stream& other) {
        return other.kind == Kind::Video && is_live(other) &&
               (!other.needs_key || other.is_waiting);
      }))
    return false;
  const auto next = planned(next_index_);
  return time >= due_from(stream, next) ||
         (config_.mode == Mode::Passthrough && stream.was_awaited && !comes_back(stream) &&
          time >= next.at - config_.target / 2);
}

// It is the frame that was asked for, and none behind it.
bool CutScheduler::is_first_since(const Stream& stream, const Boundary& boundary) const {
  const auto due = due_from(stream, boundary);
  return stream.frame.time >= due && (!stream.before || *stream.before < due);
}

bool CutScheduler::is_on_time(const Stream& stream, const Boundary& boundary) const {
  return is_first_since(stream, boundary) &&
         (stream.frame.time - boundary.at <= kMostSnap || boundary.index == bridged_);
}

// No rendition has shown a picture between the boundary and this key frame, which the segment would have
// to leave out or to begin with.
bool CutScheduler::lies_in_gap(const Stream& stream, const Boundary& boundary) const {
  return is_first_since(stream, boundary) &&
         std::none_of(streams_.begin(), streams_.end(), [&](const Stream& other) {
           return &other != &stream && other.kind == Kind::Video && is_live(other) &&
                  !other.needs_key && !other.frame.is_key &&
                  *other.newest >= due_from(other, boundary);
         });
}

// The one that is on. Times are rounded, EXTINF to nothing less than a microsecond.
bool CutScheduler::would_be_too_long(RunningTime end) const {
  return end - decided_.back().at + std::chrono::milliseconds(1) > longest(config_.target);
}

// As near as frames of sound are to each other: they may have moved since the boundary was decided.
bool CutScheduler::is_beside(const Boundary& boundary, RunningTime time) const {
  return std::chrono::abs(time - boundary.at) <= frames_.length();
}

CutScheduler::Verdict CutScheduler::judge_video(Stream& stream) {
  const auto time = stream.frame.time;
  const bool is_key = stream.frame.is_key;
  if (!is_with_us(stream))
    return is_key ? Verdict{Demote{}} : Verdict{Pass{}};
  if (!is_key && stream.needs_key) {
    ++stats_.dropped;
    return Drop{};
  }
  if (!is_key)
    return Pass{};
  if (!has_started_)
    return Wait{};
  if (takes(stream))
    decide_by(stream);
  const auto* boundary = reached(stream);
  if (!boundary && stream.needs_key)
    boundary = &decided_.back();
  if (!boundary) {
    ++stats_.demoted;
    return Demote{};
  }
  stream.applied = boundary->index;
  stream.needs_key = false;
  Cut cut{.boundary = *boundary};
  if (config_.snap)
    cut.shift =
        (is_on_time(stream, *boundary) || is_beside(*boundary, time) ? boundary->at
                                                                     : nearest_frame(time)) -
        time;
  return cut;
}

// ---- requests

void CutScheduler::ask(StreamId id, Stream& stream) {
  if (!is_with_us(stream))
    return;
  if (config_.mode == Mode::Encode) {
    if (has_started_)
      ask_ahead(id, stream);
    else
      ask_before_start(id, stream);
  }
  if (is_overdue(stream))
    ask_now(id, stream);
}

// While the picture waits for the sound, its encoder goes on: the first boundaries are where they will be if
// the line begins with this picture, to a frame of sound.
void CutScheduler::ask_before_start(StreamId id, Stream& stream) {
  if (!stream.first_key || stream.asked_to != INT64_MIN)
    return;
  const auto grid = grid_through(nearest_frame(*stream.first_key));
  stream.asked.clear();
  stream.asked_to = grid.index;
  for (auto index = grid.index + 1;; ++index) {
    const auto boundary = nearest_frame(grid.anchor + index * config_.target);
    if (boundary > *stream.newest + config_.request_ahead)
      return;
    stream.asked_to = index;
    const auto at = boundary - lead(stream);
    stream.asked.push_back({.index = index, .at = at});
    requests_.push_back({.stream = id, .at = at, .index = index});
    ++stats_.requests;
  }
}

// Of what has been asked for before the start, as the grid is now.
void CutScheduler::keep_asked(Stream& stream) {
  const auto is_of_grid = [&](const Asked& asked) {
    const Duration off = asked.at + lead(stream) - boundary(asked.index);
    return std::chrono::abs(off) <= frames_.length() + lead(stream);
  };
  if (!std::all_of(stream.asked.begin(), stream.asked.end(), is_of_grid))
    stream.asked.clear();
  stream.asked_to = stream.asked.empty() ? next_index_ : stream.asked.back().index;
}

void CutScheduler::ask_ahead(StreamId id, Stream& stream) {
  const auto oldest = std::max(stream.applied, decided_.front().index);
  while (!stream.asked.empty() && stream.asked.front().index < oldest)
    stream.asked.pop_front();
  // Behind a pause, those within it are not asked for.
  const auto current = (*stream.newest - anchor_) / config_.target - 1;
  for (auto index = std::max({oldest, stream.applied + 1, stream.asked_to + 1, current});
       boundary(index) <= *stream.newest + config_.request_ahead; ++index) {
    stream.asked_to = index;
    const auto* decided = find_decided(index);
    if (!decided && index < next_index_)
      continue;  // missed
    const auto at = (decided ? decided->at : boundary(index)) - lead(stream);
    stream.asked.push_back({.index = index, .at = at});
    requests_.push_back({.stream = id, .at = at, .index = index});
    ++stats_.requests;
  }
}

// The oldest one that the stream's next key frame may be for.
CutScheduler::Boundary CutScheduler::awaited(const Stream& stream) const {
  const auto oldest =
      std::find_if(decided_.begin(), decided_.end(),
                   [&stream](const Boundary& boundary) { return boundary.index > stream.applied; });
  return oldest != decided_.end() ? *oldest : planned(next_index_);
}

bool CutScheduler::is_overdue(const Stream& stream) const {
  if (stream.frame.is_key)
    return false;
  if (stream.needs_key)
    return true;
  if (!has_started_)
    return false;
  const auto next = awaited(stream);
  if (config_.mode == Mode::Passthrough && *stream.newest >= next.at - stream.at_once.response())
    return true;
  // One more frame for those whose times are rounded.
  return *stream.newest >= due_from(stream, next) + 2 * half_interval(stream);
}

void CutScheduler::ask_now(StreamId id, Stream& stream) {
  const bool is_remote = config_.mode == Mode::Passthrough;
  const bool is_repeat = stream.at_once.is_awaited() || !is_remote;
  if (!stream.at_once.take(*stream.newest, is_remote ? KeyFrameRequests::kApart : Duration{0}))
    return;
  if (is_repeat)
    ++stats_.repeats;
  requests_.push_back(
      {.stream = id,
       .at = std::nullopt,
       .index = stream.needs_key ? std::nullopt : std::optional{awaited(stream).index}});
  ++stats_.requests;
}

// When the key frame of the next boundary is wanted of a remote encoder whose first one waits for other streams: nobody
// sees its pictures until then, and all of them would be one segment. Not earlier by its response, as before the boundary
// no key frame is taken that nothing is known of.
std::optional<ClockTime> CutScheduler::next_ask(const Stream& stream) const {
  if (config_.mode != Mode::Passthrough || stream.kind != Kind::Video || !stream.is_waiting ||
      !is_with_us(stream))
    return std::nullopt;
  return *stream.seen + (stream.asked_waiting + 1) * config_.target;
}

void CutScheduler::ask_while_waiting() {
  for (StreamId id = 0; id < streams_.size(); ++id) {
    auto& stream = streams_[id];
    const auto at = next_ask(stream);
    if (!at || *at > now_)
      continue;
    stream.asked_waiting = (now_ - *stream.seen) / config_.target;
    requests_.push_back(
        {.stream = id, .at = std::nullopt, .index = next_index_ + stream.asked_waiting});
    ++stats_.requests;
  }
}

// ---- time

std::optional<ClockTime> CutScheduler::deadline() const {
  std::optional<ClockTime> first;
  const auto consider = [&first, this](ClockTime since) {
    const auto at = since + config_.max_wait;
    if (!first || at < *first)
      first = at;
  };
  if (!has_started_) {
    if (starting_since_)
      consider(*starting_since_);
    for (const auto& stream : streams_)
      if (const auto at = next_ask(stream); at && (!first || *at < *first))
        first = at;
    return first;
  }
  const bool sound_waits = std::any_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.kind == Kind::Audio && stream.is_waiting;
  });
  for (const auto& stream : streams_) {
    if (!is_live(stream))
      continue;
    const bool is_behind = !stream.is_waiting && stream.applied < decided_.back().index;
    if (is_behind || (stream.kind == Kind::Video && sound_waits))
      consider(*stream.seen);
  }
  return first;
}

void CutScheduler::on_time(ClockTime now) {
  now_ = std::max(now_, now);
  const auto due = deadline();
  if (!due || *due > now_)
    return;
  const auto is_late = [this](ClockTime since) { return since + config_.max_wait <= now_; };
  if (!has_started_) {
    ask_while_waiting();
    if (!is_late(*starting_since_))
      return;
    for (auto& stream : streams_)
      stream.is_stalled |= !can_start(stream);
    try_start();
    if (!has_started_)
      starting_since_ = now_;
    has_changed_ = true;
    return;
  }
  for (auto& stream : streams_) {
    if (!is_live(stream) || stream.is_waiting || !is_late(*stream.seen))
      continue;
    if (stream.kind == Kind::Video || stream.applied < decided_.back().index)
      stream.is_stalled = true;
  }
  fill_stalled();
  has_changed_ = true;
}

// ---- what comes out

std::optional<CutScheduler::Request> CutScheduler::take_request() {
  return take_front(requests_);
}

std::optional<CutScheduler::Fill> CutScheduler::take_fill() {
  auto fill = take_front(fills_);
  stats_.fills += fill ? 1U : 0U;
  return fill;
}

void CutScheduler::give_back(const Fill& fill) {
  unfill(fill.stream, fill.boundary.index);
  --stats_.fills;
}

std::optional<CutScheduler::Decision> CutScheduler::take_decision() {
  return take_front(decisions_);
}

bool CutScheduler::take_change() {
  return std::exchange(has_changed_, false);
}

CutScheduler::Stats CutScheduler::stats() const {
  auto stats = stats_;
  for (const auto& stream : streams_)
    if (stream.is_present && stream.kind == Kind::Video)
      stats.response = std::max(stats.response, stream.at_once.response());
  return stats;
}

}  // namespace onair
