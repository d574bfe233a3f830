// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "random.hpp"

// What a sender puts on the wire, before the weather.
namespace onair::sim {

enum class Medium { Audio, Video };

// Seconds on the receiver's clock; `captured` is what RTP time stands for.
struct Sending {
  double captured;
  double sent;
  std::uint32_t size;
  bool marker;
};

struct AudioSource {
  double packet_time = 0.020;  // Opus, RFC 7587
  std::uint32_t size = 160;    // about 48 kbit/s and its headers

  [[nodiscard]] std::vector<Sending> send(double length, Random& random) const;
};

struct VideoSource {
  double frame_rate = 30;
  double bit_rate = 1.5e6;
  double key_interval = 2.0;  // seconds; 0: only the first frame is a key frame
  double key_size = 5.0;      // times the mean of the others
  bool is_paced = true;  // spread like libwebrtc's pacer, at 2.5 times the bit rate; or at once

  [[nodiscard]] std::vector<Sending> send(double length, Random& random) const;
};

}  // namespace onair::sim
