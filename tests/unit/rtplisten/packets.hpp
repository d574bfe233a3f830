// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "learned_stream.hpp"

// What an SFU forwards, packet by packet.
namespace onair::rtplisten::test {

using Bytes = std::vector<std::uint8_t>;

struct Packet {
  std::uint32_t ssrc = 0x1111;
  unsigned payload_type = 102;
  unsigned sequence = 0;
  Bytes payload{0x65, 0x88};  // an IDR slice
};

inline Bytes bytes_of(const Packet& packet) {
  Bytes bytes(12);
  bytes[0] = 0x80;
  bytes[1] = static_cast<std::uint8_t>(packet.payload_type);
  bytes[2] = static_cast<std::uint8_t>(packet.sequence >> 8);
  bytes[3] = static_cast<std::uint8_t>(packet.sequence);
  for (unsigned i = 0; i < 4; ++i)
    bytes[8 + i] = static_cast<std::uint8_t>(packet.ssrc >> (24 - 8 * i));
  bytes.insert(bytes.end(), packet.payload.begin(), packet.payload.end());
  return bytes;
}

inline Sender sender(std::uint8_t last, std::uint16_t port = 5000) {
  Sender sender{.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2}, .port = port};
  sender.address.back() = last;
  return sender;
}

// A decision in a word: "pass", "hold", "learned", or why it was refused.
inline std::string word(const LearnedStream::Decision& decision) {
  if (const auto* refuse = std::get_if<LearnedStream::Refuse>(&decision))
    return to_string(refuse->why);
  if (std::holds_alternative<LearnedStream::Hold>(decision))
    return "hold";
  return std::holds_alternative<LearnedStream::Learned>(decision) ? "learned" : "pass";
}

}  // namespace onair::rtplisten::test
