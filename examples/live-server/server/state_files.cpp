// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/state_files.hpp"

#include <filesystem>

#include <glib.h>

#include "glue/gstptr.hpp"
#include "log.hpp"

namespace live {

namespace fs = std::filesystem;

std::string open_state_folder(const std::string& folder) {
  std::error_code code;
  if (fs::create_directories(folder, code); code)
    return "The folder " + folder + " can't be made: " + code.message() + ".";
  fs::permissions(folder, fs::perms::owner_all, code);
  return {};
}

void each_state_file(const std::string& folder,
                     const std::function<std::optional<std::string>(std::string_view)>& take) {
  std::error_code code;
  for (fs::directory_iterator at{folder, code}, end; !code && at != end; at.increment(code)) {
    const auto path = at->path().string();
    if (!path.ends_with(kStateSuffix))
      continue;
    gchar* raw = nullptr;
    gsize size = 0;
    const bool is_read = g_file_get_contents(path.c_str(), &raw, &size, nullptr);
    const onair::GMemory<char> text{raw};
    if (const auto why = take(is_read ? std::string_view{raw, size} : std::string_view{}))
      log_warning("the state file %s is left alone, as it can't be read: %s", path.c_str(),
                  why->c_str());
  }
}

std::string write_state_file(const std::string& path, std::string_view text) {
  GError* raw = nullptr;
  g_file_set_contents_full(path.c_str(), text.data(), static_cast<gssize>(text.size()),
                           G_FILE_SET_CONTENTS_CONSISTENT, 0600, &raw);
  const onair::ErrorPtr error{raw};
  return error ? error->message : "";
}

}  // namespace live
