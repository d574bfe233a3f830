// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "encryption.hpp"
#include "key_rotation.hpp"

namespace onair {

// The keys that segments are encrypted with, by the numbers that KeyRotation gives them. They are asked
// for a segment ahead; one that nobody gave is made.
class Keys {
 public:
  // Renditions may be that far behind each other. A key that was forgotten would be made anew, and players
  // would have the wrong one.
  static constexpr std::size_t kMostKept = 64;
  using Random = std::optional<AesBlock> (*)();

  struct Key {
    std::uint64_t number = 0;
    AesBlock bytes{};
    bool is_made = false;  // just now: nobody else has it
  };

  explicit Keys(KeyRotation rotation, Random random = random_block)
      : rotation_{rotation}, random_{random} {}

  // The number of this segment's key, if nobody has given it yet.
  [[nodiscard]] std::optional<std::uint64_t> missing(std::uint64_t sequence) const;
  // A key never changes: the first one that was given or made stays.
  void add(std::uint64_t number, const AesBlock& key);
  // Nothing: there is none, and none can be made now.
  [[nodiscard]] std::optional<Key> of(std::uint64_t sequence);

 private:
  KeyRotation rotation_;
  Random random_;
  std::map<std::uint64_t, AesBlock> keys_;
};

}  // namespace onair
