// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transport_tables.hpp"

namespace onair {
namespace {

constexpr std::uint8_t kUnitStart = 0x40;
constexpr std::uint8_t kAdaptation = 0x20;
constexpr std::uint8_t kPayload = 0x10;
constexpr std::size_t kHeader = 4;
// A section has 1024 bytes at most (ISO/IEC 13818-1 section 2.4.4), behind a pointer.
constexpr std::size_t kLongestTable = 6 * TransportTables::kPacket;

std::uint16_t pid_of(const std::uint8_t* packet) {
  return static_cast<std::uint16_t>((packet[1] & 0x1f) << 8 | packet[2]);
}

// The program map's packets, by a PAT of one program as muxers write it: pointer, section header of 8
// bytes, programs of 4, of which 0 is the network.
std::uint16_t map_pid(std::span<const std::uint8_t> packet) {
  std::size_t at = kHeader;
  if (packet[3] & kAdaptation)
    at += 1U + packet[at];
  if (at >= packet.size())
    return 0;
  at += 1U + packet[at];
  for (at += 8; at + 4 <= packet.size(); at += 4)
    if (packet[at] != 0 || packet[at + 1] != 0)
      return static_cast<std::uint16_t>((packet[at + 2] & 0x1f) << 8 | packet[at + 3]);
  return 0;
}

}  // namespace

void TransportTables::Table::count(std::uint8_t* packet) {
  packet[3] = static_cast<std::uint8_t>((packet[3] & 0xf0) | next_counter);
  next_counter = (next_counter + 1) & 0x0f;
}

void TransportTables::learn(Table& table, std::span<const std::uint8_t> packet) {
  const bool begins = (packet[1] & kUnitStart) != 0;
  if (begins)
    table.packets.clear();
  if (begins || (!table.packets.empty() && table.packets.size() < kLongestTable))
    table.packets.insert(table.packets.end(), packet.begin(), packet.end());
}

void TransportTables::follow(std::uint16_t map_pid) {
  if (map_pid == map_.pid)
    return;
  map_ = {};
  map_.pid = map_pid;
}

void TransportTables::pass(std::span<std::uint8_t> packets) {
  for (; packets.size() >= kPacket; packets = packets.subspan(kPacket)) {
    const auto packet = packets.first(kPacket);
    const auto pid = pid_of(packet.data());
    auto* table = pid == association_.pid            ? &association_
                  : map_.pid != 0 && pid == map_.pid ? &map_
                                                     : nullptr;
    if (!table || !(packet[3] & kPayload))
      continue;
    table->count(packet.data());
    learn(*table, packet);
    if (table == &association_ && (packet[1] & kUnitStart))
      follow(map_pid(packet));
  }
}

std::vector<std::uint8_t> TransportTables::repeat() {
  std::vector<std::uint8_t> all;
  if (!are_known())
    return all;
  for (auto* table : {&association_, &map_}) {
    for (std::size_t at = 0; at < table->packets.size(); at += kPacket)
      table->count(table->packets.data() + at);
    all.insert(all.end(), table->packets.begin(), table->packets.end());
  }
  return all;
}

void TransportTables::forget() {
  association_.packets.clear();
  map_.packets.clear();
}

std::size_t TransportTables::leading(std::span<const std::uint8_t> packets) const {
  std::size_t size = 0;
  for (; size + kPacket <= packets.size(); size += kPacket) {
    const auto pid = pid_of(packets.data() + size);
    if (pid != association_.pid && (map_.pid == 0 || pid != map_.pid))
      break;
  }
  return size;
}

bool TransportTables::begins_with_tables(std::span<const std::uint8_t> packets) {
  return packets.size() >= kPacket && pid_of(packets.data()) == 0;
}

}  // namespace onair
