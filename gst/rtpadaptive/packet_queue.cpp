// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet_queue.hpp"

#include <algorithm>
#include <bit>

namespace onair {

PacketQueue::PacketQueue() : slots_(kInitialSlots), present_(kInitialSlots / 64) {}

void PacketQueue::start(std::int64_t first) {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  std::fill(present_.begin(), present_.end(), 0);
  next_ = end_ = first;
  first_hint_ = kNever;
  packets_ = bytes_ = 0;
}

void PacketQueue::start_earlier(std::int64_t first) {
  if (end_ - first > static_cast<std::int64_t>(slots_.size()))
    grow(end_ - first);
  if (has(next_))
    slot(next_).packet.starts_stream = false;
  next_ = first;
  first_hint_ = kNever;
}

PacketQueue::Insert PacketQueue::insert(std::int64_t sequence, const Packet& packet) {
  if (sequence < next_)  // an untouched slot was a hole when it was passed
    return slot(sequence).sequence == sequence ? Insert::Duplicate : Insert::TooLate;
  if (sequence - next_ >= kMaxSpan)
    return Insert::TooFar;
  if (sequence - next_ >= static_cast<std::int64_t>(slots_.size()))
    grow(sequence - next_ + 1);
  Slot& at = slot(sequence);
  if (at.sequence == sequence)
    return Insert::Duplicate;
  at = {sequence, packet};
  mark(sequence, true);
  ++packets_;
  bytes_ += packet.size;
  end_ = std::max(end_, sequence + 1);
  if (first_hint_ != kNever && sequence < first_hint_)
    first_hint_ = sequence;
  return Insert::Inserted;
}

bool PacketQueue::has(std::int64_t sequence) const {
  return sequence >= next_ && sequence < end_ && slot(sequence).sequence == sequence;
}

std::optional<std::int64_t> PacketQueue::first() const {
  if (packets_ == 0)
    return std::nullopt;
  if (has(next_))
    return next_;
  if (first_hint_ >= next_)
    return first_hint_;
  const std::size_t words = present_.size();
  std::size_t word = index(next_) / 64;
  std::uint64_t bits = present_[word] & (~std::uint64_t{0} << (index(next_) % 64));
  for (std::size_t looked = 0; looked <= words; ++looked) {
    if (bits != 0) {
      const std::size_t found = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const std::size_t ahead = (found - index(next_)) & (slots_.size() - 1);
      first_hint_ = next_ + static_cast<std::int64_t>(ahead);
      return first_hint_;
    }
    word = (word + 1) % words;
    bits = present_[word];
  }
  return std::nullopt;
}

const PacketQueue::Packet& PacketQueue::pop() {
  Slot& at = slot(next_);
  mark(next_, false);
  --packets_;
  bytes_ -= at.packet.size;
  ++next_;
  first_hint_ = kNever;
  return at.packet;
}

void PacketQueue::skip(std::int64_t count) {
  next_ += count;
  end_ = std::max(end_, next_);
}

void PacketQueue::mark(std::int64_t sequence, bool present) {
  const std::uint64_t bit = std::uint64_t{1} << (index(sequence) % 64);
  std::uint64_t& word = present_[index(sequence) / 64];
  word = present ? word | bit : word & ~bit;
}

void PacketQueue::grow(std::int64_t span) {
  std::vector<Slot> old(std::bit_ceil(static_cast<std::size_t>(span)));
  old.swap(slots_);
  present_.assign(slots_.size() / 64, 0);
  for (const Slot& from : old) {
    if (from.sequence == kNever)
      continue;
    slot(from.sequence) = from;
    if (from.sequence >= next_)
      mark(from.sequence, true);
  }
}

}  // namespace onair
