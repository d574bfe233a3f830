// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>

namespace onair {

// Which key a segment is under. Keys change where the media sequence number is a multiple of `every`,
// so renditions that rotate on their own still do it at the same instant, and one that is a segment
// behind the others gets the right key. A key is called by the first segment that it encrypts: after
// a restart the first segment has a new key, and no two keys are ever called the same.
class KeyRotation {
 public:
  // `first`: the sequence number at which this process begins. `every`: segments to a key; 0 for one
  // key for ever.
  constexpr KeyRotation(std::uint64_t first, std::uint64_t every) : first_{first}, every_{every} {}

  // `sequence` is not before the first.
  [[nodiscard]] constexpr std::uint64_t key_of(std::uint64_t sequence) const {
    return every_ == 0 ? first_ : std::max(first_, sequence - sequence % every_);
  }

 private:
  std::uint64_t first_;
  std::uint64_t every_;
};

}  // namespace onair
