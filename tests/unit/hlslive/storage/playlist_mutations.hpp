// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onair::test {

// One with everything that the parser knows.
std::string live_playlist();

// It, or another text, with one to three changes; each time the same for a seed.
std::string mutated_playlist(std::uint32_t seed);
std::string mutated(std::string text, std::uint32_t seed);

struct PlaylistVerdict {
  bool is_read = false;
  // What does not hold of the outcome, and always should.
  std::optional<std::string> broken;
};

// Parses whatever text this is.
PlaylistVerdict check_any_playlist(std::string_view text);
// The same for who only serves it.
PlaylistVerdict check_any_outline(std::string_view text);

}  // namespace onair::test
