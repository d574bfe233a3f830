// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace onair {

using Bytes = std::span<const std::byte>;

inline Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

// Something that the caller may mend, wait out or report: never thrown.
struct StorageError {
  std::string name;
  std::string_view attempt;  // a literal: "write", "rename", …
  std::error_code code;
};

// A sentence: "cannot write 0-12.ts: No space left on device".
std::string to_text(const StorageError& error);

// Bytes that nobody changes any more; they live for as long as a copy of this does.
struct Chunk {
  std::shared_ptr<const void> owner;
  Bytes bytes;
};

// Room for so many bytes, to be filled once and then shared.
std::shared_ptr<std::byte[]> make_room(std::size_t size);

struct Content {
  std::vector<Chunk> chunks;  // from the offset on that was asked for; none if it is past the end
  std::uint64_t size = 0;     // of the whole resource, as far as there is any
  bool is_complete = false;   // false: more is being appended
};

// Where a writer puts what a playlist names. A resource is either replaced as a whole, so that a
// reader sees the old one or the new one and nothing between, or it grows: begun, appended to,
// finished. A growing resource can be read, but has its place among the others only once finished.
//
// One thread writes; any number of threads read meanwhile. Nothing here waits, except for the disk.
//
// After an error, what was there before is there still and whole. A growing resource is forgotten at
// the first error, and so the room that it took is free: begin it anew.
class Storage {
 public:
  enum class Kind {
    Segment,  // listed for long
    Part,     // partial segment: of use for seconds, and worthless after a restart
  };
  using Failure = std::optional<StorageError>;

  virtual ~Storage() = default;

  // Playlists, initialization sections, keys.
  [[nodiscard]] virtual Failure replace(std::string_view name, Bytes bytes) = 0;

  [[nodiscard]] virtual Failure begin(std::string_view name, Kind kind) = 0;
  [[nodiscard]] virtual Failure append(std::string_view name, Bytes bytes) = 0;
  [[nodiscard]] virtual Failure finish(std::string_view name) = 0;

  // What grows has no writer any more.
  virtual void abandon() = 0;

  // Whole or growing. It is no error if there is none.
  [[nodiscard]] virtual Failure remove(std::string_view name) = 0;

  [[nodiscard]] virtual std::variant<Content, StorageError> read(std::string_view name,
                                                                 std::uint64_t offset) const = 0;

  // All that is complete, in no order: after a restart some of it may be listed no more.
  [[nodiscard]] virtual std::variant<std::vector<std::string>, StorageError> names() const = 0;

  // Where it lies, for storage whose resources are files.
  [[nodiscard]] virtual std::optional<std::filesystem::path> path_of(std::string_view name) const {
    static_cast<void>(name);
    return std::nullopt;
  }
};

// What resources may be called: flat, so that no name leads out of a directory, and without a dot in
// front, as such names are for unfinished files.
bool is_resource_name(std::string_view name);

}  // namespace onair
