// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

namespace live {

// In their order, so that of several mistakes the first one is named.
using Json = nlohmann::ordered_json;

// What somebody has sent, or a sentence that begins with `name` and says why it can't be read.
// Never throws. What could be read in two ways (a field twice) or cost more than it says (depth,
// thousands of fields) is refused.
std::variant<Json, std::string> parse_json(std::string_view text, const std::string& name);

// Whatever bytes it quotes: what is not UTF-8 is replaced.
std::string json_text(const Json& json);

}  // namespace live
