// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace onair {

// The tables of a transport stream (PAT and PMT, ISO/IEC 13818-1 section 2.4.4), so that each segment
// and each part can begin with them (RFC 8216 section 3.2; a player may join at any part), whatever is in
// it. A muxer that runs on repeats them only
// in front of key frames, or by a period that nobody needs in files: it is told to write them once, and
// this class keeps and repeats them, and counts their packets on.
class TransportTables {
 public:
  static constexpr std::size_t kPacket = 188;

  // Whole packets, as they come out of the muxer: tables are kept, and given the next continuity
  // counter.
  void pass(std::span<std::uint8_t> packets);
  // The packets to begin a segment or part with, unless those that follow begin with tables of their own.
  // Empty until there are some.
  [[nodiscard]] std::vector<std::uint8_t> repeat();
  [[nodiscard]] bool are_known() const {
    return !association_.packets.empty() && !map_.packets.empty();
  }
  // Another muxer begins, with tables of its own; counters go on.
  void forget();
  // How many bytes at the front are those of tables.
  [[nodiscard]] std::size_t leading(std::span<const std::uint8_t> packets) const;
  [[nodiscard]] static bool begins_with_tables(std::span<const std::uint8_t> packets);

 private:
  struct Table {
    std::uint16_t pid = 0;
    std::uint8_t next_counter = 0;
    // From the one that begins the table on: a PMT may be longer than a packet.
    std::vector<std::uint8_t> packets;

    void count(std::uint8_t* packet);
  };

  void learn(Table& table, std::span<const std::uint8_t> packet);
  void follow(std::uint16_t map_pid);

  Table association_;
  Table map_;
};

}  // namespace onair
