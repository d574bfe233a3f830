// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace onair::hlsorigin {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
struct Everything {};
struct Unsatisfiable {};
using RangeAnswer = std::variant<Everything, ByteRange, Unsatisfiable>;

// What a Range header asks of `size` bytes (RFC 9110 section 14). A header that is damaged, of another
// unit or of several ranges means everything, as a server may ignore it: players ask for one range,
// and many overlapping ones are an attack.
[[nodiscard]] RangeAnswer read_range(std::string_view header, std::uint64_t size);

}  // namespace onair::hlsorigin
