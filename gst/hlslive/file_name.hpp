// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace onair {

inline constexpr char kMasterPlaylist[] = "master.m3u8";
// Of a rendition R: R.m3u8.
inline constexpr std::string_view kPlaylistEnding = ".m3u8";

// What the files of a rendition R are called, its playlist apart:
//   R-12.ts, R-12.m4s      segment 12
//   .ts, R-12.3.m4s  its part 3
//   R-init-12.mp4          initialization section 12
// where R is a number, or audio- and a number. No name is given twice, whoever dies in between.
struct FileName {
  std::string_view rendition;
  std::uint64_t number = 0;  // of the segment, or of the initialization section
  friend bool operator==(const FileName&, const FileName&) = default;
};

// Nothing: it is not a file of ours.
std::optional<FileName> parse_file_name(std::string_view name);

}  // namespace onair
