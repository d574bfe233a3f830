// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Packets in the order of their (unrolled) sequence numbers: a ring with a slot for each number, and
// a bitmap to find the next packet behind a hole. O(1) for a packet in order; a hole of n numbers
// costs n/64 steps once. Grows by doubling to `kMaxSpan` numbers and then no more.
class PacketQueue {
 public:
  // The longest stretch of sequence numbers, holes included, that can be waiting.
  static constexpr std::int64_t kMaxSpan = 32768;

  // The caller's handle for a packet; never looked into.
  using Token = std::uintptr_t;

  struct Packet {
    Token token = 0;
    MediaTime media;
    RunningTime pts;
    RunningTime arrival;
    std::int64_t ticks = 0;    // unrolled RTP time
    std::uint16_t number = 0;  // RTP sequence number
    std::uint32_t ssrc = 0;
    std::uint32_t clock_rate = 0;
    std::uint32_t size = 0;  // bytes
    bool is_empty = false;   // no media in it (padding of a bandwidth probe): closes a hole only
    bool starts_stream = false;  // first of a new stream
  };

  PacketQueue();

  // Forgets all; `first` goes out first.
  void start(std::int64_t first);
  // While nothing has gone out: an earlier number goes first, and starts the stream.
  void start_earlier(std::int64_t first);

  enum class Insert { Inserted, Duplicate, TooLate, TooFar };
  Insert insert(std::int64_t sequence, const Packet& packet);

  // The number that goes out next, and the one behind the highest that has been seen.
  [[nodiscard]] std::int64_t next() const { return next_; }
  [[nodiscard]] std::int64_t end() const { return end_; }
  [[nodiscard]] bool is_empty() const { return packets_ == 0; }
  [[nodiscard]] std::size_t packets() const { return packets_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  [[nodiscard]] bool has(std::int64_t sequence) const;
  // The packet waiting under this number, which there must be.
  [[nodiscard]] const Packet& packet(std::int64_t sequence) const { return slot(sequence).packet; }
  // Lowest number at or behind next() with a packet.
  [[nodiscard]] std::optional<std::int64_t> first() const;

  // Takes the packet at next() out (which there must be), or gives next() up.
  // It stays readable until the next call of anything.
  const Packet& pop();
  void skip(std::int64_t count);

 private:
  struct Slot {
    std::int64_t sequence = kNever;
    Packet packet;
  };
  static constexpr std::int64_t kNever = INT64_MIN;
  static constexpr std::size_t kInitialSlots = 512;

  [[nodiscard]] std::size_t index(std::int64_t sequence) const {
    return static_cast<std::size_t>(sequence) & (slots_.size() - 1);
  }
  [[nodiscard]] Slot& slot(std::int64_t sequence) { return slots_[index(sequence)]; }
  [[nodiscard]] const Slot& slot(std::int64_t sequence) const { return slots_[index(sequence)]; }
  void mark(std::int64_t sequence, bool present);
  void grow(std::int64_t span);

  std::vector<Slot> slots_;             // a power of two
  std::vector<std::uint64_t> present_;  // a bit for each slot
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
  // Cached answer of first(), when it is not next() itself.
  mutable std::int64_t first_hint_ = kNever;
  std::size_t packets_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace onair
