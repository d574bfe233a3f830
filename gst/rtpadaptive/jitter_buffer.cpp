// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jitter_buffer.hpp"

#include <algorithm>

namespace onair {

using namespace std::chrono_literals;

namespace {

// A longer run of lost packets is reported as one.
constexpr std::int64_t kLongestRunOneByOne = 256;

// How long a delay is expected to come again.
constexpr Duration kDelayMemory{10s};

// Until the first repair has told: the first losses would else be given up before it can.
constexpr Duration kAssumedRoundTrip{200ms};

// RTP-Info that is further away from the packets is wrong, as rtpbin has it too.
constexpr Duration kAnnouncedNear{10s};

// Ranges are rounded, and a stall may come at their end too: only silence says that it is the end.
constexpr Duration kSilenceAtTheEnd{1s};

// The token of a slot that holds no packet: padding closes a hole, but nothing goes out.
constexpr PacketQueue::Token kNoToken = 0;

}  // namespace

JitterBuffer::Insert JitterBuffer::insert(const Packet& packet) {
  discarded_.clear();
  if (packet.clock_rate == 0) {
    ++stats_.refused;
    return Insert::Refused;
  }
  const bool other_clock = clock_.rate() != packet.clock_rate;
  if (clock_.rate() == 0)
    clock_.restart(packet.clock_rate);
  const auto when = moment_of(packet);
  const auto decision = tracker_.judge(described(packet, when), settings_.limits);
  if (decision.probation_failed)
    discard_parked();
  switch (decision.verdict) {
    case SourceTracker::Verdict::Start:
      start_stream(packet, packet.sequence, decision.first);
      return enqueue(packet, packet.sequence, moment_of(packet), true);
    case SourceTracker::Verdict::Follow:
      // Payload types with clocks of their own on one SSRC: RTP time has a new meaning.
      if (other_clock && !packet.retransmission && decision.sequence >= queue_.end()) {
        start_stream(packet, decision.sequence);
        return enqueue(packet, decision.sequence, moment_of(packet), true);
      }
      return enqueue(packet, decision.sequence, when, false);
    case SourceTracker::Verdict::Probation:
      parked_.push_back(packet);
      return Insert::Queued;
    case SourceTracker::Verdict::Restart:
      return restart_stream(packet);
    case SourceTracker::Verdict::Leftover:
    case SourceTracker::Verdict::Refuse:
      break;
  }
  ++stats_.refused;
  return Insert::Refused;
}

JitterBuffer::Insert JitterBuffer::enqueue(const Packet& packet, std::int64_t sequence,
                                           const Moment& when, bool starts) {
  // From before the packet that the stream was found by. Its place belongs to the former stream,
  // unless nothing has gone out at all: the first packet to arrive need not be the first.
  const bool is_earlier = sequence < stream_start_;
  if (is_earlier) {
    if (released_media_ || packet.retransmission) {
      ++stats_.late;
      return Insert::Late;
    }
    queue_.start_earlier(sequence);
    stream_start_ = sequence;
  }
  last_arrival_ = std::max(last_arrival_, packet.arrival);
  const auto [ticks, media] = when;
  const bool is_newest = starts || sequence > newest_sequence_;
  const PacketQueue::Packet entry{
      .token = packet.is_empty ? kNoToken : packet.token,
      .media = media,
      .pts = clock_.pts(media),
      .arrival = packet.arrival,
      .ticks = ticks,
      .number = packet.sequence,
      .ssrc = packet.ssrc,
      .clock_rate = packet.clock_rate,
      .size = packet.size,
      .is_empty = packet.is_empty,
      .starts_stream = sequence == stream_start_,
  };
  const std::int64_t expected = queue_.end();
  auto inserted = queue_.insert(sequence, entry);
  if (inserted == PacketQueue::Insert::TooFar) {
    // More holes than can be told apart: the far end is what counts.
    while (!queue_.is_empty() && sequence - queue_.next() >= PacketQueue::kMaxSpan)
      drop_oldest();
    if (sequence - queue_.next() >= PacketQueue::kMaxSpan)
      queue_.skip(sequence - queue_.next());
    inserted = queue_.insert(sequence, entry);
  }
  const auto filled = retransmission_.on_packet(sequence, packet.arrival, packet.retransmission);
  if (filled == Retransmission::Filled::Repaired && retransmission_.round_trip())
    controller_.on_round_trip(*retransmission_.round_trip());
  const bool retransmitted = packet.retransmission || filled == Retransmission::Filled::Repaired;
  if ((packet.arrival_known || starts) && inserted != PacketQueue::Insert::Duplicate)
    controller_.on_packet({.arrival = packet.arrival,
                           .media = media,
                           .sequence = sequence,
                           .marker = packet.marker,
                           .retransmitted = retransmitted});
  switch (inserted) {
    case PacketQueue::Insert::Duplicate:
      ++stats_.duplicates;
      return Insert::Duplicate;
    case PacketQueue::Insert::TooLate:
    case PacketQueue::Insert::TooFar:
      ++stats_.late;
      return Insert::Late;
    case PacketQueue::Insert::Inserted:
      break;
  }
  newest_pts_ = std::max(newest_pts_, entry.pts);
  if (is_newest) {
    if (settings_.do_retransmission && !(starts && sequence == stream_start_)) {
      if (sequence > expected) {
        const std::int64_t count = sequence - expected;
        const MediaTime before =
            starts ? *first_media_ - (media - *first_media_) / count : newest_media_;
        retransmission_.on_hole(expected, count, before, media, packet.arrival);
      }
      retransmission_.on_newest(sequence);
    }
    if (settings_.do_retransmission && settings_.request_next && !packet.retransmission)
      expect_next(packet, sequence, media);
    if (!starts && media > newest_media_)
      packet_spacing_ = (media - newest_media_) / (sequence - newest_sequence_);
    newest_sequence_ = sequence;
    newest_media_ = media;
    clock_.advance(ticks);
    if (packet.arrival_known && !packet.retransmission)
      learn(packet, media);
  }
  make_room();
  if (packet.is_empty) {
    ++stats_.empty;
    return Insert::Empty;
  }
  return Insert::Queued;
}

// Frames of several packets: the next one may be as far away as the next frame is.
void JitterBuffer::expect_next(const Packet& packet, std::int64_t sequence, MediaTime media) {
  const Duration passed = std::max(media - newest_media_, Duration{0});
  const Duration delay = transit(packet.arrival, media) - controller_.floor();
  const double share = std::min(1.0, std::chrono::duration<double>{passed} / kDelayMemory);
  highest_delay_ -= std::chrono::duration_cast<Duration>(highest_delay_ * share);
  highest_delay_ = std::max(delay, highest_delay_);
  if (sequence == newest_sequence_ + 1 && passed > 0ns)
    frame_spacing_ = frame_spacing_ == 0ns     ? passed
                     : frame_spacing_ > passed ? (passed + 3 * frame_spacing_) / 4
                                               : (3 * passed + frame_spacing_) / 4;
  if (frame_spacing_ == 0ns || !packet.arrival_known)
    return retransmission_.expect_nothing();
  const MediaTime next = media + frame_spacing_;
  retransmission_.expect_next(sequence + 1, next,
                              RunningTime{next.time_since_epoch() + controller_.floor()},
                              std::max(highest_delay_ + highest_delay_ / 4, frame_spacing_ / 2));
}

void JitterBuffer::learn(const Packet& packet, MediaTime media) {
  const Duration now = transit(packet.arrival, media);
  if (last_transit_)
    stats_.jitter += (std::chrono::abs(now - *last_transit_) - stats_.jitter) / 16;
  last_transit_ = now;
  clock_.steer(media, drift());
}

void JitterBuffer::expect(const PlayRange& range) {
  range_ = range;
  tracker_.expect(range.first_sequence);
  if (clock_.is_anchored())
    find_end(announced_media(newest_media_));
}

void JitterBuffer::find_end(std::optional<MediaTime> announced) {
  end_media_.reset();
  if (announced && range_.length)
    end_media_ = *announced + *range_.length;
}

std::optional<RunningTime> JitterBuffer::ends_at() const {
  if (!end_media_)
    return std::nullopt;
  return std::max(clock_.pts(*end_media_) + settings_.latency.max_latency,
                  last_arrival_ + kSilenceAtTheEnd);
}

std::optional<MediaTime> JitterBuffer::announced_media(MediaTime near) const {
  if (!range_.first_rtp_time)
    return std::nullopt;
  const MediaTime media = clock_.media_time(clock_.unroll(*range_.first_rtp_time));
  return std::chrono::abs(media - near) <= kAnnouncedNear ? std::optional{media} : std::nullopt;
}

std::optional<std::int64_t> JitterBuffer::announced_ticks() const {
  return clock_.is_anchored() && announced_media(newest_media_)
             ? std::optional{clock_.unroll(*range_.first_rtp_time)}
             : std::nullopt;
}

void JitterBuffer::start_stream(const Packet& packet, std::int64_t sequence,
                                std::optional<std::int64_t> first) {
  clock_.restart(packet.clock_rate);
  const std::int64_t ticks = clock_.unroll(packet.rtp_time);
  clock_.advance(ticks);
  const MediaTime media = clock_.media_time(ticks);
  // A new stream never goes back behind the old one.
  const bool is_first = is_untouched();
  clock_.anchor(ticks, is_first ? packet.arrival : std::max(packet.arrival, newest_pts_));
  const auto announced = announced_media(media);
  if (range_.first_rtp_time && !announced)
    first.reset();  // its sequence number is no better
  find_end(announced);
  stream_start_ = first.value_or(sequence);
  first_media_.reset();
  if (stream_start_ < sequence) {
    first_media_ = std::min(announced.value_or(media), media);
    // Whichever goes out first says so.
    resync_ = stats_.pushed > 0;
  }
  if (is_first)
    queue_.start(stream_start_);
  ++stream_;
  tracker_.restart(described(packet, {ticks, media}), sequence, first);
  controller_.reset();
  if (settings_.do_retransmission)
    controller_.on_round_trip(retransmission_.round_trip().value_or(kAssumedRoundTrip));
  retransmission_.reset();
  newest_sequence_ = sequence;
  number_offset_ = sequence - packet.sequence;
  newest_media_ = media;
  packet_spacing_ = frame_spacing_ = highest_delay_ = 0ns;
  last_transit_.reset();
}

JitterBuffer::Insert JitterBuffer::restart_stream(const Packet& packet) {
  ++stats_.restarts;
  parked_.push_back(packet);
  // Behind everything that still waits; the old stream goes out as it was due.
  std::int64_t sequence = queue_.end();
  bool is_first = true;
  auto result = Insert::Queued;
  for (const Packet& each : parked_) {
    if (is_first)
      start_stream(each, sequence);
    else
      tracker_.judge(described(each, moment_of(each)), settings_.limits);
    result = enqueue(each, sequence++, moment_of(each), is_first);
    is_first = false;
    // Those that were kept are no longer the caller's.
    if (result != Insert::Queued && &each != &parked_.back())
      discarded_.push_back(each.token);
  }
  parked_.clear();
  return result;
}

void JitterBuffer::discard_parked() {
  for (const Packet& packet : parked_) {
    discarded_.push_back(packet.token);
    ++stats_.refused;
  }
  parked_.clear();
}

void JitterBuffer::make_room() {
  while (queue_.packets() > settings_.max_packets ||
         (queue_.bytes() > settings_.max_bytes && queue_.packets() > 1))
    drop_oldest();
  if (!settings_.drop_on_latency)
    return;
  const Duration most = settings_.latency.adaptive ? settings_.latency.max_latency
                                                   : settings_.latency.initial_latency;
  while (most > 0ns && queue_.packets() > 1 && *queue_.first() >= stream_start_ &&
         newest_media_ - queue_.packet(*queue_.first()).media >= most)
    drop_oldest();
}

void JitterBuffer::drop_oldest() {
  const std::int64_t first = *queue_.first();
  queue_.skip(first - queue_.next());
  const PacketQueue::Packet& packet = queue_.pop();
  if (packet.token != kNoToken)
    discarded_.push_back(packet.token);
  retransmission_.on_given_up(queue_.next(), last_arrival_);
  went_out(packet.media, packet.pts);
  resync_ = resync_ || (packet.starts_stream && stats_.pushed > 0);
  discont_ = true;
  ++stats_.overflowed;
}

JitterBuffer::Moment JitterBuffer::moment_of(const Packet& packet) const {
  const auto ticks = clock_.unroll(packet.rtp_time);
  return {ticks, clock_.media_time(ticks)};
}

SourceTracker::Packet JitterBuffer::described(const Packet& packet, const Moment& when) const {
  return {
      .ssrc = packet.ssrc,
      .sequence = packet.sequence,
      .arrival = packet.arrival,
      .media = when.media,
      .retransmission = packet.retransmission,
  };
}

Duration JitterBuffer::latency() const {
  return std::max(controller_.latency(), shared_latency_);
}

RunningTime JitterBuffer::due(std::int64_t sequence) const {
  if (sequence < stream_start_)
    return RunningTime::min();
  const PacketQueue::Packet& packet = queue_.packet(sequence);
  const Duration playout = packet.media == released_media_ && !packet.starts_stream
                               ? released_playout_
                               : controller_.floor() + latency();
  // The floor may have risen since the packet came; nothing is held longer than L for that.
  return std::min(RunningTime{packet.media.time_since_epoch() + playout},
                  packet.arrival + latency());
}

JitterBuffer::Between JitterBuffer::missing(std::int64_t nth, std::int64_t behind) const {
  const PacketQueue::Packet& after = queue_.packet(behind);
  if (after.starts_stream)
    return {after.media, after.pts};
  if (!released_media_) {
    const Duration ahead = (after.media - first_media_.value_or(after.media)) *
                           (behind - queue_.next() - nth + 1) / (behind - queue_.next());
    return {after.media - ahead, after.pts - ahead};
  }
  const std::int64_t steps = behind - queue_.next() + 1;
  return {*released_media_ + (after.media - *released_media_) * nth / steps,
          released_pts_ + (after.pts - released_pts_) * nth / steps};
}

void JitterBuffer::went_out(MediaTime media, RunningTime pts) {
  if (media != released_media_)
    released_playout_ = controller_.floor() + latency();
  released_media_ = media;
  released_pts_ = pts;
}

RunningTime JitterBuffer::give_up_at(std::int64_t behind) const {
  // Paced: whoever waits behind it goes when due, and not because of the hole.
  if (settings_.latency.release == LatencyController::Release::Paced || behind < stream_start_)
    return due(behind);
  const MediaTime media = missing(1, behind).media;
  return std::min(RunningTime{media.time_since_epoch() + controller_.floor() + latency()},
                  queue_.packet(behind).arrival + latency());
}

std::optional<JitterBuffer::Output> JitterBuffer::take(RunningTime now) {
  while (const auto first = queue_.first()) {
    if (*first == queue_.next()) {
      const PacketQueue::Packet& head = queue_.packet(*first);
      if (settings_.latency.release == LatencyController::Release::Paced && due(*first) > now)
        return std::nullopt;
      if (!head.is_empty)
        return release_head();
      went_out(head.media, head.pts);
      if (head.starts_stream) {
        discont_ = true;
        resync_ = stats_.pushed > 0;
      }
      queue_.pop();
      continue;
    }
    if (!draining_ && give_up_at(*first) > now)
      return std::nullopt;
    return give_up_head(*first, now);
  }
  return std::nullopt;
}

std::optional<RunningTime> JitterBuffer::next_deadline() const {
  const auto first = queue_.first();
  if (!first)
    return std::nullopt;
  if (*first != queue_.next())
    return draining_ ? RunningTime::min() : give_up_at(*first);
  return settings_.latency.release == LatencyController::Release::Paced ? due(*first)
                                                                        : RunningTime::min();
}

JitterBuffer::Output JitterBuffer::release_head() {
  const PacketQueue::Packet& packet = queue_.pop();
  const Release release{
      .token = packet.token,
      .pts = packet.pts,
      .media = packet.media,
      .arrival = packet.arrival,
      .ticks = packet.ticks,
      .ssrc = packet.ssrc,
      .clock_rate = packet.clock_rate,
      .discont = discont_ || packet.starts_stream,
      .resync = resync_ || (packet.starts_stream && stats_.pushed > 0),
  };
  went_out(packet.media, packet.pts);
  discont_ = resync_ = false;
  ++stats_.pushed;
  return release;
}

JitterBuffer::Output JitterBuffer::give_up_head(std::int64_t behind, RunningTime now) {
  const std::int64_t run = behind - queue_.next();
  const std::int64_t count = run > kLongestRunOneByOne ? run : 1;
  const Between first = missing(1, behind);
  const Between last = missing(count, behind);
  const Lost lost{
      .sequence = static_cast<std::uint16_t>(queue_.packet(behind).number - run),
      .count = count,
      .pts = first.pts,
      .duration = std::max(missing(count + 1, behind).pts - first.pts, Duration{0}),
      .requests = retransmission_.requests_for(queue_.next()),
  };
  queue_.skip(count);
  retransmission_.on_given_up(queue_.next(), std::max(now, last_arrival_));
  went_out(last.media, last.pts);
  discont_ = true;
  stats_.lost += static_cast<std::uint64_t>(count);
  return lost;
}

std::optional<JitterBuffer::Request> JitterBuffer::take_request(RunningTime now) {
  const Duration wait = std::max(latency(), controller_.repair_latency());
  auto request = retransmission_.take_request(now, controller_.floor() + wait);
  if (!request)
    return std::nullopt;
  return Request{*request, static_cast<std::uint16_t>(request->sequence - number_offset_),
                 packet_spacing_};
}

std::optional<RunningTime> JitterBuffer::next_request_at() const {
  return retransmission_.next_request_at();
}

void JitterBuffer::clear() {
  discarded_.clear();
  discard_parked();
  while (const auto first = queue_.first()) {
    queue_.skip(*first - queue_.next());
    const auto& packet = queue_.pop();
    if (packet.token != kNoToken)
      discarded_.push_back(packet.token);
  }
  tracker_.reset();
  // The range holds until another is named, as far as it fits; its first packet was this stream's.
  range_.first_sequence.reset();
  first_media_.reset();
  end_media_.reset();
  last_arrival_ = RunningTime{};
  clock_ = MediaClock{};
  controller_.reset();
  retransmission_.reset();
  queue_.start(0);
  draining_ = false;
  released_media_.reset();
  released_pts_ = newest_pts_ = RunningTime{};
  last_transit_.reset();
  discont_ = true;
  resync_ = false;
}

void JitterBuffer::set_settings(const Settings& settings) {
  settings_ = settings;
  controller_.set_config(settings.latency);
  retransmission_.set_settings(settings.retransmission);
  if (!settings.do_retransmission || !settings.request_next)
    retransmission_.expect_nothing();
}

}  // namespace onair
