// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace live {

// Whether the broadcast in a folder has been ended: there are media playlists (RFC 8216), and nothing will be added to
// any of them. What can't be read has not ended.
bool has_ended(const std::string& folder);

}  // namespace live
