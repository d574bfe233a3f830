// SPDX-License-Identifier: LGPL-2.1-or-later
#include "target.hpp"

#include <algorithm>
#include <optional>

namespace onair::hlsorigin {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return std::nullopt;
}

// RFC 3986's pchar, less '%'.
bool is_name_character(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

// The next character of an escaped name, which is taken from `text`.
std::optional<char> take_character(std::string_view& text) {
  char c = text.front();
  std::size_t taken = 1;
  if (c == '%') {
    const auto high = text.size() > 2 ? hex_digit(text[1]) : std::nullopt;
    const auto low = text.size() > 2 ? hex_digit(text[2]) : std::nullopt;
    if (!high || !low)
      return std::nullopt;
    c = static_cast<char>(*high * 16 + *low);
    taken = 3;
  }
  text.remove_prefix(taken);
  return is_name_character(c) ? std::optional{c} : std::nullopt;
}

}  // namespace

std::variant<Target, TargetFault> read_target(std::string_view path, std::string_view query) {
  if (path.size() + query.size() > kLongestTarget)
    return TargetFault::TooLong;
  if (!path.starts_with('/') ||
      !std::all_of(query.begin(), query.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
    return TargetFault::Malformed;

  Target target{.path = {}, .query = std::string{query}};
  while (!path.empty()) {
    path.remove_prefix(1);
    auto rest = path.substr(0, path.find('/'));
    path.remove_prefix(rest.size());
    std::string name;
    while (!rest.empty()) {
      const auto c = take_character(rest);
      if (!c)
        return TargetFault::Malformed;
      name += *c;
    }
    const bool is_folder_itself = name.empty() && path.empty();  // a slash ends the path
    if ((name.empty() && !is_folder_itself) || name == "." || name == "..")
      return TargetFault::Malformed;
    target.path += "/" + name;
  }
  return target;
}

}  // namespace onair::hlsorigin
