// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace onair {

// The fixed header of an RTP packet (RFC 3550 section 5.1), and how much is behind it.
struct RtpHeader {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::size_t payload_size = 0;  // without header extension and padding
  // The header extension (section 5.3.1) without its own header, from the packet's beginning.
  std::uint16_t extension_profile = 0;
  std::size_t extension_offset = 0;
  std::size_t extension_size = 0;  // 0: there is none, or there is nothing in it
};

inline constexpr std::size_t kFixedRtpHeaderSize = 12;
// Fixed part, 15 contributing sources, and the beginning of a header extension.
inline constexpr std::size_t kMaxRtpHeaderSize = 12 + 15 * 4 + 4;

// Of a packet that begins with `first`.
constexpr bool has_extension(std::uint8_t first) {
  return (first & 0x10) != 0;
}
constexpr bool has_padding(std::uint8_t first) {
  return (first & 0x20) != 0;
}

// `head`: the packet's first bytes, kMaxRtpHeaderSize or all; `size`: bytes of the whole packet;
// `last`: its last byte, which counts the padding. Nothing if the packet is truncated, is not RTP
// version 2, or has more padding than room.
std::optional<RtpHeader> parse_rtp_header(std::span<const std::uint8_t> head, std::size_t size,
                                          std::uint8_t last);

}  // namespace onair
