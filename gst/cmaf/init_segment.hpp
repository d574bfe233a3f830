// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include "media_track.hpp"

namespace onair {

// ftyp and a moov without samples: what EXT-X-MAP points at (RFC 8216bis, 3.1.2).
[[nodiscard]] Bytes init_segment(std::span<const MediaTrack> tracks);

}  // namespace onair
