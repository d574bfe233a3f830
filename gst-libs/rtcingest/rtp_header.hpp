// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace onair {

// What an RTP packet says, as far as telling streams apart needs it.
struct RtpHeader {
  std::uint8_t payload_type = 0;
  std::uint16_t sequence = 0;
  std::uint32_t ssrc = 0;
  std::uint16_t profile = 0;                 // of the header extension
  std::span<const std::uint8_t> extensions;  // within the packet; empty when there are none
  std::span<const std::uint8_t> payload;     // within the packet, without padding
};

// RFC 3550 section 5.1. Nothing when it is no RTP, ends too early, or has more padding than room.
std::optional<RtpHeader> read_rtp_header(std::span<const std::uint8_t> packet);

// The text of the header extension `id` in its one-byte or two-byte form (RFC 8285). Nothing is read
// beyond the extensions, whatever their lengths claim.
std::optional<std::string_view> extension_text(const RtpHeader& header, std::uint8_t id);

}  // namespace onair
