// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/ice_server.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace onair {
namespace {

// RFC 3986 section 2.1; what is no escape stays as it is.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const auto* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<IceServer> ice_servers(std::string_view stun_server, std::string_view turn_server) {
  std::vector<IceServer> servers;
  if (stun_server.starts_with("stun://"))
    servers.push_back(
        {.url = "stun:" + std::string{stun_server.substr(7)}, .username = {}, .credential = {}});
  const auto scheme_end = turn_server.find("://");
  if (scheme_end == std::string_view::npos)
    return servers;
  const auto rest = turn_server.substr(scheme_end + 3);
  const auto at = rest.rfind('@');
  const auto host = at == std::string_view::npos ? rest : rest.substr(at + 1);
  IceServer turn{.url = std::string{turn_server.substr(0, scheme_end)} + ":" + std::string{host},
                 .username = {},
                 .credential = {}};
  if (at != std::string_view::npos) {
    const auto user = rest.substr(0, at);
    const auto colon = std::min(user.find(':'), user.size());
    turn.username = without_escapes(user.substr(0, colon));
    turn.credential = without_escapes(user.substr(std::min(colon + 1, user.size())));
  }
  servers.push_back(std::move(turn));
  return servers;
}

}  // namespace onair
