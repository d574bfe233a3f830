// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>

#include "segment_keys.hpp"

namespace live {

// By the secret that was given or, where none was, by that of a server which had this folder before: DATA/key-secret, which
// is made once. Without it no key could be made again: not for the server's next life, and not for archives. An error is a
// sentence for a person.
[[nodiscard]] std::variant<KeyChain, std::string> open_key_chain(const std::string& data,
                                                                 const std::string& given);

}  // namespace live
