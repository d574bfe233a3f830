// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace onair {

// 128 bits that nobody guesses, as 32 hexadecimal digits.
std::string random_id();

// Every byte is compared whatever the first difference, so that the time tells nothing. An empty secret equals
// nothing.
bool equals_in_constant_time(std::string_view given, std::string_view secret);

}  // namespace onair
