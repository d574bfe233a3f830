// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/directory_storage.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace onair {
namespace {

namespace fs = std::filesystem;

// Two suffixes, since a reader may see what grows, but nothing of a replacement before it is whole.
constexpr std::string_view kGrowing = ".onair-growing";
constexpr std::string_view kReplacement = ".onair-new";

StorageError error_of(std::string_view name, std::string_view attempt, int code) {
  return {std::string{name}, attempt, std::error_code{code, std::generic_category()}};
}

StorageError bad_name(std::string_view name) {
  return error_of(name, "name", EINVAL);
}

bool is_unfinished(std::string_view file) {
  return file.starts_with('.') && (file.ends_with(kGrowing) || file.ends_with(kReplacement));
}

int write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

// Network file systems and quotas tell only here what went wrong with the writing.
int close_of(FileDescriptor file) {
  return ::close(file.release()) == 0 ? 0 : errno;
}

FileDescriptor open_to_read(const fs::path& path) {
  return FileDescriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
}

FileDescriptor open_directory(const fs::path& path) {
  return FileDescriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

}  // namespace

DirectoryStorage::DirectoryStorage(fs::path directory, Sync sync)
    : directory_{std::move(directory)}, sync_{sync} {}

DirectoryStorage::~DirectoryStorage() {
  DirectoryStorage::abandon();
}

void DirectoryStorage::abandon() {
  for (const auto& [name, growing] : growing_)
    ::unlink(unfinished(name, kGrowing).c_str());
  growing_.clear();
}

Storage::Failure DirectoryStorage::prepare() {
  if (claim_)
    return std::nullopt;
  std::error_code code;
  fs::create_directories(directory_, code);
  if (code)
    return StorageError{directory_.string(), "create directory", code};
  auto claim = open_directory(directory_);
  if (!claim)
    return error_of(directory_.string(), "open directory", errno);
  // Some network file systems have no locks; there the operator sees to it.
  if (::flock(claim.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return error_of(directory_.string(), "claim directory", EBUSY);
  for (fs::directory_iterator at{directory_, code}, end; !code && at != end; at.increment(code)) {
    if (is_unfinished(at->path().filename().string()))
      ::unlink(at->path().c_str());
  }
  if (code)
    return StorageError{directory_.string(), "read directory", code};
  claim_ = std::move(claim);
  return std::nullopt;
}

fs::path DirectoryStorage::unfinished(std::string_view name, std::string_view suffix) const {
  std::string file{"."};
  file += name;
  file += suffix;
  return directory_ / file;
}

bool DirectoryStorage::is_synced(Kind kind) const {
  return sync_ == Sync::Always || (sync_ == Sync::Segments && kind == Kind::Segment);
}

std::variant<FileDescriptor, StorageError> DirectoryStorage::create(std::string_view name,
                                                                    const fs::path& path) {
  int code = 0;
  for (int tries = 0; tries < 3; ++tries) {
    if (auto failure = prepare())
      return *std::move(failure);
    FileDescriptor file{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666)};
    if (file)
      return file;
    code = errno;
    if (code == EEXIST)  // begun twice; never truncate it, as it may be a link to a file in use
      ::unlink(path.c_str());
    else if (code == ENOENT)  // the directory was removed under us
      claim_ = {};
    else
      break;
  }
  return error_of(name, "create", code);
}

Storage::Failure DirectoryStorage::publish(std::string_view name, const fs::path& path,
                                           bool is_synced) {
  if (::rename(path.c_str(), (directory_ / name).c_str()) != 0) {
    const auto code = errno;
    ::unlink(path.c_str());
    return error_of(name, "rename", code);
  }
  // By its path: another directory may have taken the place of the one that was claimed.
  const auto directory = is_synced ? open_directory(directory_) : FileDescriptor{};
  if (is_synced && (!directory || ::fsync(directory.get()) != 0))
    return error_of(name, "sync the directory of", errno);
  return std::nullopt;
}

Storage::Failure DirectoryStorage::write_whole(std::string_view name,
                                               const std::vector<Chunk>& chunks, bool is_synced) {
  const auto path = unfinished(name, kReplacement);
  auto created = create(name, path);
  if (auto* error = std::get_if<StorageError>(&created))
    return std::move(*error);
  auto& file = std::get<FileDescriptor>(created);
  std::string_view attempt = "write";
  int code = 0;
  for (const auto& chunk : chunks)
    code = code == 0 ? write_all(file.get(), chunk.bytes) : code;
  if (code == 0 && is_synced && ::fdatasync(file.get()) != 0) {
    attempt = "sync";
    code = errno;
  }
  if (const auto closed = close_of(std::move(file)); code == 0)
    code = closed;
  if (code != 0) {
    ::unlink(path.c_str());
    return error_of(name, attempt, code);
  }
  return publish(name, path, is_synced);
}

Storage::Failure DirectoryStorage::replace(std::string_view name, Bytes bytes) {
  if (!is_resource_name(name))
    return bad_name(name);
  return write_whole(name, {{nullptr, bytes}}, sync_ == Sync::Always);
}

Storage::Failure DirectoryStorage::begin(std::string_view name, Kind kind) {
  if (!is_resource_name(name))
    return bad_name(name);
  auto created = create(name, unfinished(name, kGrowing));
  if (auto* error = std::get_if<StorageError>(&created))
    return std::move(*error);
  growing_.insert_or_assign(std::string{name},
                            Growing{std::get<FileDescriptor>(std::move(created)), kind});
  return std::nullopt;
}

Storage::Failure DirectoryStorage::append(std::string_view name, Bytes bytes) {
  const auto found = growing_.find(name);
  if (found == growing_.end())
    return error_of(name, "append to", EBADF);
  const auto code = write_all(found->second.file.get(), bytes);
  if (code == 0)
    return std::nullopt;
  growing_.erase(found);
  ::unlink(unfinished(name, kGrowing).c_str());
  return error_of(name, "write", code);
}

Storage::Failure DirectoryStorage::finish(std::string_view name) {
  const auto found = growing_.find(name);
  if (found == growing_.end())
    return error_of(name, "finish", EBADF);
  auto growing = std::move(found->second);
  growing_.erase(found);
  const auto path = unfinished(name, kGrowing);
  const bool is_to_sync = is_synced(growing.kind);
  const auto synced = is_to_sync && ::fdatasync(growing.file.get()) != 0 ? errno : 0;
  const auto closed = close_of(std::move(growing.file));
  if (synced != 0 || closed != 0) {
    ::unlink(path.c_str());
    return synced != 0 ? error_of(name, "sync", synced) : error_of(name, "write", closed);
  }
  return publish(name, path, is_to_sync);
}

Storage::Failure DirectoryStorage::remove(std::string_view name) {
  if (!is_resource_name(name))
    return bad_name(name);
  if (const auto found = growing_.find(name); found != growing_.end()) {
    growing_.erase(found);
    ::unlink(unfinished(name, kGrowing).c_str());
  }
  if (::unlink((directory_ / name).c_str()) != 0 && errno != ENOENT)
    return error_of(name, "remove", errno);
  return std::nullopt;
}

std::variant<Content, StorageError> DirectoryStorage::read(std::string_view name,
                                                           std::uint64_t offset) const {
  if (!is_resource_name(name))
    return bad_name(name);
  const auto whole = directory_ / name;
  auto file = open_to_read(whole);
  bool is_complete = static_cast<bool>(file);
  if (!file && errno == ENOENT) {
    file = open_to_read(unfinished(name, kGrowing));
    if (!file && errno == ENOENT) {  // it may have been renamed between the two looks
      file = open_to_read(whole);
      is_complete = true;
    }
  }
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0)
    return error_of(name, "read", errno);
  if (!S_ISREG(about.st_mode))
    return error_of(name, "read", EINVAL);
  Content content{.size = static_cast<std::uint64_t>(about.st_size), .is_complete = is_complete};
  if (offset >= content.size)
    return content;
  const auto wanted = static_cast<std::size_t>(content.size - offset);
  auto room = make_room(wanted);
  for (std::size_t have = 0; have < wanted;) {
    const auto got =
        ::pread(file.get(), room.get() + have, wanted - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return error_of(name, "read", got < 0 ? errno : EIO);
    have += static_cast<std::size_t>(got);
  }
  const Bytes bytes{room.get(), wanted};
  content.chunks.push_back({std::move(room), bytes});
  return content;
}

std::optional<fs::path> DirectoryStorage::path_of(std::string_view name) const {
  if (!is_resource_name(name))
    return std::nullopt;
  return directory_ / name;
}

Storage::Failure DirectoryStorage::extend(std::string_view name, Bytes bytes) {
  if (!is_resource_name(name))
    return bad_name(name);
  if (auto failure = prepare())
    return failure;
  FileDescriptor file{
      ::open((directory_ / name).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)};
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0)
    return error_of(name, "open", errno);
  std::string_view attempt = "write";
  auto code = write_all(file.get(), bytes);
  if (code == 0 && sync_ == Sync::Always && ::fdatasync(file.get()) != 0) {
    attempt = "sync";
    code = errno;
  }
  if (code != 0 && ::ftruncate(file.get(), about.st_size) != 0)
    attempt = "take back what was written of";
  if (const auto closed = close_of(std::move(file)); code == 0)
    code = closed;
  return code == 0 ? Failure{} : error_of(name, attempt, code);
}

Storage::Failure DirectoryStorage::keep(const Storage& from, std::string_view name) {
  if (!is_resource_name(name))
    return bad_name(name);
  if (auto failure = prepare())
    return failure;
  const bool is_to_sync = is_synced(Kind::Segment);
  if (const auto source = from.path_of(name)) {
    const auto path = unfinished(name, kReplacement);
    ::unlink(path.c_str());
    if (::link(source->c_str(), path.c_str()) == 0) {
      // Whoever wrote it may not have synced it.
      const auto file = is_to_sync ? open_to_read(path) : FileDescriptor{};
      if (is_to_sync && (!file || ::fdatasync(file.get()) != 0)) {
        const auto code = errno;
        ::unlink(path.c_str());
        return error_of(name, "sync", code);
      }
      auto failure = publish(name, path, is_to_sync);
      ::unlink(path.c_str());  // rename() leaves both names where they are links to one file
      return failure;
    }
  }
  // Another file system, one without links, or too many of them: the copy tells what is wrong, if
  // anything is.
  auto content = from.read(name, 0);
  if (auto* error = std::get_if<StorageError>(&content))
    return std::move(*error);
  const auto& whole = std::get<Content>(content);
  if (!whole.is_complete)
    return error_of(name, "keep the unfinished", EAGAIN);
  return write_whole(name, whole.chunks, is_to_sync);
}

std::variant<std::vector<std::string>, StorageError> DirectoryStorage::names() const {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at{directory_, code}, end; !code && at != end; at.increment(code)) {
    std::error_code ignored;
    if (auto name = at->path().filename().string();
        is_resource_name(name) && at->symlink_status(ignored).type() == fs::file_type::regular)
      names.push_back(std::move(name));
  }
  if (code)
    return StorageError{directory_.string(), "read directory", code};
  return names;
}

std::string_view resource_of(std::string_view file) {
  if (!is_unfinished(file))
    return file;
  file.remove_prefix(1);
  return file.substr(0, file.rfind(file.ends_with(kGrowing) ? kGrowing : kReplacement));
}

}  // namespace onair
