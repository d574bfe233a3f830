// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace onair {

// ISO/IEC 14496-12, 8.8.3.1: sample_depends_on, and sample_is_non_sync_sample.
constexpr std::uint32_t kIndependentSample = 2u << 24;
constexpr std::uint32_t kDependentSample = 1u << 24 | 1u << 16;

}  // namespace onair
