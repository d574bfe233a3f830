// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_header.hpp"

namespace onair {

namespace {

constexpr std::size_t kExtensionHeaderSize = 4;

std::uint16_t read16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::uint32_t read32(const std::uint8_t* at) {
  return std::uint32_t{read16(at)} << 16 | read16(at + 2);
}

}  // namespace

std::optional<RtpHeader> parse_rtp_header(std::span<const std::uint8_t> head, std::size_t size,
                                          std::uint8_t last) {
  if (head.size() < kFixedRtpHeaderSize || head[0] >> 6 != 2)
    return std::nullopt;
  std::size_t header = kFixedRtpHeaderSize + std::size_t{4} * (head[0] & 0x0fu);
  std::uint16_t profile = 0;
  std::size_t extension_offset = header;
  if (has_extension(head[0])) {
    if (head.size() < header + kExtensionHeaderSize)
      return std::nullopt;
    profile = read16(&head[header]);
    extension_offset = header + kExtensionHeaderSize;
    header = extension_offset + std::size_t{4} * read16(&head[header + 2]);
  }
  const std::size_t padding = has_padding(head[0]) ? last : 0;
  if (size < header + padding)
    return std::nullopt;
  return RtpHeader{
      .payload_type = static_cast<std::uint8_t>(head[1] & 0x7f),
      .marker = (head[1] & 0x80) != 0,
      .sequence = read16(&head[2]),
      .timestamp = read32(&head[4]),
      .ssrc = read32(&head[8]),
      .payload_size = size - header - padding,
      .extension_profile = profile,
      .extension_offset = extension_offset,
      .extension_size = header - extension_offset,
  };
}

}  // namespace onair
