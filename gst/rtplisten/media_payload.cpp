// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_payload.hpp"

#include <cstddef>
#include <optional>

namespace onair::rtplisten {
namespace {

using Bytes = std::span<const std::uint8_t>;

// H.264 table 7-1: 16 to 18, 22 and 23 are reserved, and 0 is not specified.
bool is_nal_type(unsigned type) {
  return (type >= 1 && type <= 15) || (type >= 19 && type <= 21);
}

// With forbidden_zero_bit as it has to be.
bool begins_nal(std::uint8_t header) {
  return (header & 0x80) == 0 && is_nal_type(header & 0x1fu);
}

bool is_stap_a(Bytes payload) {
  Bytes rest = payload.subspan(1);
  while (rest.size() > 2) {
    const std::size_t size = static_cast<std::size_t>(rest[0]) << 8 | rest[1];
    if (size == 0 || size > rest.size() - 2 || !begins_nal(rest[2]))
      return false;
    rest = rest.subspan(2 + size);
  }
  return rest.empty() && payload.size() > 1;
}

bool is_fu_a(Bytes payload) {
  constexpr unsigned kStart = 0x80;
  constexpr unsigned kEnd = 0x40;
  constexpr unsigned kReserved = 0x20;
  if (payload.size() < 3 || (payload[1] & kReserved) != 0 || !is_nal_type(payload[1] & 0x1fu))
    return false;
  return (payload[1] & kStart) == 0 || (payload[1] & kEnd) == 0;  // RFC 6184 section 5.8
}

// RFC 6716 section 3.2.1; takes the length off `rest`.
std::optional<std::size_t> take_length(Bytes& rest) {
  if (rest.empty())
    return std::nullopt;
  if (rest[0] < 252) {
    const std::size_t length = rest[0];
    rest = rest.subspan(1);
    return length;
  }
  if (rest.size() < 2)
    return std::nullopt;
  const std::size_t length = rest[1] * std::size_t{4} + rest[0];
  rest = rest.subspan(2);
  return length;
}

constexpr std::size_t kMostFrameBytes = 1275;

// In units of 2.5 ms, by RFC 6716 table 2.
unsigned frame_length(std::uint8_t toc) {
  const unsigned config = toc >> 3;
  if (config < 12) {  // SILK: 10, 20, 40, 60 ms
    constexpr unsigned kSilk[] = {4, 8, 16, 24};
    return kSilk[config & 3];
  }
  if (config < 16)  // hybrid: 10, 20 ms
    return (config & 1) != 0 ? 8 : 4;
  return 1u << (config & 3);  // CELT: 2.5 to 20 ms
}

// Any number of frames, with padding perhaps (section 3.2.5).
bool is_code_3(std::uint8_t toc, Bytes rest) {
  constexpr unsigned kMostDuration = 48;  // 120 ms
  if (rest.empty())
    return false;
  const bool has_vbr = (rest[0] & 0x80) != 0;
  const bool has_padding = (rest[0] & 0x40) != 0;
  const unsigned frames = rest[0] & 0x3fu;
  if (frames == 0 || frames * frame_length(toc) > kMostDuration)
    return false;
  rest = rest.subspan(1);
  std::size_t padding = 0;
  for (bool more = has_padding; more;) {
    if (rest.empty())
      return false;
    more = rest[0] == 255;
    padding += more ? 254u : rest[0];
    rest = rest.subspan(1);
  }
  if (padding > rest.size())
    return false;
  rest = rest.first(rest.size() - padding);
  if (!has_vbr)
    return rest.size() % frames == 0 && rest.size() / frames <= kMostFrameBytes;
  std::size_t total = 0;
  for (unsigned i = 1; i < frames; ++i) {
    const auto length = take_length(rest);
    if (!length)
      return false;
    total += *length;
  }
  return total <= rest.size() && rest.size() - total <= kMostFrameBytes;
}

}  // namespace

bool is_rtcp(Bytes packet) {
  return packet.size() >= 2 && packet[0] >> 6 == 2 && (packet[1] & 0x7f) >= 64 &&
         (packet[1] & 0x7f) <= 95;
}

bool is_h264(Bytes payload) {
  constexpr unsigned kStapA = 24;
  constexpr unsigned kFuA = 28;
  if (payload.empty() || (payload[0] & 0x80) != 0)
    return false;
  switch (payload[0] & 0x1fu) {
    case kStapA:
      return is_stap_a(payload);
    case kFuA:
      return is_fu_a(payload);
    default:
      return payload.size() >= 2 && begins_nal(payload[0]);
  }
}

bool is_opus(Bytes payload) {
  if (payload.empty())
    return false;
  const auto toc = payload[0];
  Bytes rest = payload.subspan(1);
  switch (toc & 3u) {
    case 0:
      return rest.size() <= kMostFrameBytes;
    case 1:
      return rest.size() % 2 == 0 && rest.size() / 2 <= kMostFrameBytes;
    case 2: {
      const auto first = take_length(rest);
      return first && *first <= rest.size() && rest.size() - *first <= kMostFrameBytes;
    }
    default:
      return is_code_3(toc, rest);
  }
}

}  // namespace onair::rtplisten
