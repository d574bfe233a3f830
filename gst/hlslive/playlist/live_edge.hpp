// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// How far a media playlist has come: what reports in other playlists say of it, and what requests
// for it are measured by.
struct LiveEdge {
  std::uint64_t next_sequence = 0;  // of the segment that is being written
  std::uint64_t next_parts = 0;     // of it, listed
  std::uint64_t last_parts = 0;     // of the segment before it
  bool has_segments = false;
  std::optional<Duration> part_target;
  bool can_block_reload = false;
  bool has_ended = false;
};

}  // namespace onair
