// SPDX-License-Identifier: LGPL-2.1-or-later
#include "families.hpp"

#include <algorithm>

namespace onair {

std::optional<Families> Families::parse(std::string_view text) {
  Families families;
  std::optional<bool> forbids;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto name = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    while (name.starts_with(' '))
      name.remove_prefix(1);
    while (name.ends_with(' '))
      name.remove_suffix(1);
    if (name.empty())
      continue;
    const bool is_forbidden = name.front() == '-';
    if (forbids && *forbids != is_forbidden)
      return std::nullopt;
    forbids = is_forbidden;
    families.names_.emplace_back(is_forbidden ? name.substr(1) : name);
  }
  families.forbids_ = forbids.value_or(true);
  return families;
}

std::optional<std::size_t> Families::rank(std::string_view family) const {
  const auto found = std::find(names_.begin(), names_.end(), family);
  const bool is_named = found != names_.end();
  if (forbids_)
    return is_named ? std::nullopt : std::optional<std::size_t>{0};
  return is_named ? std::optional{static_cast<std::size_t>(found - names_.begin())} : std::nullopt;
}

}  // namespace onair
