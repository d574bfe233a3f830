// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace live {

// In which order the files of an archive are copied, the same each time: first segments and what they need, then media
// playlists, at last the master playlist, so that nobody plays what is not all there. What is unfinished (".…") is left
// out.
std::vector<std::string> copying_order(std::vector<std::string> names);

// Whether anything was broadcast.
bool has_segments(const std::vector<std::string>& names);

// A media playlist that says that nothing more comes (EXT-X-ENDLIST); one whose writer was killed ends behind its last
// whole segment. Master playlists stay as they are.
std::string finished_playlist(std::string text);

// By the ending of its name.
const char* media_type_of(std::string_view name);

}  // namespace live
