// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "playlist/live_edge.hpp"

namespace onair {

// What the text of a media playlist says to who serves it and has not written it.
struct PlaylistOutline {
  LiveEdge edge;
  Duration target_duration{};
  std::string hint;   // the part that comes next; empty: none
  std::string delta;  // the Playlist Delta Update (section 6.2.5.1); empty: nothing can be skipped
};

// Nothing: it is no media playlist, not a whole one, or has values that are out of range. What the tags say
// that are not needed here is not looked at.
//
// Of a text of MediaPlaylist, the edge and the delta are those of the MediaPlaylist. Where another writer's
// tags stand between the segments, there is no delta: who knows what skipping them would mean.
[[nodiscard]] std::optional<PlaylistOutline> outline_of(std::string_view text);

}  // namespace onair
