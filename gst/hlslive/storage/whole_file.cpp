// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/whole_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file_descriptor.hpp"

namespace onair {
namespace {

std::error_code last_error() {
  return {errno, std::generic_category()};
}

FileDescriptor open_file(const std::filesystem::path& directory, const std::string& folder,
                         const std::string& name) {
  constexpr int kToPass = O_PATH | O_DIRECTORY | O_CLOEXEC;
  FileDescriptor place{::open(directory.c_str(), kToPass)};
  if (place && !folder.empty())
    place = FileDescriptor{::openat(place.get(), folder.c_str(), kToPass | O_NOFOLLOW)};
  if (!place)
    return {};
  // A pipe would wait for its writer.
  return FileDescriptor{::openat(place.get(), name.c_str(),
                                 O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)};
}

}  // namespace

std::variant<WholeFilePtr, std::error_code> read_whole_file(const std::filesystem::path& directory,
                                                            const std::string& folder,
                                                            const std::string& name,
                                                            const WholeFilePtr& known) {
  const auto absent = std::make_error_code(std::errc::no_such_file_or_directory);
  const auto file = open_file(directory, folder, name);
  if (!file)
    return errno == ENOTDIR || errno == ELOOP || errno == ENXIO ? absent : last_error();
  struct stat about {};
  if (::fstat(file.get(), &about) != 0)
    return last_error();
  if (!S_ISREG(about.st_mode))
    return absent;
  const WholeFile::Identity identity{.device = about.st_dev,
                                     .number = about.st_ino,
                                     .size = static_cast<std::uint64_t>(about.st_size),
                                     .seconds = about.st_mtim.tv_sec,
                                     .nanoseconds = about.st_mtim.tv_nsec};
  if (known && known->identity == identity)
    return known;
  if (identity.size > kLongestFile)
    return std::make_error_code(std::errc::file_too_large);
  auto whole = std::make_shared<WholeFile>(WholeFile{{}, identity});
  auto& bytes = whole->bytes;
  bytes.resize(identity.size);
  for (std::size_t have = 0; have < bytes.size();) {
    const auto got =
        ::pread(file.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return last_error();
    if (got == 0)  // it has been cut short meanwhile
      bytes.resize(have);
    have += static_cast<std::size_t>(got);
  }
  return whole;
}

WholeFilePtr FileCache::find(std::string_view path) {
  const auto place = places_.find(path);
  if (place == places_.end())
    return {};
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->file;
}

void FileCache::keep(const std::string& path, WholeFilePtr file) {
  forget(path);
  held_ += file->bytes.size();
  entries_.push_front({path, std::move(file)});
  places_[path] = entries_.begin();
  while (held_ > limit_)
    forget(entries_.back().path);
}

void FileCache::forget(std::string_view path) {
  const auto place = places_.find(path);
  if (place == places_.end())
    return;
  held_ -= place->second->file->bytes.size();
  entries_.erase(place->second);
  places_.erase(place);
}

}  // namespace onair
