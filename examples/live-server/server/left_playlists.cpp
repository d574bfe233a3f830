// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/left_playlists.hpp"

#include <filesystem>
#include <string_view>

#include <gio/gio.h>

#include "glue/gstptr.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

bool has_line(std::string_view text, std::string_view beginning) {
  return text.find("\n" + std::string{beginning}) != std::string_view::npos;
}

}  // namespace

bool has_ended(const std::string& folder) {
  std::error_code code;
  bool has_any = false;
  for (const auto& entry : fs::directory_iterator{folder, code}) {
    if (entry.path().extension() != ".m3u8")
      continue;
    gchar* raw = nullptr;
    if (!g_file_get_contents(entry.path().c_str(), &raw, nullptr, nullptr))
      return false;
    const onair::GMemory<char> text{raw};
    if (!has_line(raw, "#EXT-X-TARGETDURATION:"))
      continue;  // a master playlist
    if (!has_line(raw, "#EXT-X-ENDLIST"))
      return false;
    has_any = true;
  }
  return has_any;
}

}  // namespace live
