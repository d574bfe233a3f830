// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/http_url.hpp"

#include <algorithm>
#include <charconv>

#include "api/ascii.hpp"

namespace live {
namespace {

constexpr std::size_t kLongest = 2048;
constexpr unsigned kLastPort = 65'535;

bool is_hex(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

// All that section 2 lets into a URI: no space, no control character, and no backslash, which some
// take for a slash.
bool has_only_characters_of_uris(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
        return false;
    } else if (!is_alphanumeric(c) &&
               std::string_view{"-._~:/?#[]@!$&'()*+,;="}.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto* end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && read_to == end && port > 0 && port <= kLastPort;
}

// An address in brackets (IPv6), or a name.
bool is_host(std::string_view text) {
  if (text.starts_with('['))
    return text.size() > 2 && text.ends_with(']') &&
           std::all_of(text.begin() + 1, text.end() - 1,
                       [](char c) { return is_hex(c) || c == ':' || c == '.'; });
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

bool is_http_url(std::string_view text) {
  if (text.size() > kLongest || !has_only_characters_of_uris(text))
    return false;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return false;
  const auto scheme = text.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https"))
    return false;
  auto authority = text.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const auto colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  if (colon == std::string_view::npos)
    return is_host(authority);
  return is_host(authority.substr(0, colon)) && is_port(authority.substr(colon + 1));
}

}  // namespace live
