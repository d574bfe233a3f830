// SPDX-License-Identifier: LGPL-2.1-or-later
#include "learned_stream.hpp"

#include <algorithm>

#include "media_payload.hpp"

namespace onair::rtplisten {

const char* to_string(Refusal why) {
  switch (why) {
    case Refusal::NotRtp:
      return "not-rtp";
    case Refusal::Rtcp:
      return "rtcp";
    case Refusal::SourceAddress:
      return "source-address";
    case Refusal::Sender:
      return "sender";
    case Refusal::Ssrc:
      return "ssrc";
    case Refusal::PayloadType:
      return "payload-type";
    case Refusal::Payload:
      return "payload";
    case Refusal::Stray:
      return "stray";
    case Refusal::Ended:
      return "ended";
  }
  return "";
}

LearnedStream::Decision LearnedStream::on_packet(ClockTime now, const Sender& sender,
                                                 std::span<const std::uint8_t> packet) {
  if (is_rtcp(packet))
    return Refuse{Refusal::Rtcp};
  const auto header = read_rtp_header(packet);
  if (!header)
    return Refuse{Refusal::NotRtp};
  const Source from{.sender = sender, .ssrc = header->ssrc, .payload_type = header->payload_type};
  if (config_.ssrc && from.ssrc != *config_.ssrc)
    return Refuse{Refusal::Ssrc};
  if (config_.payload_type && from.payload_type != *config_.payload_type)
    return Refuse{Refusal::PayloadType};
  const bool is_barred = source_ && is_barred_ && source_->ssrc == from.ssrc;
  if (is_barred && is_silent(now)) {
    forget();
  } else if (is_barred) {
    last_ = now;
    return Refuse{Refusal::Ended};
  }
  const bool is_held = source_ && !is_barred_ && (*source_ == from || !is_silent(now));
  return is_held ? follow(now, from) : probe(now, from, *header);
}

LearnedStream::Decision LearnedStream::follow(ClockTime now, const Source& from) {
  if (from.ssrc != source_->ssrc)
    return Refuse{Refusal::Ssrc};
  if (from.sender != source_->sender)
    return Refuse{Refusal::Sender};
  if (from.payload_type != source_->payload_type)
    return Refuse{Refusal::PayloadType};
  if (left_at_ && now - *left_at_ > config_.takeover_time)
    left_at_.reset();  // it has not left after all
  last_ = now;
  return Pass{};
}

LearnedStream::Decision LearnedStream::probe(ClockTime now, const Source& from,
                                             const RtpHeader& header) {
  const bool is_media =
      config_.kind == MediaKind::Video ? is_h264(header.payload) : is_opus(header.payload);
  if (!is_media)
    return Refuse{Refusal::Payload};
  const auto slot = slot_of(from);
  auto& candidate = candidates_.at(slot);
  const bool goes_on = candidate && candidate->source == from &&
                       header.sequence == static_cast<std::uint16_t>(candidate->sequence + 1) &&
                       now - candidate->seen <= kCandidateLife;
  if (!goes_on) {
    strays_ += candidate ? 1 : 0;
    candidate = {.source = from, .sequence = header.sequence, .seen = now};
    return Hold{slot};
  }
  candidate.reset();
  forget();
  source_ = from;
  last_ = now;
  return Learned{slot};
}

// Its own, else a free one, else the one that has waited longest.
std::size_t LearnedStream::slot_of(const Source& from) const {
  const auto rank = [&](const std::optional<Candidate>& candidate) {
    return !candidate ? ClockTime::min() : candidate->seen;
  };
  const auto own = std::find_if(candidates_.begin(), candidates_.end(), [&](const auto& candidate) {
    return candidate && candidate->source == from;
  });
  const auto found =
      own != candidates_.end()
          ? own
          : std::min_element(candidates_.begin(), candidates_.end(),
                             [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return static_cast<std::size_t>(found - candidates_.begin());
}

void LearnedStream::on_bye(ClockTime now, std::uint32_t ssrc) {
  if (source_ && source_->ssrc == ssrc)
    left_at_ = now;
}

void LearnedStream::forget() {
  source_.reset();
  left_at_.reset();
  is_barred_ = false;
  for (auto& candidate : candidates_) {
    strays_ += candidate ? 1 : 0;
    candidate.reset();
  }
}

bool LearnedStream::is_silent(ClockTime now) const {
  return !source_ || left_at_ || now - last_ > config_.takeover_time;
}

}  // namespace onair::rtplisten
