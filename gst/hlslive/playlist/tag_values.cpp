// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/tag_values.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>

namespace onair {

std::optional<std::uint64_t> to_number(std::string_view text, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, number);
  if (text.empty() || code != std::errc{} || stopped != end || number > max)
    return std::nullopt;
  return number;
}

std::optional<Duration> to_seconds(std::string_view text, std::uint64_t max) {
  constexpr std::size_t kMostDigits = 9;
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = to_number(text.substr(0, point), max);
  if (!whole)
    return std::nullopt;
  const Duration duration = std::chrono::seconds{static_cast<std::int64_t>(*whole)};
  if (point == text.size())
    return duration;
  const auto digits = text.substr(point + 1);
  const auto fraction = to_number(digits, 999'999'999);
  if (!fraction || digits.size() > kMostDigits)
    return std::nullopt;
  auto rest = static_cast<std::int64_t>(*fraction);
  for (auto n = digits.size(); n < kMostDigits; ++n)
    rest *= 10;
  return duration + Duration{rest};
}

std::optional<std::vector<Attribute>> to_attributes(std::string_view list) {
  std::vector<Attribute> attributes;
  while (true) {
    const auto equals = list.find('=');
    if (equals == 0 || equals == std::string_view::npos)
      return std::nullopt;
    Attribute attribute{.name = list.substr(0, equals)};
    list.remove_prefix(equals + 1);
    attribute.is_quoted = list.starts_with('"');
    if (attribute.is_quoted)
      list.remove_prefix(1);
    const auto end = std::min(list.find(attribute.is_quoted ? '"' : ','), list.size());
    attribute.value = list.substr(0, end);
    list.remove_prefix(end);
    if (attribute.is_quoted) {
      if (list.empty())
        return std::nullopt;
      list.remove_prefix(1);
    } else if (attribute.value.empty() || attribute.value.find('"') != std::string_view::npos) {
      return std::nullopt;
    }
    const bool is_known = std::any_of(attributes.begin(), attributes.end(),
                                      [&](const auto& a) { return a.name == attribute.name; });
    if (is_known)
      return std::nullopt;
    attributes.push_back(attribute);
    if (list.empty())
      return attributes;
    if (list.front() != ',')
      return std::nullopt;
    list.remove_prefix(1);
  }
}

const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name,
                      bool is_quoted) {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const auto& attribute) {
    return attribute.name == name && attribute.is_quoted == is_quoted;
  });
  return found == attributes.end() ? nullptr : &*found;
}

}  // namespace onair
