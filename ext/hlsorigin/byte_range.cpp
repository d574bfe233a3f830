// SPDX-License-Identifier: LGPL-2.1-or-later
#include "byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace onair::hlsorigin {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// Digits and nothing else. A number that is too large is as large as can be.
std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end != text.data() + text.size())
    return std::nullopt;
  return error == std::errc::result_out_of_range ? kMost : number;
}

}  // namespace

RangeAnswer read_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit))
    return Everything{};
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos)
    return Everything{};
  const auto from = header.substr(0, dash);
  const auto to = header.substr(dash + 1);

  if (from.empty()) {
    const auto length = read_number(to);
    if (!length)
      return Everything{};
    if (*length == 0 || size == 0)
      return Unsatisfiable{};
    const auto taken = std::min(*length, size);
    return ByteRange{.first = size - taken, .length = taken};
  }
  const auto first = read_number(from);
  const auto last = to.empty() ? std::optional{kMost} : read_number(to);
  if (!first || !last || *last < *first)
    return Everything{};
  if (*first >= size)
    return Unsatisfiable{};
  return ByteRange{.first = *first, .length = std::min(*last, size - 1) - *first + 1};
}

}  // namespace onair::hlsorigin
