// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/rtp_header.hpp"

#include <cstddef>

namespace onair {
namespace {

constexpr std::size_t kFixedSize = 12;
constexpr std::size_t kExtensionHeaderSize = 4;
// Of the first byte.
constexpr unsigned kHasPadding = 0x20;
constexpr unsigned kHasExtensions = 0x10;

constexpr std::uint16_t kOneByteForm = 0xbede;
constexpr std::uint16_t kTwoByteForm = 0x1000;  // and any lower four bits
constexpr std::uint8_t kPadding = 0;
constexpr std::uint8_t kStop = 15;  // of the one-byte form

std::uint16_t read16(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

}  // namespace

std::optional<RtpHeader> read_rtp_header(std::span<const std::uint8_t> packet) {
  if (packet.size() < kFixedSize || packet[0] >> 6 != 2)
    return std::nullopt;
  std::size_t size = kFixedSize + 4u * (packet[0] & 0x0fu);
  RtpHeader header{.payload_type = static_cast<std::uint8_t>(packet[1] & 0x7f),
                   .sequence = read16(packet.subspan(2)),
                   .ssrc = static_cast<std::uint32_t>(read16(packet.subspan(8))) << 16 |
                           read16(packet.subspan(10)),
                   .profile = 0,
                   .extensions = {},
                   .payload = {}};
  if ((packet[0] & kHasExtensions) != 0) {
    if (packet.size() < size + kExtensionHeaderSize)
      return std::nullopt;
    const std::size_t length = 4u * read16(packet.subspan(size + 2));
    if (packet.size() < size + kExtensionHeaderSize + length)
      return std::nullopt;
    header.profile = read16(packet.subspan(size));
    header.extensions = packet.subspan(size + kExtensionHeaderSize, length);
    size += kExtensionHeaderSize + length;
  }
  const std::size_t padding = (packet[0] & kHasPadding) != 0 ? packet.back() : 0;
  if (packet.size() < size + padding)
    return std::nullopt;
  header.payload = packet.subspan(size, packet.size() - size - padding);
  return header;
}

std::optional<std::string_view> extension_text(const RtpHeader& header, std::uint8_t id) {
  const bool is_one_byte = header.profile == kOneByteForm;
  if (!is_one_byte && (header.profile & 0xfff0) != kTwoByteForm)
    return std::nullopt;
  auto rest = header.extensions;
  while (!rest.empty()) {
    const auto first = rest[0];
    if (first == kPadding) {
      rest = rest.subspan(1);
      continue;
    }
    const std::uint8_t found = is_one_byte ? first >> 4 : first;
    if (is_one_byte && found == kStop)
      return std::nullopt;
    const std::size_t head = is_one_byte ? 1 : 2;
    if (rest.size() < head)
      return std::nullopt;
    const std::size_t length = is_one_byte ? (first & 0x0fu) + 1u : rest[1];
    if (rest.size() < head + length)
      return std::nullopt;
    if (found == id)
      return std::string_view{reinterpret_cast<const char*>(rest.data()) + head, length};
    rest = rest.subspan(head + length);
  }
  return std::nullopt;
}

}  // namespace onair
