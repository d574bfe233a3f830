// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "transport_stream.hpp"

namespace onair::segments {

struct Segment {
  double duration = 0;  // as EXTINF has it, in seconds
  TransportStream media;
};

// The segments of `folder`/playlist.m3u8, all of them.
std::vector<Segment> read_playlist(const std::filesystem::path& folder);

}  // namespace onair::segments
