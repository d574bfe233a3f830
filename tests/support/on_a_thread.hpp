// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <future>
#include <utility>

namespace onair::test {

// What a thread of its own is at, until it returns.
template <typename Work>
auto on_a_thread(Work work) {
  return std::async(std::launch::async, std::move(work));
}

}  // namespace onair::test
