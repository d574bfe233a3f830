// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace onair::segments {

std::vector<Segment> read_playlist(const std::filesystem::path& folder) {
  constexpr std::string_view kExtInf{"#EXTINF:"};
  std::ifstream in{folder / "playlist.m3u8"};
  std::vector<Segment> segments;
  double duration = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(kExtInf)) {
      duration = std::strtod(line.c_str() + kExtInf.size(), nullptr);
    } else if (!line.empty() && line.front() != '#') {
      const auto file = folder / std::filesystem::path{line}.filename();
      segments.push_back({.duration = duration, .media = read_transport_stream(file)});
    }
  }
  if (segments.empty())
    throw std::runtime_error{"no segments in " + folder.string()};
  return segments;
}

}  // namespace onair::segments
