// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sender.hpp"

#include <algorithm>
#include <cmath>

namespace onair::sim::sync {

namespace {

constexpr double kEncodeTime = 0.005;
constexpr double kPacingGain = 2.5;  // libwebrtc, PacingController::kDefaultPaceMultiplier
constexpr double kLeastPacing = 1e6;
constexpr double kPayload = 1200;
constexpr double kHeaders = 40;
constexpr std::uint32_t kAudioSize = 160;
constexpr std::uint32_t kReportSize = 90;
constexpr double kDtxInterval = 0.400;  // RFC 7587 section 3.1.3: comfort noise of Opus
constexpr double kKeyInterval = 8;
constexpr double kKeySize = 5;
// libwebrtc: RTCPSender, 5 s for sound and 1 s for picture, each times 0.5 to 1.5 (RFC 3550
// section 6.3.1); the first after about half of it.
constexpr double kAudioReports = 5;
constexpr double kVideoReports = 1;
// RTP time in reports is extrapolated from the newest frame by another clock reading. (Chromium's Web
// Audio hands sound on 10 ms at once, and stamps it up to that much late: see the tests of ReportLine.)
constexpr double kReportNoise = 0.0007;

}  // namespace

Sender draw_sender(const Scenario& scenario, std::uint64_t seed) {
  Random random{mix(scenario, seed)};
  const auto audio = scenario.audio_ppm.value_or(random.uniform(-60, 60));
  const auto video = scenario.video_ppm.value_or(random.uniform(-60, 60));
  return {
      .rate = {clock_rate(Medium::Audio) * (1 + 1e-6 * audio),
               clock_rate(Medium::Video) * (1 + 1e-6 * video)},
      .lag = random.uniform(0.010, 0.120),
      .ntp_at_start = random.uniform(3.9e9, 4.0e9),
      .ntp_ppm = random.uniform(-5, 5),
  };
}

StreamSender::StreamSender(const Scenario& scenario, const Sender& sender, Medium medium,
                           Random random)
    : scenario_{scenario},
      sender_{sender},
      medium_{medium},
      random_{random},
      reports_{random_.fork()},
      next_hold_{random_.uniform(2, 6)},
      ssrc_{static_cast<std::uint32_t>(random_.next())},
      base_{static_cast<std::uint32_t>(random_.next())},
      sequence_{static_cast<std::uint16_t>(random_.next())},
      report_interval_{medium == Medium::Audio ? kAudioReports : kVideoReports} {
  report_at_ = reports_.uniform(0.5, 1.5) * report_interval_ / 2;
}

std::optional<Sent> StreamSender::next() {
  while (queue_.empty() && !is_over_)
    add_unit();
  const auto sent = queue_.empty() ? scenario_.length : queue_.front().sent;
  while (report_at_ <= sent) {
    const auto report = make_report(report_at_);
    report_at_ += reports_.uniform(0.5, 1.5) * report_interval_;
    if (report)
      return report;
  }
  if (queue_.empty())
    return std::nullopt;
  const auto packet = queue_.front();
  queue_.pop_front();
  last_ = {packet.captured, packet.rtp_time};
  return packet;
}

// Sound is counted in samples, so RTP time is contiguous; frames are taken when the camera gives
// them.
void StreamSender::add_unit() {
  const auto n = static_cast<double>(unit_++);
  auto captured = 0.0;
  if (medium_ == Medium::Audio)
    captured = n * std::round(scenario_.audio_interval * clock_rate(medium_)) /
               sender_.rate[index(medium_)];
  else
    captured = (n + 0.3) / scenario_.frame_rate +
               scenario_.capture_jitter * std::clamp(random_.normal(), -3.0, 3.0);
  if (captured >= scenario_.length) {
    is_over_ = true;
    return;
  }
  if (is_silent(captured))
    return;
  for (const auto& sparse : scenario_.sparse) {
    if (sparse.medium != medium_ || captured < sparse.from || captured >= sparse.to)
      continue;
    if (captured < last_sparse_ + kDtxInterval - 1e-6)
      return;
    last_sparse_ = captured;
  }
  restart_if_due(captured);
  if (medium_ == Medium::Audio)
    add_audio(captured);
  else
    add_frame(captured);
}

void StreamSender::add_audio(double captured) {
  const auto sent = captured + scenario_.audio_interval + kEncodeTime;
  queue_.push_back(make_packet(captured, sent, kAudioSize, false));
}

void StreamSender::add_frame(double captured) {
  // A frame takes as long as a packet of sound, the lag, and what encoding it takes.
  auto ready = captured + scenario_.audio_interval + kEncodeTime + lag_at(captured) +
               random_.exponential(0.0015);
  auto rate = std::max(kLeastPacing, kPacingGain * scenario_.bit_rate);
  if (scenario_.weather == Weather::Pacer || scenario_.weather == Weather::Backlog) {
    const auto is_deep = scenario_.weather == Weather::Backlog;
    if (ready > next_hold_) {
      pacer_opens_ = ready + random_.uniform(0.03, is_deep ? 0.9 : 0.2);
      next_hold_ = pacer_opens_ + random_.exponential(is_deep ? 10 : 3);
    }
    if (ready < pacer_opens_) {
      ready = pacer_opens_;
      rate = 20e6;
    }
  }
  const auto frames_per_key = std::max(1.0, kKeyInterval * scenario_.frame_rate);
  const auto mean =
      scenario_.bit_rate / scenario_.frame_rate / 8 / (1 + (kKeySize - 1) / frames_per_key);
  // Scene activity wanders over seconds; the encoder's rate control bounds what becomes of it.
  activity_ = std::clamp(activity_ - 0.02 * activity_ + 0.06 * random_.normal(), -0.7, 0.4);
  auto bytes = mean * std::exp(activity_) * random_.log_normal(0.95, 0.3);
  if (std::fmod(static_cast<double>(unit_ - 1), std::round(frames_per_key)) == 0)
    bytes = mean * kKeySize * random_.log_normal(1.0, 0.15);
  const auto packets = std::max(1, static_cast<int>(std::ceil(bytes / kPayload)));
  const auto size = static_cast<std::uint32_t>(std::max(60.0, bytes / packets) + kHeaders);
  free_at_ = std::max(free_at_, ready);
  for (auto packet = 0; packet < packets; ++packet) {
    queue_.push_back(make_packet(captured, free_at_, size, packet == packets - 1));
    free_at_ += size * 8 / rate;
  }
}

Sent StreamSender::make_packet(double captured, double sent, std::uint32_t size, bool marker) {
  Sent packet;
  packet.medium = medium_;
  packet.sent = sent;
  packet.captured = captured;
  packet.ssrc = ssrc_;
  packet.rtp_time = base_ + static_cast<std::uint32_t>(ticks_at(captured));
  packet.size = size;
  packet.sequence = sequence_++;
  packet.marker = marker;
  return packet;
}

std::optional<Sent> StreamSender::make_report(double at) {
  const auto noise = kReportNoise * std::clamp(reports_.normal(), -3.0, 3.0);
  const auto is_garbage = reports_.chance(1.0 / 7);
  const auto garbage = reports_.uniform();
  const auto garbage_size = reports_.log_normal(1, 2);
  const auto is_lost = reports_.chance(0.5);
  const auto kind = scenario_.reports;
  // Those of a relay are made where packets are seen.
  if (!last_ || kind == Reports::None || is_by_relay(kind) || is_clock_standing(at))
    return std::nullopt;
  if (kind == Reports::Vanishing && at > 60)
    return std::nullopt;
  if (kind == Reports::Lost && is_lost)
    return std::nullopt;
  auto ntp = sender_.ntp_at_start + at * (1 + 1e-6 * sender_.ntp_ppm);
  if (kind == Reports::NtpStep && at >= scenario_.length / 2)
    ntp += 1.5;
  if (medium_ == Medium::Video && kind == Reports::Ahead)
    ntp += 0.3;
  if (medium_ == Medium::Video && kind == Reports::Behind)
    ntp -= 0.3;
  Sent report;
  report.medium = medium_;
  report.sent = at;
  report.captured = at;
  report.ssrc = ssrc_;
  report.size = kReportSize;
  report.rtp_time = last_->rtp_time + static_cast<std::uint32_t>(std::llround(
                                          (at + noise - last_->captured) * clock_rate(medium_)));
  if (kind == Reports::Garbage && is_garbage) {
    if (garbage < 0.2)
      ntp = 0;
    else if (garbage < 0.4)
      report.rtp_time ^= 0x5bd1e995U;
    else
      ntp += (garbage < 0.7 ? 0.2 : -0.2) * garbage_size;
  }
  report.report = NtpTime{Duration{std::llround(ntp * 1e9)}};
  return report;
}

void StreamSender::restart_if_due(double captured) {
  std::size_t due = 0;
  auto is_new_ssrc = false;
  for (const auto& restart : scenario_.restarts) {
    if (restart.medium != medium_ || captured < restart.at)
      continue;
    ++due;
    is_new_ssrc = restart.new_ssrc;
  }
  if (due == restarts_done_)
    return;
  restarts_done_ = due;
  base_ = static_cast<std::uint32_t>(random_.next());
  sequence_ = static_cast<std::uint16_t>(random_.next());
  if (is_new_ssrc)
    ssrc_ = static_cast<std::uint32_t>(random_.next());
}

bool StreamSender::is_silent(double captured) const {
  return std::any_of(scenario_.silences.begin(), scenario_.silences.end(), [&](const Silence& s) {
    return s.medium == medium_ && captured >= s.from && captured < s.to;
  });
}

bool StreamSender::is_clock_standing(double captured) const {
  return std::any_of(scenario_.silences.begin(), scenario_.silences.end(), [&](const Silence& s) {
    return s.clock_stands && s.medium == medium_ && captured >= s.from && captured < s.to;
  });
}

std::int64_t StreamSender::ticks_at(double captured) const {
  auto time = captured + stamp_shift(captured);
  for (const auto& silence : scenario_.silences)
    if (silence.clock_stands && silence.medium == medium_ && captured >= silence.to)
      time -= silence.to - silence.from;
  return std::llround(time * sender_.rate[index(medium_)]);
}

double StreamSender::stamp_shift(double captured) const {
  auto shift = 0.0;
  for (const auto& change : scenario_.switches)
    if (medium_ == Medium::Video && change.is_stamped && captured >= change.at)
      shift += change.by;
  return shift;
}

double StreamSender::lag_at(double captured) const {
  auto lag = sender_.lag;
  for (const auto& change : scenario_.switches)
    if (captured >= change.at)
      lag += change.by;
  return lag;
}

}  // namespace onair::sim::sync
