// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// RTP packets by hand.
namespace onair::test {

using Bytes = std::vector<std::uint8_t>;
using Extensions = std::vector<std::pair<unsigned, std::string>>;

// What stands behind the fixed header (RFC 8285): the profile, the length, the elements.
inline Bytes extension_block(std::uint16_t profile, Bytes elements) {
  elements.resize((elements.size() + 3) / 4 * 4);
  const auto words = elements.size() / 4;
  Bytes block{static_cast<std::uint8_t>(profile >> 8), static_cast<std::uint8_t>(profile),
              static_cast<std::uint8_t>(words >> 8), static_cast<std::uint8_t>(words)};
  block.insert(block.end(), elements.begin(), elements.end());
  return block;
}

inline Bytes one_byte_extensions(const Extensions& extensions) {
  Bytes elements;
  for (const auto& [id, text] : extensions) {
    elements.push_back(static_cast<std::uint8_t>(id << 4 | (text.size() - 1)));
    elements.insert(elements.end(), text.begin(), text.end());
  }
  return extension_block(0xbede, std::move(elements));
}

inline Bytes two_byte_extensions(const Extensions& extensions) {
  Bytes elements;
  for (const auto& [id, text] : extensions) {
    elements.push_back(static_cast<std::uint8_t>(id));
    elements.push_back(static_cast<std::uint8_t>(text.size()));
    elements.insert(elements.end(), text.begin(), text.end());
  }
  return extension_block(0x1000, std::move(elements));
}

inline Bytes rtp_packet(unsigned payload_type, std::uint32_t ssrc, const Bytes& extensions = {}) {
  Bytes packet(12);
  packet[0] = extensions.empty() ? 0x80 : 0x90;
  packet[1] = static_cast<std::uint8_t>(payload_type);
  for (unsigned i = 0; i < 4; ++i)
    packet[8 + i] = static_cast<std::uint8_t>(ssrc >> (24 - 8 * i));
  packet.insert(packet.end(), extensions.begin(), extensions.end());
  return packet;
}

}  // namespace onair::test
