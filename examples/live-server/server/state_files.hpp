// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace live {

// A folder of texts that outlive the server, one for each thing there is, named ID.json; for the server's user only, as
// there are secrets in them.
inline constexpr std::string_view kStateSuffix = ".json";

// Makes it where it is missing. Empty if it is there, else a sentence for a person.
[[nodiscard]] std::string open_state_folder(const std::string& folder);
// Calls with each of its texts, with nothing of one that can't be read. What that is told is wrong with it is logged.
void each_state_file(const std::string& folder,
                     const std::function<std::optional<std::string>(std::string_view text)>& take);
// Replaces it as a whole. Empty if it is on the disk, else why not.
[[nodiscard]] std::string write_state_file(const std::string& path, std::string_view text);

}  // namespace live
