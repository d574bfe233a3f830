// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source.hpp"

#include <algorithm>
#include <cmath>

namespace onair::sim {

namespace {

constexpr double kPayload = 1200;     // libwebrtc's packet size, kept under every tunnel's MTU
constexpr double kHeaders = 40;       // IP, UDP, RTP
constexpr double kPacingGain = 2.5;   // libwebrtc, PacingController::kDefaultPaceMultiplier
constexpr double kBurstRate = 200e6;  // an unpaced frame leaves as fast as the sender's first link

}  // namespace

std::vector<Sending> AudioSource::send(double length, Random&) const {
  std::vector<Sending> sendings;
  const auto count = static_cast<int>(length / packet_time);
  for (int i = 0; i < count; ++i) {
    const auto at = i * packet_time;
    sendings.push_back({at, at, size, i == 0});
  }
  return sendings;
}

std::vector<Sending> VideoSource::send(double length, Random& random) const {
  std::vector<Sending> sendings;
  const auto frames = static_cast<int>(length * frame_rate);
  const auto frames_per_key =
      key_interval > 0 ? static_cast<int>(std::lround(key_interval * frame_rate)) : frames + 1;
  // A key frame takes its share out of the bit rate.
  const auto mean = bit_rate / frame_rate / 8 / (1 + (key_size - 1) / frames_per_key);
  const auto rate = is_paced ? kPacingGain * bit_rate : kBurstRate;
  double free_at = 0;
  double activity = 0;
  for (int frame = 0; frame < frames; ++frame) {
    const auto captured = frame / frame_rate;
    // Scene activity wanders over seconds; single frames scatter around it.
    activity += -0.02 * activity + 0.06 * random.normal();
    auto bytes = mean * std::exp(activity) * random.log_normal(0.95, 0.3);
    if (frame % frames_per_key == 0)
      bytes = mean * key_size * random.log_normal(1.0, 0.15);
    const auto packets = std::max(1, static_cast<int>(std::ceil(bytes / kPayload)));
    const auto size = static_cast<std::uint32_t>(std::max(60.0, bytes / packets) + kHeaders);
    free_at = std::max(free_at, captured);
    for (int packet = 0; packet < packets; ++packet) {
      sendings.push_back({captured, free_at, size, packet == packets - 1});
      free_at += size * 8 / rate;
    }
  }
  return sendings;
}

}  // namespace onair::sim
