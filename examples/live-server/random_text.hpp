// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <random>
#include <string>

namespace live {

// So many letters and digits that nobody can guess, none of which look alike: five bits each.
inline std::string random_text(unsigned length) {
  std::random_device source;
  constexpr char kLetters[] = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string text;
  for (unsigned i = 0; i < length; ++i)
    text += kLetters[source() & 31];
  return text;
}

}  // namespace live
