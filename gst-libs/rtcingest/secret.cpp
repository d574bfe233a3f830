// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/secret.hpp"

#include <cstddef>
#include <random>

namespace onair {

std::string random_id() {
  std::random_device source;  // getrandom(2) or the CPU's in libstdc++
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id;
  for (int word = 0; word < 4; ++word) {
    auto bits = source();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4)
      id += kHex[bits & 0xf];
  }
  return id;
}

bool equals_in_constant_time(std::string_view given, std::string_view secret) {
  if (secret.empty())
    return false;
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(secret[i % secret.size()]);
  return difference == 0;
}

}  // namespace onair
