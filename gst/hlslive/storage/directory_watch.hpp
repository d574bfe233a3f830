// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "storage/file_descriptor.hpp"
#include "storage/storage.hpp"

namespace onair {

// What the kernel tells of a directory and of the directories in it (inotify): nothing is looked at until
// there is news. The directory need not be there: it may come, go, and be another one under the same path.
//
// One thread takes; nothing here waits.
class DirectoryWatch {
 public:
  struct Change {
    std::string folder;  // empty: the directory itself
    std::string name;    // empty: whatever is, or was, in the folder
    friend bool operator==(const Change&, const Change&) = default;
  };

  explicit DirectoryWatch(const std::filesystem::path& location);

  // Why nothing can be watched at all, if so.
  [[nodiscard]] Storage::Failure begin();
  // Readable when there is news.
  [[nodiscard]] int descriptor() const { return inotify_.get(); }
  // Since the last time, in the order of the files' changes. The first time: all that is there.
  [[nodiscard]] std::vector<Change> take();
  // What cannot be watched, each told once until it can.
  [[nodiscard]] std::vector<StorageError> take_problems();

 private:
  enum class Role { Above, Parent, Location, Folder };
  struct Watched {
    Role role = Role::Above;
    std::string folder;
  };

  int add(const std::filesystem::path& path, Role role, const std::string& folder = {});
  void watch_all();
  void watch_folder(const std::string& folder);
  void forget(const std::string& folder);
  void on_event(int id, std::uint32_t what, std::string_view name);
  void on_name(const Watched& where, std::uint32_t what, std::string_view name);
  void complain(const std::filesystem::path& path, int code);

  std::vector<std::filesystem::path> steps_;  // from the root to the location
  FileDescriptor inotify_;
  std::map<int, Watched> watched_;
  std::map<std::string, int, std::less<>> folders_;
  bool is_stale_ = true;  // what is watched may not be what lies under the path
  std::vector<Change> changes_;
  std::vector<StorageError> problems_;
  std::map<std::string, int> known_problems_;
};

}  // namespace onair
