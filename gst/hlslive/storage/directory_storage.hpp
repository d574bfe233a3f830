// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>

#include "storage/file_descriptor.hpp"
#include "storage/storage.hpp"

namespace onair {

// Files of one directory, each written under a name of its own and renamed when it is whole. So a
// web server finds nothing that is half written, and neither does anyone after the process was
// killed. Unfinished files begin with a dot; those that a killed process left are removed at the
// start.
//
// Reading takes nothing but files, and so any thread may; everything else is for the one writer.
class DirectoryStorage final : public Storage {
 public:
  // What is on the disk when the power fails; none of it matters when only the process dies.
  enum class Sync {
    Never,     // as the file system likes
    Segments,  // a segment, before anything can list it
    Always,    // parts and playlists too, which costs two syncs for each
  };

  DirectoryStorage(std::filesystem::path directory, Sync sync);
  // What is unfinished is removed.
  ~DirectoryStorage() override;
  DirectoryStorage(const DirectoryStorage&) = delete;
  DirectoryStorage& operator=(const DirectoryStorage&) = delete;

  // Makes the directory and its parents, claims it and clears it of unfinished files. Two writers in
  // one directory would take each other's files for stale ones, so the second gets EBUSY. Writing
  // does this by itself when it must: at first, and when somebody removed the directory. Calling it
  // tells early what is wrong.
  [[nodiscard]] Failure prepare();

  [[nodiscard]] Failure replace(std::string_view name, Bytes bytes) override;
  [[nodiscard]] Failure begin(std::string_view name, Kind kind) override;
  [[nodiscard]] Failure append(std::string_view name, Bytes bytes) override;
  [[nodiscard]] Failure finish(std::string_view name) override;
  void abandon() override;
  [[nodiscard]] Failure remove(std::string_view name) override;
  [[nodiscard]] std::variant<Content, StorageError> read(std::string_view name,
                                                         std::uint64_t offset) const override;
  [[nodiscard]] std::variant<std::vector<std::string>, StorageError> names() const override;
  [[nodiscard]] std::optional<std::filesystem::path> path_of(std::string_view name) const override;

  // For an archive: takes over a complete resource of another storage. Costs no room where both are
  // on one file system (a hard link), and is a copy elsewhere.
  [[nodiscard]] Failure keep(const Storage& from, std::string_view name);
  // For an archive: adds to a complete resource, in time that does not depend on its length. Who reads at
  // this very moment, or after the process was killed in it, may find a part of `bytes` only. After an
  // error there is no more than there was.
  [[nodiscard]] Failure extend(std::string_view name, Bytes bytes);

 private:
  struct Growing {
    FileDescriptor file;
    Kind kind;
  };

  [[nodiscard]] std::filesystem::path unfinished(std::string_view name,
                                                 std::string_view suffix) const;
  [[nodiscard]] std::variant<FileDescriptor, StorageError> create(
      std::string_view name, const std::filesystem::path& path);
  [[nodiscard]] Failure write_whole(std::string_view name, const std::vector<Chunk>& chunks,
                                    bool is_synced);
  [[nodiscard]] Failure publish(std::string_view name, const std::filesystem::path& path,
                                bool is_synced);
  [[nodiscard]] bool is_synced(Kind kind) const;

  const std::filesystem::path directory_;
  const Sync sync_;
  FileDescriptor claim_;  // the directory; its lock is what makes it ours
  std::map<std::string, Growing, std::less<>> growing_;
};

// What a file of a directory is, or is going to be: 0-12.ts of .0-12.ts.onair-growing, of whole ones their own name.
std::string_view resource_of(std::string_view file);

}  // namespace onair
