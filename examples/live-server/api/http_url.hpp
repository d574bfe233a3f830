// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace live {

// Whether it is an absolute URL (RFC 3986) of http or https that every HTTP client reads in the
// same way: without user name or password, of at most 2048 characters.
bool is_http_url(std::string_view text);
inline constexpr const char* kHttpUrl =
    "an absolute http or https URL of at most 2048 characters, without user name and password";

}  // namespace live
