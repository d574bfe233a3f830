// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reception.hpp"

namespace onair::rtplisten {
namespace {

std::optional<LearnedStream> make(const std::optional<LearnedStream::Config>& config) {
  return config ? std::optional{LearnedStream{*config}} : std::nullopt;
}

}  // namespace

Reception::Reception(const Config& config)
    : source_address_{config.source_address},
      audio_{.learned = make(config.audio)},
      video_{.learned = make(config.video)} {}

Reception::Outcome Reception::on_packet(MediaKind kind, ClockTime now, const Sender& sender,
                                        std::span<const std::uint8_t> packet) {
  using Refuse = LearnedStream::Refuse;
  auto& stream = *of(kind).learned;
  Outcome outcome{.decision = Refuse{Refusal::Ended}};
  if (source_address_ && sender.address != *source_address_)
    outcome.decision = Refuse{Refusal::SourceAddress};
  else if (!is_closed_)
    outcome.decision = stream.on_packet(now, sender, packet);
  if (const auto* refuse = std::get_if<Refuse>(&outcome.decision))
    refused_.at(static_cast<std::size_t>(refuse->why))++;
  if (std::holds_alternative<LearnedStream::Learned>(outcome.decision))
    outcome.session = session_of_learned(kind, now);
  else if (std::holds_alternative<LearnedStream::Pass>(outcome.decision))
    outcome.session = session_;
  if (outcome.session != 0)
    outcome.source = *stream.source();
  return outcome;
}

unsigned Reception::session_of_learned(MediaKind kind, ClockTime now) {
  auto& self = of(kind);
  auto& other = of(kind == MediaKind::Audio ? MediaKind::Video : MediaKind::Audio);
  const bool is_other_heard = other.has_joined && !other.learned->is_silent(now);
  if (session_ != 0 && (!self.has_joined || is_other_heard)) {
    self.has_joined = true;
    return session_;
  }
  if (session_ != 0 && other.has_joined)
    other.learned->forget();
  other.has_joined = false;
  self.has_joined = true;
  session_ = ++sessions_;
  return session_;
}

bool Reception::may_report(MediaKind kind, const Sender& sender) const {
  if (is_closed_ || (source_address_ && sender.address != *source_address_))
    return false;
  const auto& stream = of(kind).learned;
  return stream && (!stream->source() || stream->source()->sender.address == sender.address);
}

std::optional<Source> Reception::source(MediaKind kind) const {
  const auto& stream = of(kind);
  return stream.has_joined ? stream.learned->source() : std::nullopt;
}

void Reception::on_bye(MediaKind kind, ClockTime now, std::uint32_t ssrc) {
  if (auto& stream = of(kind).learned)
    stream->on_bye(now, ssrc);
}

void Reception::end(bool is_barred) {
  session_ = 0;
  for (auto* stream : {&audio_, &video_}) {
    stream->has_joined = false;
    if (stream->learned && is_barred)
      stream->learned->bar();
    else if (stream->learned)
      stream->learned->forget();
  }
}

void Reception::close() {
  end(false);
  is_closed_ = true;
}

Reception::Counts Reception::refused() const {
  auto counts = refused_;
  for (const auto* stream : {&audio_, &video_})
    counts.at(static_cast<std::size_t>(Refusal::Stray)) +=
        stream->learned ? stream->learned->strays() : 0;
  return counts;
}

}  // namespace onair::rtplisten
