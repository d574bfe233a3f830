// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aligner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace onair {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A delay of half the size bears out that the network has another stream's.
constexpr int kSharedPart = 2;
// Streams whose last packets came so close together fell silent together. DTX sends each 400 ms.
constexpr Duration kSilentTogether = milliseconds(500);
// Timestamps of different clock rates are that coarse; a report that says the same is no new one.
constexpr Duration kSameReport = std::chrono::microseconds(1);
// Browsers report each 5 s or less.
constexpr Duration kReportsGone = seconds(30);
// After a step of the sender's wall clock each stream tells at its own next reports.
constexpr Duration kSettling = seconds(20);
constexpr Duration kSameStep = milliseconds(20);
// Chromium's reports of sound scatter by 3 ms, those of picture by less than 1 ms. A relay that makes
// reports of what passes puts the jitter of the uplink into them.
constexpr Duration kScatterOfAudio = milliseconds(5);
constexpr Duration kScatterOfVideo = milliseconds(2);
constexpr Duration kLagInterval = seconds(1);
constexpr std::uint32_t kLagMemory = 60;
// A lag that was learned in less time does not outlive the trust in its reports.
constexpr std::uint32_t kLagSamplesToKeep = 10;
// What has been consistent for as long is believed against the arrivals.
constexpr std::uint32_t kLagSamplesToProve = 30;
constexpr Duration kMostMemory = seconds(200);
// Where a frame would go out before the one in front of it.
constexpr Duration kLeastSpacing = milliseconds(1);
// Cameras and their encoders take long, microphones do not: where reports say the opposite, less is
// believed.
constexpr double kEarlierShare = 0.4;
constexpr std::size_t kMostEvents = 64;

// One standard deviation of what arrivals cannot see: how much longer a camera and its encoder take
// than a microphone and its.
constexpr Duration kUnknownLag = milliseconds(40);
constexpr Duration kLearnedLag = milliseconds(4);

}  // namespace

void Aligner::set_config(const Config& config) {
  if (config.lead != config_.lead && !master())
    lead_ = config.lead;
  config_ = config;
}

Aligner::StreamId Aligner::add_stream(Kind kind) {
  const auto free = std::find_if(streams_.begin(), streams_.end(),
                                 [](const Stream& stream) { return !stream.is_present; });
  auto& stream = free != streams_.end() ? *free : streams_.emplace_back();
  stream = Stream{};
  stream.kind = kind;
  stream.is_present = true;
  stream.reports = ReportLine{kind == Kind::Audio ? kScatterOfAudio : kScatterOfVideo};
  return id_of(stream);
}

void Aligner::remove_stream(StreamId id) {
  auto& stream = streams_[id];
  if (&stream == master())
    lead_ = lead(stream);
  if (stream.is_placed && stream.kind == Kind::Video && &leader(stream) == &stream) {
    for (auto& other : streams_) {
      if (&other != &stream && is_layer(other, stream.ssrc))
        follow_on(other, stream);
    }
  }
  if (stream.is_placed && stream.lag && stream.lag_samples >= kLagSamplesToKeep)
    left_lag_ = stream.lag;
  stream = Stream{};
  if (!master())
    left_lag_.reset();
}

void Aligner::flush(StreamId id) {
  auto& stream = streams_[id];
  stream.waiting.clear();
  stream.suspects.clear();
  stream.ready.clear();
  stream.wait_until.reset();
  stream.continuity.reset();
  stream.is_break = true;
}

// The sound that came first; without any the picture that did.
const Aligner::Stream* Aligner::master() const {
  const Stream* found = nullptr;
  for (const auto& stream : streams_) {
    if (stream.is_present && stream.is_placed &&
        (!found || (found->kind == Kind::Video && stream.kind == Kind::Audio)))
      found = &stream;
  }
  return found;
}

bool Aligner::is_layer(const Stream& stream, std::optional<std::uint32_t> ssrc) {
  return stream.is_present && stream.is_placed && stream.kind == Kind::Video && stream.ssrc == ssrc;
}

// Layers of one source move together.
const Aligner::Stream& Aligner::leader(const Stream& stream) const {
  if (stream.kind == Kind::Audio)
    return stream;
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&stream](const Stream& other) {
    return is_layer(other, stream.ssrc);
  });
  return found != streams_.end() ? *found : stream;
}

// What is known of a source and of where it goes, from one layer to another.
void Aligner::follow_on(Stream& stream, const Stream& layer) {
  static_cast<Course&>(stream) = layer;
}

Duration Aligner::lead() const {
  const auto* const first = master();
  return first ? lead(*first) : lead_;
}

// As the stream that leads has it.
Duration Aligner::lead(const Stream& first) const {
  if (first.kind == Kind::Audio)
    return first.offset - floor(first);
  return first.steering.offset() - floor(first) + first.lag.value_or(config_.video_lag);
}

Duration Aligner::floor(const Stream& stream) const {
  return stream.envelope.floor(now_, memory()).value_or(Duration{0});
}

// The same for all: a change of path moves them together.
Duration Aligner::memory() const {
  double deviation = 0;
  for (const auto& stream : streams_) {
    if (stream.is_present && stream.is_placed)
      deviation = std::max(deviation, stream.envelope.rate_deviation());
  }
  if (deviation <= 0)
    return TransitEnvelope::kLeastMemory;
  // For as long as the rate is known so well that this is the error of what is carried along it.
  const auto longest = std::chrono::duration<double>{TransitEnvelope::kCarriedError / deviation};
  return std::clamp(std::chrono::duration_cast<Duration>(longest), TransitEnvelope::kLeastMemory,
                    kMostMemory);
}

void Aligner::on_unit(StreamId id, const Unit& unit, RunningTime now) {
  now_ = std::max(now_, now);
  auto& stream = streams_[id];
  if (!stream.ssrc) {
    stream.ssrc = unit.ssrc;
    stream.shift = leader(stream).shift;
  }
  const auto transit_now = transit(unit.arrival, unit.media + stream.shift);
  const auto excess =
      transit_now - stream.envelope.floor(unit.arrival, memory()).value_or(transit_now);
  const bool is_new_source = stream.ssrc && *stream.ssrc != unit.ssrc;
  const auto verdict =
      stream.continuity.on_unit({unit.media, unit.arrival, excess, is_new_source,
                                 is_shared_delay(stream, unit, excess), !stream.is_placed});
  stream.newest_arrival = unit.arrival;
  stream.newest_excess = excess;
  using Verdict = Continuity::Verdict;
  switch (verdict) {
    case Verdict::Held:
      stream.suspects.push_back(unit);
      break;
    case Verdict::Stray:
      drop_suspects(stream);
      if (stream.continuity.is_holding())
        stream.suspects.push_back(unit);
      else
        accept(stream, unit);
      break;
    case Verdict::Leapt:
    case Verdict::StoodStill:
      stream.suspects.push_back(unit);
      rebase(stream, stream.continuity.excess());
      release_suspects(stream);
      break;
    case Verdict::Flows:
    case Verdict::Late:
    case Verdict::Recovered:
      release_suspects(stream);
      if (stream.continuity.is_holding())
        stream.suspects.push_back(unit);
      else
        accept(stream, unit);
      break;
  }
  place_if_due(stream);
}

void Aligner::on_time(RunningTime now) {
  now_ = std::max(now_, now);
  for (auto& stream : streams_) {
    if (!stream.is_present)
      continue;
    judge(stream, now_);
    place_if_due(stream);
  }
}

// Of those that are held, when nothing more has come.
void Aligner::judge(Stream& stream, RunningTime at) {
  switch (stream.continuity.on_time(at)) {
    case Continuity::Verdict::Leapt:
    case Continuity::Verdict::StoodStill:
      rebase(stream, stream.continuity.excess());
      release_suspects(stream);
      break;
    case Continuity::Verdict::Recovered:
      release_suspects(stream);
      break;
    default:
      break;
  }
}

std::optional<RunningTime> Aligner::next_deadline() const {
  std::optional<RunningTime> next;
  const auto consider = [&next](std::optional<RunningTime> at) {
    if (at && (!next || *at < *next))
      next = at;
  };
  for (const auto& stream : streams_) {
    if (!stream.is_present)
      continue;
    consider(stream.continuity.deadline());
    if (!stream.is_placed)
      consider(stream.wait_until);
  }
  return next;
}

void Aligner::end(StreamId id, RunningTime now) {
  now_ = std::max(now_, now);
  auto& stream = streams_[id];
  if (const auto deadline = stream.continuity.deadline())
    judge(stream, *deadline);
  stream.continuity.reset();
  if (!stream.is_placed && !stream.waiting.empty())
    place(stream);
}

std::optional<Aligner::Placed> Aligner::take(StreamId id) {
  auto& ready = streams_[id].ready;
  if (ready.empty())
    return std::nullopt;
  const auto placed = ready.front();
  ready.pop_front();
  return placed;
}

std::optional<Aligner::Event> Aligner::take_event() {
  if (events_.empty())
    return std::nullopt;
  const auto event = events_.front();
  events_.pop_front();
  return event;
}

// Another stream is late too, or fell silent when this one did: the network, not the sender.
bool Aligner::is_shared_delay(const Stream& stream, const Unit& unit, Duration excess) const {
  for (const auto& other : streams_) {
    // Layers of one source bear no witness to each other.
    const bool is_layer =
        other.kind == Kind::Video && stream.kind == Kind::Video && other.ssrc == stream.ssrc;
    if (&other == &stream || is_layer || !other.is_present || !other.newest_arrival)
      continue;
    const bool is_late = other.newest_excess > excess / kSharedPart &&
                         unit.arrival - *other.newest_arrival < Continuity::kPatience;
    const bool fell_silent =
        stream.newest_arrival && unit.arrival - *stream.newest_arrival > Continuity::kSuspicion &&
        std::chrono::abs(*other.newest_arrival - *stream.newest_arrival) <= kSilentTogether;
    if (is_late || fell_silent)
      return true;
  }
  return false;
}

void Aligner::accept(Stream& stream, const Unit& unit) {
  stream.ssrc = unit.ssrc;
  const auto media = unit.media + stream.shift;
  stream.envelope.on_sample(unit.arrival, transit(unit.arrival, media));
  stream.reports.set_prior_slope(stream.envelope.rate());
  note_report(stream, unit, media);
  const Pending pending{
      .id = unit.id, .media = media, .is_break = std::exchange(stream.is_break, false)};
  if (stream.is_placed) {
    emit(stream, pending);
    return;
  }
  if (!stream.wait_until)
    stream.wait_until = now_ + kStartHold;
  stream.waiting.push_back(pending);
}

void Aligner::note_report(Stream& stream, const Unit& unit, MediaTime media) {
  if (!unit.ntp)
    return;
  // The same report goes on over a break of the media clock, and would be wrong behind it.
  const auto report = unit.ntp->time_since_epoch() - unit.media.time_since_epoch();
  if (stream.are_captures != unit.is_captured)
    begin_reports(stream, unit.is_captured, media, report - stream.shift);
  EarliestCapture::Found said{media, report - stream.shift};
  if (unit.is_captured) {
    const auto earliest = stream.captures.on_capture(said.media, said.offset);
    if (!earliest)
      return;
    said = *earliest;
  } else {
    if (stream.newest_report && std::chrono::abs(report - *stream.newest_report) <= kSameReport)
      return;
    stream.newest_report = report;
  }
  stream.report_arrival = unit.arrival;
  ++stream.report_count;
  stream.reports.on_report(said.media, said.offset);
}

// Sender reports and capture times are told by one clock, and yet are off by some ms in ways of their
// own: the other kind is another line, and no step of that clock. If it says something else, it has
// yet to prove it.
void Aligner::begin_reports(Stream& stream, bool are_captures, MediaTime media, Duration offset) {
  const bool goes_on = stream.reports.agreeing() > 0 &&
                       std::chrono::abs(offset - stream.reports.offset(media)) <= kSameStep;
  stream.reports.reset();
  stream.captures.reset();
  stream.newest_report.reset();
  stream.are_captures = are_captures;
  if (goes_on)
    return;
  for (auto& other : streams_) {
    if (&other == &stream || stream.kind == Kind::Audio)
      other.is_proven = false;
  }
}

void Aligner::release_suspects(Stream& stream) {
  while (!stream.suspects.empty()) {
    accept(stream, stream.suspects.front());
    stream.suspects.pop_front();
  }
}

void Aligner::drop(Stream& stream, std::uint64_t id) {
  stream.ready.push_back({.id = id, .is_dropped = true});
  ++stream.dropped;
}

void Aligner::drop_suspects(Stream& stream) {
  for (const auto& unit : stream.suspects) {
    if (stream.waiting.empty())
      drop(stream, unit.id);
    else
      stream.waiting.push_back({.id = unit.id, .is_dropped = true});
  }
  stream.suspects.clear();
}

// The new media time goes on where the old one would be by now, as arrivals tell.
void Aligner::rebase(Stream& stream, Duration by) {
  if (stream.kind == Kind::Video && stream.is_placed && !stream.suspects.empty()) {
    if (const auto& source = leader(stream); &source != &stream)
      follow_on(stream, source);
    // Another layer may have gone there before.
    for (const auto& other : streams_) {
      const auto ssrc = stream.suspects.back().ssrc;
      const bool is_there = ssrc != stream.ssrc || std::chrono::abs(other.shift - stream.shift -
                                                                    by) <= Continuity::kSuspicion;
      if (&other == &stream || !is_layer(other, ssrc) || !is_there)
        continue;
      follow_on(stream, other);
      by = other.shift - stream.shift;
      break;
    }
  }
  stream.shift += by;
  auto newest = stream.newest_media;
  for (const auto& unit : stream.waiting) {
    if (!unit.is_dropped)
      newest = newest ? std::max(*newest, unit.media) : unit.media;
  }
  if (newest && !stream.suspects.empty()) {
    // Never into what has gone out already, or will.
    const auto least = *newest + std::max(stream.interval, kLeastSpacing);
    const auto first = stream.suspects.front().media + stream.shift;
    stream.shift += std::max(Duration{0}, least - first);
  }
  stream.reports.reset();
  stream.captures.reset();
  stream.is_break = true;
  ++stream.rebases;
  for (auto& other : streams_) {
    if (!other.newest_media || (&other != &stream && stream.kind != Kind::Audio))
      continue;
    other.steering.settle(*other.newest_media);
    other.is_proven = false;
  }
  tell({Event::Type::Rebase, id_of(stream), by, stream.source});
}

void Aligner::place_if_due(Stream& stream) {
  if (!stream.is_placed && stream.wait_until && now_ >= *stream.wait_until)
    place(stream);
}

void Aligner::place(Stream& stream) {
  const auto* const first = master();
  // Without samples: the first of its own takes the place of it.
  if (stream.kind == Kind::Video && !stream.lag)
    stream.lag = left_lag_;
  const auto lag = stream.lag.value_or(config_.video_lag);
  auto media = stream.waiting.empty() ? MediaTime{} : stream.waiting.front().media;
  for (const auto& unit : stream.waiting)
    media = unit.is_dropped ? media : std::min(media, unit.media);
  Duration offset;
  if (!first) {
    // Nothing may go out before running time zero.
    const bool is_audio = stream.kind == Kind::Audio;
    offset = std::max(lead_ + floor(stream) - (is_audio ? Duration{0} : lag),
                      (is_audio ? config_.audio_delay : Duration{0}) - media.time_since_epoch());
  } else if (first->kind == stream.kind) {
    const auto first_offset = first->kind == Kind::Audio ? first->offset : first->steering.offset();
    offset = first_offset - floor(*first) + floor(stream);
  } else if (stream.kind == Kind::Audio) {
    // Where the picture is right already.
    offset = lead(*first) + floor(stream);
  } else {
    offset = target(*first, stream, media);
  }
  const auto& source = leader(stream);
  stream.is_placed = true;
  if (stream.kind == Kind::Audio)
    stream.offset = offset;
  else if (&source != &stream)
    follow_on(stream, source);
  else
    stream.steering.place(media, offset);
  for (const auto& unit : stream.waiting) {
    if (unit.is_dropped)
      drop(stream, unit.id);
    else
      emit(stream, unit);
  }
  stream.waiting.clear();
}

void Aligner::emit(Stream& stream, const Pending& unit) {
  stream.is_break = stream.is_break || unit.is_break;
  Placed placed{.id = unit.id, .is_break = stream.is_break};
  if (stream.kind == Kind::Audio)
    placed.time = RunningTime{unit.media.time_since_epoch() + stream.offset - config_.audio_delay};
  else
    place_video(stream, unit.media, placed);
  if (stream.kind == Kind::Audio && placed.time < RunningTime{}) {
    // Another stream than the first, and its first packets were late. A hole is better than a lie.
    drop(stream, unit.id);
    return;
  }
  if (!stream.newest_media || unit.media > *stream.newest_media) {
    if (stream.newest_media && !stream.is_break)
      stream.interval = unit.media - *stream.newest_media;
    stream.newest_media = unit.media;
    stream.newest_out = placed.time;
  }
  placed.interval = stream.interval;
  stream.ready.push_back(placed);
  stream.is_break = false;
}

void Aligner::place_video(Stream& stream, MediaTime media, Placed& placed) {
  if (stream.newest_media && media == *stream.newest_media) {
    placed.time = stream.newest_out;
    return;
  }
  auto& source = streams_[id_of(leader(stream))];
  const auto* const first = master();
  Duration aim = source.steering.offset();
  double rate = 0;
  if (first && first->kind == Kind::Audio) {
    aim = target(*first, source, media);
    rate = source.source != Source::Arrival ? source.reports.slope() - first->reports.slope()
                                            : source.envelope.rate() - first->envelope.rate();
  }
  const auto before = source.steering.offset();
  const auto steps = source.steering.steps();
  const auto offset = source.steering.follow(media, aim, rate);
  source.error = aim - source.steering.offset();
  if (source.steering.steps() != steps)
    placed.step = offset - before;
  placed.time = RunningTime{media.time_since_epoch() + offset};
  // There is nothing before zero, and the first frames are those that others refer to.
  const bool is_newer = stream.newest_media && media > *stream.newest_media;
  const auto least = is_newer ? stream.newest_out + kLeastSpacing : RunningTime{};
  if (placed.time < least) {
    placed.time = least;
    placed.is_squeezed = true;
    ++stream.squeezed;
  }
}

void Aligner::tell(const Event& event) {
  if (events_.size() < kMostEvents)
    events_.push_back(event);
}

// Where the picture belongs by arrivals, had it no lag.
Duration Aligner::arrival_target(const Stream& audio, const Stream& video) const {
  return audio.offset - floor(audio) + floor(video);
}

// Both say when they were captured by the same wall clock.
Duration Aligner::report_target(const Stream& audio, const Stream& video, MediaTime media) {
  const auto captured = media.time_since_epoch() + video.reports.least_offset(media);
  // The sound's line bends so little that its newest media time is near enough.
  const auto near = audio.newest_media.value_or(MediaTime{});
  const MediaTime sound{captured - audio.reports.least_offset(near)};
  const auto at = captured - audio.reports.least_offset(sound);
  return at + audio.offset - media.time_since_epoch();
}

// The sender's wall clock was set: both streams' reports step by the same, each at its own next
// reports. Until then, or until the other has shown that it does not, their difference means nothing.
bool Aligner::are_settled(const Stream& audio, Stream& video) const {
  const bool audio_stepped = audio.reports.line() != video.audio_line;
  const bool video_stepped = video.reports.line() != video.video_line;
  if (!audio_stepped && !video_stepped)
    return true;
  const auto& other = audio_stepped ? video : audio;
  if (!video.unsettled_since) {
    video.unsettled_since = now_;
    video.settles_at_report = other.report_count + 1;
  }
  const bool both = audio_stepped && video_stepped &&
                    std::chrono::abs(audio.reports.step() - video.reports.step()) <= kSameStep;
  const bool only_one = audio_stepped != video_stepped &&
                        other.report_count >= video.settles_at_report &&
                        !other.reports.is_in_doubt();
  if (!both && !only_one && now_ - *video.unsettled_since < kSettling)
    return false;
  video.audio_line = audio.reports.line();
  video.video_line = video.reports.line();
  video.is_proven = video.is_proven && both;
  video.unsettled_since.reset();
  return true;
}

// They are there; `video.disagreement` says how far they are from the arrivals.
bool Aligner::are_reports_usable(const Stream& audio, Stream& video) {
  if (config_.trust == Trust::Always)
    return true;
  if (!audio.reports.is_consistent() || !video.reports.is_consistent() ||
      now_ - audio.report_arrival > kReportsGone || now_ - video.report_arrival > kReportsGone ||
      !are_settled(audio, video))
    return false;
  // Negative where the picture takes longer than the sound. What has been right for a while stays so
  // until it steps: it is the path that has changed.
  const bool agree =
      video.is_proven || (-*video.disagreement <= config_.most_disagreement &&
                          *video.disagreement <= kEarlierShare * config_.most_disagreement);
  if (!agree && !video.has_told_disagreement)
    tell({Event::Type::Disagreement, id_of(video), *video.disagreement, video.source});
  video.has_told_disagreement = !agree;
  return agree;
}

void Aligner::learn_lag(Stream& video, Duration lag) {
  if (video.lag_samples > 0 && now_ - video.lag_learned_at < kLagInterval)
    return;
  video.lag_learned_at = now_;
  video.lag_samples = std::min(video.lag_samples + 1, kLagMemory);
  video.is_proven = video.lag_samples >= kLagSamplesToProve;
  video.lag = video.lag ? *video.lag + (lag - *video.lag) / video.lag_samples : lag;
}

// Its reports agree so badly that they were made of arrivals. Garbage among good ones is another matter.
bool Aligner::is_refuted(const Stream& stream) {
  return stream.reports.agreeing() > 0 && stream.reports.is_scattered();
}

Duration Aligner::target(const Stream& audio, Stream& video, MediaTime media) {
  const auto by_arrival = arrival_target(audio, video);
  video.disagreement.reset();
  if (config_.trust != Trust::Never && audio.reports.agreeing() > 0 && video.reports.agreeing() > 0)
    video.disagreement = report_target(audio, video, media) - by_arrival;
  auto source = Source::Arrival;
  if (video.disagreement && are_reports_usable(audio, video))
    source = audio.are_captures && video.are_captures ? Source::Capture : Source::Report;
  if (source != video.source) {
    video.source = source;
    video.steering.hurry(media);
    tell({Event::Type::Source, id_of(video), Duration{0}, source});
  }
  // It may show only after they were no longer believed.
  if (source == Source::Arrival && (is_refuted(audio) || is_refuted(video))) {
    video.is_proven = false;
    if (video.lag_samples < kLagSamplesToKeep) {
      video.lag.reset();
      video.lag_samples = 0;
    }
  }
  if (source == Source::Arrival)
    return by_arrival - video.lag.value_or(config_.video_lag);
  learn_lag(video, -*video.disagreement);
  return by_arrival + *video.disagreement;
}

Aligner::StreamStats Aligner::stats(StreamId id) const {
  const auto& stream = streams_[id];
  // What places it.
  const auto& source = stream.is_placed ? leader(stream) : stream;
  StreamStats stats;
  stats.kind = stream.kind;
  stats.ssrc = stream.ssrc.value_or(0);
  stats.is_placed = stream.is_placed;
  stats.is_master = &stream == master();
  stats.source = source.source;
  const auto offset = stream.kind == Kind::Audio ? stream.offset : source.steering.offset();
  stats.offset = offset + stream.shift;
  stats.error = source.error;
  if (stream.is_placed)
    stats.delay = offset - floor(stream);
  stats.rate_ppm = -stream.envelope.rate() * 1e6;
  stats.rate_deviation_ppm = stream.envelope.rate_deviation() * 1e6;
  stats.learned_lag = source.lag.value_or(Duration{0});
  stats.disagreement = source.disagreement;
  stats.reports = stream.report_count;
  stats.report_scatter = source.reports.scatter();
  stats.confidence = source.source != Source::Arrival
                         ? std::max(source.reports.scatter(), Duration{milliseconds(1)})
                         : (source.lag ? kLearnedLag : kUnknownLag);
  stats.rebases = stream.rebases;
  stats.slews = source.steering.slews();
  stats.steps = source.steering.steps();
  stats.squeezed = stream.squeezed;
  stats.dropped = stream.dropped;
  stats.held = stream.waiting.size() + stream.suspects.size();
  return stats;
}

std::optional<Aligner::Mapping> Aligner::mapping(RunningTime now) const {
  const auto* const first = master();
  if (!first)
    return std::nullopt;
  auto transit_now = first->envelope.floor(now, memory()).value_or(Duration{0});
  auto offset = first->offset;
  if (first->kind == Kind::Video) {
    transit_now -= first->lag.value_or(config_.video_lag);
    offset = first->steering.offset();
  }
  const MediaTime media{now.time_since_epoch() - transit_now};
  Mapping mapping;
  mapping.output = RunningTime{media.time_since_epoch() + offset};
  mapping.receiver = now;
  if (first->reports.is_consistent())
    mapping.sender = NtpTime{media.time_since_epoch() + first->reports.offset(media)};
  return mapping;
}

}  // namespace onair
