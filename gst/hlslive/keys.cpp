// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.hpp"

namespace onair {

std::optional<std::uint64_t> Keys::missing(std::uint64_t sequence) const {
  const auto number = rotation_.key_of(sequence);
  return keys_.contains(number) ? std::nullopt : std::optional{number};
}

void Keys::add(std::uint64_t number, const AesBlock& key) {
  keys_.try_emplace(number, key);
  while (keys_.size() > kMostKept)
    keys_.erase(keys_.begin());
}

std::optional<Keys::Key> Keys::of(std::uint64_t sequence) {
  const auto number = rotation_.key_of(sequence);
  if (const auto known = keys_.find(number); known != keys_.end())
    return Key{.number = number, .bytes = known->second};
  const auto made = random_();
  if (!made)
    return std::nullopt;
  add(number, *made);
  return Key{.number = number, .bytes = *made, .is_made = true};
}

}  // namespace onair
