// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace onair::benchmark {

// Calls of malloc and its kin by anything in this program, since its start. GLib's slices are seen
// with G_SLICE=always-malloc only, where GLib is older than 2.76.
std::uint64_t allocation_count();

}  // namespace onair::benchmark
