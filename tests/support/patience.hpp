// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

namespace onair::test {

constexpr std::chrono::seconds kPatience{30};  // for what surely comes, under sanitizers too

}  // namespace onair::test
