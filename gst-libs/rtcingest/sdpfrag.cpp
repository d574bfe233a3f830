// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/sdpfrag.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace onair {
namespace {

constexpr std::size_t kMaxCandidates = 64;  // a phone with VPNs and two stacks shows about twenty

bool is_ice_text(std::string_view text, std::size_t min, std::size_t max) {
  return text.size() >= min && text.size() <= max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

// What follows a prefix, if the text has it.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

bool is_valid(const IceCredentials& credentials) {
  return is_ice_text(credentials.ufrag, 4, 256) && is_ice_text(credentials.pwd, 22, 256);
}

bool is_candidate(std::string_view text) {
  if (!take(text, "candidate:"))
    return false;
  // foundation component transport priority address port "typ" type (RFC 8839 section 5.1)
  const auto fields = sdp::split(text, ' ');
  return fields.size() >= 8 && fields[0].size() <= 32 && sdp::to_number(fields[1], 256) &&
         sdp::to_number(fields[3], 0xffffffff) && sdp::to_number(fields[5], 65535) &&
         fields[6] == "typ";
}

bool has_ip_address(std::string_view candidate) {
  const auto fields = sdp::split(candidate, ' ');
  if (fields.size() < 5)
    return false;
  const std::string address{fields[4]};
  in6_addr binary{};  // room for either kind
  return inet_pton(AF_INET, address.c_str(), &binary) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &binary) == 1;
}

std::variant<SdpFragment, sdp::SyntaxError> parse_sdpfrag(std::string_view text) {
  SdpFragment fragment;
  std::size_t number = 0;
  for (auto line : sdp::lines_of(text)) {
    ++number;
    if (line.empty())
      continue;
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z')
      return sdp::SyntaxError{number, "a line is not of the form letter=value"};
    if (std::any_of(line.begin(), line.end(), sdp::is_control))
      return sdp::SyntaxError{number, "a line holds control characters"};
    if (!take(line, "a="))
      continue;  // m= lines and others only say where an attribute belongs; there is one transport
    if (line.starts_with("candidate:")) {
      if (!is_candidate(line))
        return sdp::SyntaxError{number, "a candidate does not follow RFC 8839"};
      if (fragment.candidates.size() == kMaxCandidates)
        return sdp::SyntaxError{number, "more than 64 candidates"};
      fragment.candidates.emplace_back(line);
    } else if (line == "end-of-candidates") {
      fragment.end_of_candidates = true;
    } else if (take(line, "ice-ufrag:")) {
      fragment.credentials.ufrag = line;
    } else if (take(line, "ice-pwd:")) {
      fragment.credentials.pwd = line;
    }
  }
  if (number == 0)
    return sdp::SyntaxError{1, "it is empty"};
  // Some clients leave the credentials out when they trickle; the entity tag says as much.
  if (fragment.credentials != IceCredentials{} && !is_valid(fragment.credentials))
    return sdp::SyntaxError{number, "a=ice-ufrag or a=ice-pwd is missing or not as in RFC 8839"};
  return fragment;
}

std::string to_text(const SdpFragment& fragment, std::string_view kind, std::string_view mid) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) {
    text.append(name).append(value).append("\r\n");
  };
  line("a=ice-ufrag:", fragment.credentials.ufrag);
  line("a=ice-pwd:", fragment.credentials.pwd);
  line("m=", std::string{kind} + " 9 UDP/TLS/RTP/SAVPF 0");
  line("a=mid:", mid);
  for (const auto& candidate : fragment.candidates)
    line("a=", candidate);
  if (fragment.end_of_candidates)
    line("a=end-of-candidates", "");
  return text;
}

}  // namespace onair
