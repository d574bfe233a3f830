// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace onair::segments {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kTicksPerSecond = 90'000;

// One PES packet: a picture, or the sound that the muxer puts into one.
struct Unit {
  std::int64_t pts = 0;  // 90 kHz; files of some hours, so that it does not wrap
  std::int64_t dts = 0;
  Bytes payload;
};

// What an MPEG-TS file of one programme holds.
struct TransportStream {
  bool begins_with_tables = false;  // PAT and PMT are in front of everything else
  std::size_t continuity_breaks = 0;
  std::vector<Unit> video;
  std::vector<Unit> audio;
};

// Throw std::runtime_error at what is no MPEG-TS, and at what is not there.
TransportStream read_transport_stream(const Bytes& bytes);
TransportStream read_transport_stream(const std::filesystem::path& file);
Bytes read_file(const std::filesystem::path& file);

// H.264 as a byte stream: whether the first slice is that of an IDR.
bool is_idr(const Bytes& picture);

}  // namespace onair::segments
