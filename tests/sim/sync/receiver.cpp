// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receiver.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace onair::sim::sync {

Receiver::Receiver(const Scenario& scenario, std::uint64_t seed)
    : wire_{scenario, seed}, is_framed_{scenario.is_framed} {
  JitterBuffer::Settings settings;
  settings.latency.release = LatencyController::Release::Eager;
  for (auto& stream : streams_)
    stream.buffer.set_settings(settings);
  upcoming_ = wire_.next();
}

std::optional<Released> Receiver::next() {
  while (released_.empty()) {
    const auto limit = upcoming_ ? upcoming_->arrival : RunningTime::max();
    if (const auto medium = due_before(limit)) {
      now_ = std::max(now_, *streams_[index(*medium)].buffer.next_deadline());
      take(*medium, now_);
      continue;
    }
    if (!upcoming_)
      return std::nullopt;
    const auto arrived = *upcoming_;
    upcoming_ = wire_.next();
    arrive(arrived);
  }
  const auto released = released_.front();
  released_.pop_front();
  return released;
}

std::optional<Medium> Receiver::due_before(RunningTime time) const {
  std::optional<Medium> first;
  for (const auto medium : kMedia) {
    const auto deadline = streams_[index(medium)].buffer.next_deadline();
    if (deadline && *deadline < time) {
      time = *deadline;
      first = medium;
    }
  }
  return first;
}

void Receiver::arrive(const Arrived& arrived) {
  now_ = std::max(now_, arrived.arrival);
  auto& stream = streams_[index(arrived.medium)];
  if (arrived.report) {
    take_report(stream, arrived);
    return;
  }
  insert(stream, arrived);
  take(arrived.medium, now_);
}

void Receiver::insert(Stream& stream, const Arrived& arrived) {
  const auto token = ++token_;
  stream.packets.emplace(token, arrived);
  const auto outcome = stream.buffer.insert({
      .token = token,
      .ssrc = arrived.ssrc,
      .sequence = arrived.sequence,
      .rtp_time = arrived.rtp_time,
      .clock_rate = clock_rate(arrived.medium),
      .size = arrived.size,
      .marker = arrived.marker,
      .retransmission = arrived.is_repair,
      .arrival = arrived.arrival,
  });
  if (outcome != JitterBuffer::Insert::Queued)
    stream.packets.erase(token);
  for (const auto gone : stream.buffer.discarded())
    stream.packets.erase(gone);
  if (std::exchange(stream.generation, stream.buffer.stream()) != stream.buffer.stream())
    stream.report.reset();  // it spoke of another time line
  if (const auto pending = std::exchange(stream.pending_report, std::nullopt))
    take_report(stream, *pending);
}

void Receiver::take_report(Stream& stream, const Arrived& arrived) {
  const auto& clock = stream.buffer.clock();
  if (!clock.is_anchored()) {
    stream.pending_report = arrived;
    return;
  }
  stream.report = SenderReport{arrived.ssrc, clock.unroll(arrived.rtp_time), *arrived.report};
}

void Receiver::take(Medium medium, RunningTime now) {
  auto& stream = streams_[index(medium)];
  while (const auto output = stream.buffer.take(now)) {
    const auto* release = std::get_if<JitterBuffer::Release>(&*output);
    if (!release)
      continue;
    const auto packet = stream.packets.extract(release->token).mapped();
    Released released{
        .medium = medium,
        .now = now,
        .captured = packet.captured,
        .unit = {.media = release->media, .arrival = release->arrival, .ssrc = release->ssrc},
    };
    if (stream.report && stream.report->ssrc == release->ssrc)
      released.unit.ntp = stream.report->ntp_at(release->ticks, release->clock_rate);
    hand_out(stream, released, packet.marker);
  }
}

// Packets, or frames where those are made before: with the times of their last packet.
void Receiver::hand_out(Stream& stream, Released released, bool is_last) {
  const auto out = [this](Released& unit) {
    unit.unit.id = id_++;
    released_.push_back(unit);
  };
  if (!is_framed_ || released.medium == Medium::Audio) {
    out(released);
    return;
  }
  if (stream.frame && stream.frame->captured != released.captured) {
    stream.frame->now = released.now;
    out(*stream.frame);
  }
  stream.frame = released;
  if (is_last) {
    out(*stream.frame);
    stream.frame.reset();
  }
}

}  // namespace onair::sim::sync
