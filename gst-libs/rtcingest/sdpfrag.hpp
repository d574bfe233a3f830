// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rtcingest/sdp.hpp"

// What travels in application/trickle-ice-sdpfrag (RFC 8840 section 9), the body of a WHIP PATCH.
namespace onair {

struct IceCredentials {
  std::string ufrag;
  std::string pwd;
  friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};

// RFC 8839 section 5.4: 4 to 256 characters of ufrag, 22 to 256 of password, of A-Z a-z 0-9 + /.
bool is_valid(const IceCredentials& credentials);
// `text` is what stands behind "a=": "candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host …".
bool is_candidate(std::string_view text);

// Whether a candidate's address is an IP address rather than a name. Names are dropped: a hidden one
// (….local) means something in the publisher's network alone, where it is found as a peer-reflexive
// candidate, and no publisher may choose what this host asks the DNS.
bool has_ip_address(std::string_view candidate);

struct SdpFragment {
  IceCredentials credentials;  // both empty when the fragment has none
  std::vector<std::string>
      candidates;  // each "candidate:…"; all belong to the one BUNDLE transport
  bool end_of_candidates = false;
};

std::variant<SdpFragment, sdp::SyntaxError> parse_sdpfrag(std::string_view text);
// `mid` names the m-line that carries the transport: the first of the BUNDLE group.
std::string to_text(const SdpFragment& fragment, std::string_view kind, std::string_view mid);

}  // namespace onair
