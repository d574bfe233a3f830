// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace onair::hlsorigin {

// What a request line asks for: names between slashes, each of them a plain one.
struct Target {
  std::string path;   // decoded, begins with '/'
  std::string query;  // as it came, without '?'
};
enum class TargetFault { TooLong, Malformed };

// Signed addresses of content networks have about 1000 characters.
constexpr std::size_t kLongestTarget = 2048;

// Nothing that passes leads out of a folder, however it was escaped: no empty name, no "." or "..",
// no slash or other delimiter in disguise, no control character.
[[nodiscard]] std::variant<Target, TargetFault> read_target(std::string_view path,
                                                            std::string_view query);

}  // namespace onair::hlsorigin
