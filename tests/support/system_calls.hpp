// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onair::test {

// Stands between the program under test and the kernel, for the calls that change files: write,
// fdatasync, fsync, rename, link, unlink. One thread at a time.
struct SystemCalls {
  // Names of the calls, in order.
  std::vector<std::string> made;
  // What errno this call shall fail with, if at all.
  std::function<std::optional<int>(std::string_view name)> fault;
  // As on a slow socket or a full pipe, write() may take less than it was given.
  std::size_t longest_write = std::numeric_limits<std::size_t>::max();
  // The process is killed in front of its call of this number.
  std::optional<std::size_t> killed_before;
};

// Of this process. Whoever sets something restores it: `system_calls() = {};`
SystemCalls& system_calls();

}  // namespace onair::test
