// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onair {

// The fingerprint of an X.509 certificate in PEM form as SDP writes it (RFC 8122 section 5):
// "AB:CD:…" over its DER bytes. `hash` is sha-1, sha-256, sha-384 or sha-512. Nothing for another
// hash or when there is no certificate in `pem`.
std::optional<std::string> digest_of_pem(std::string_view pem, std::string_view hash);

}  // namespace onair
