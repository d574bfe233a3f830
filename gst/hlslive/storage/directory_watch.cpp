// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/directory_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

namespace onair {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kItself = IN_MOVE_SELF | IN_DELETE_SELF;
constexpr std::uint32_t kNames = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

fs::path normal(const fs::path& path) {
  auto whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool is_absent(int code) {
  return code == ENOENT || code == ENOTDIR;
}

}  // namespace

DirectoryWatch::DirectoryWatch(const fs::path& location) {
  fs::path step;
  for (const auto& part : normal(location))
    steps_.push_back(step /= part);
}

Storage::Failure DirectoryWatch::begin() {
  inotify_ = FileDescriptor{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (inotify_)
    return std::nullopt;
  return StorageError{steps_.back().string(), "watch", {errno, std::generic_category()}};
}

// Its number, or the error's, negative. Of those above it is only asked whether they go elsewhere: others write there a lot.
int DirectoryWatch::add(const fs::path& path, Role role, const std::string& folder) {
  std::uint32_t mask = kItself | IN_ONLYDIR;
  if (role == Role::Parent)
    mask |= kNames;
  if (role == Role::Location || role == Role::Folder)
    mask |= kNames | IN_CLOSE_WRITE;
  if (role == Role::Folder)
    mask |= IN_DONT_FOLLOW;
  const auto id = ::inotify_add_watch(inotify_.get(), path.c_str(), mask);
  if (id < 0) {
    const auto code = errno;
    // Directories may be passed through that cannot be read.
    if (!is_absent(code) && !(code == EACCES && role == Role::Above))
      complain(path, code);
    return -code;
  }
  known_problems_.erase(path.string());
  watched_.insert_or_assign(id, Watched{role, folder});
  return id;
}

void DirectoryWatch::watch_all() {
  is_stale_ = false;
  for (const auto& [id, what] : watched_)
    ::inotify_rm_watch(inotify_.get(), id);
  watched_.clear();
  std::set<std::string> concerned{""};
  for (const auto& [folder, id] : std::exchange(folders_, {}))
    concerned.insert(folder);

  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto role = i + 1 == steps_.size()   ? Role::Location
                      : i + 2 == steps_.size() ? Role::Parent
                                               : Role::Above;
    if (const auto id = add(steps_[i], role); id >= 0 || !is_absent(-id))
      continue;
    // Its parent tells when it comes; it may have come before it was asked.
    if (i == 0 || add(steps_[i - 1], Role::Parent) < 0 || add(steps_[i], role) < 0)
      break;
  }
  std::error_code code;
  for (fs::directory_iterator at{steps_.back(), code}, end; !code && at != end;
       at.increment(code)) {
    std::error_code ignored;
    if (at->symlink_status(ignored).type() == fs::file_type::directory)
      watch_folder(at->path().filename().string());
  }
  for (const auto& folder : concerned)
    changes_.push_back({folder, {}});
}

void DirectoryWatch::watch_folder(const std::string& folder) {
  if (!is_resource_name(folder))
    return;
  forget(folder);
  const auto id = add(steps_.back() / folder, Role::Folder, folder);
  if (id >= 0)
    folders_[folder] = id;
  changes_.push_back({folder, {}});
}

void DirectoryWatch::forget(const std::string& folder) {
  const auto found = folders_.find(folder);
  if (found == folders_.end())
    return;
  ::inotify_rm_watch(inotify_.get(), found->second);
  watched_.erase(found->second);
  folders_.erase(found);
}

void DirectoryWatch::complain(const fs::path& path, int code) {
  auto& known = known_problems_[path.string()];
  if (std::exchange(known, code) != code)
    problems_.push_back({path.string(), "watch", {code, std::generic_category()}});
}

void DirectoryWatch::on_event(int id, std::uint32_t what, std::string_view name) {
  if ((what & IN_Q_OVERFLOW) != 0) {
    is_stale_ = true;
    return;
  }
  const auto found = watched_.find(id);
  if (found == watched_.end())  // of before
    return;
  const auto where = found->second;
  if ((what & (kItself | IN_IGNORED | IN_UNMOUNT)) == 0)
    return on_name(where, what, name);
  if (where.role != Role::Folder)
    is_stale_ = true;
  else if ((what & IN_IGNORED) != 0)
    watch_folder(where.folder);  // under the same name there may be another one
}

void DirectoryWatch::on_name(const Watched& where, std::uint32_t what, std::string_view name) {
  const bool is_directory = (what & IN_ISDIR) != 0;
  if (where.role == Role::Above || where.role == Role::Parent) {
    const auto is_step = [name](const auto& step) { return step.filename() == name; };
    is_stale_ |= std::any_of(steps_.begin(), steps_.end(), is_step);
  } else if (!is_directory) {
    changes_.push_back({where.folder, std::string{name}});
  } else if (where.role == Role::Location) {
    const std::string folder{name};
    if ((what & (IN_CREATE | IN_MOVED_TO)) != 0) {
      watch_folder(folder);
    } else if (folders_.contains(folder)) {
      forget(folder);
      changes_.push_back({folder, {}});
    }
  }
}

std::vector<DirectoryWatch::Change> DirectoryWatch::take() {
  alignas(inotify_event) std::array<char, 16384> room{};
  for (;;) {
    const auto got = ::read(inotify_.get(), room.data(), room.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, room.data() + at, sizeof event);
      const std::string_view name{room.data() + at + sizeof event,
                                  ::strnlen(room.data() + at + sizeof event, event.len)};
      on_event(event.wd, event.mask, name);
      at += sizeof event + event.len;
    }
  }
  if (is_stale_)
    watch_all();
  return std::exchange(changes_, {});
}

std::vector<StorageError> DirectoryWatch::take_problems() {
  return std::exchange(problems_, {});
}

}  // namespace onair
