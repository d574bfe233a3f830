// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_plan.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace live {
namespace {

constexpr std::string_view kPlaylist = ".m3u8";
constexpr std::string_view kMaster = "master.m3u8";

int rank_of(std::string_view name) {
  return name == kMaster ? 2 : name.ends_with(kPlaylist) ? 1 : 0;
}

}  // namespace

std::vector<std::string> copying_order(std::vector<std::string> names) {
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::pair{rank_of(a), std::string_view{a}} < std::pair{rank_of(b), std::string_view{b}};
  });
  return names;
}

bool has_segments(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return !name.starts_with('.') && rank_of(name) == 0;
  });
}

std::string finished_playlist(std::string text) {
  if (text.find("#EXT-X-TARGETDURATION:") == std::string::npos)
    return text;
  if (text.find("\n#EXT-X-ENDLIST\n") != std::string::npos)
    return text;
  std::size_t end = 0;  // of the last segment
  for (std::size_t at = 0, next = 0; (next = text.find('\n', at)) != std::string::npos;
       at = next + 1)
    if (next > at && text[at] != '#')
      end = next + 1;
  text.resize(end);
  constexpr std::string_view kEvent = "#EXT-X-PLAYLIST-TYPE:EVENT\n";
  if (const auto type = text.find(kEvent); type != std::string::npos)
    text.replace(type, kEvent.size(), "#EXT-X-PLAYLIST-TYPE:VOD\n");
  return text + "#EXT-X-ENDLIST\n";
}

const char* media_type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> kTypes{
      {{kPlaylist, "application/vnd.apple.mpegurl"},
       {".ts", "video/mp2t"},
       {".mp4", "video/mp4"},
       {".m4s", "video/iso.segment"}}};
  for (const auto& [ending, type] : kTypes)
    if (name.ends_with(ending))
      return type;
  return "application/octet-stream";
}

}  // namespace live
