// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_name.hpp"

#include <charconv>

namespace onair {
namespace {

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end))
    return false;
  text.remove_suffix(end.size());
  return true;
}

// As std::to_string() writes it: "012" is somebody else's.
std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const bool is_plain = text == "0" || !text.starts_with('0');
  return error == std::errc{} && at == end && is_plain ? std::optional{number} : std::nullopt;
}

bool is_rendition(std::string_view name) {
  constexpr std::string_view kSound = "audio-";
  return to_number(name.starts_with(kSound) ? name.substr(kSound.size()) : name).has_value();
}

}  // namespace

std::optional<FileName> parse_file_name(std::string_view name) {
  const bool is_init = take_end(name, ".mp4");
  if (!is_init && !take_end(name, ".ts") && !take_end(name, ".m4s"))
    return std::nullopt;
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  auto rendition = name.substr(0, dash);
  auto number = name.substr(dash + 1);
  if (is_init && !take_end(rendition, "-init"))
    return std::nullopt;
  if (const auto dot = number.find('.'); !is_init && dot != std::string_view::npos) {
    if (!to_number(number.substr(dot + 1)))
      return std::nullopt;
    number = number.substr(0, dot);
  }
  const auto its = to_number(number);
  return its && is_rendition(rendition) ? std::optional{FileName{rendition, *its}} : std::nullopt;
}

}  // namespace onair
