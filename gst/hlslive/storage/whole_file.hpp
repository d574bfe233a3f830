// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace onair {

// A file of another process as it was when it was read. It is read, not mapped: who cuts a mapped file short
// ends the process that looks at it.
struct WholeFile {
  std::string bytes;
  // Tells it from the one that takes its place.
  struct Identity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  Identity identity;
};
using WholeFilePtr = std::shared_ptr<const WholeFile>;

// A longer one would hold up who reads it.
inline constexpr std::uint64_t kLongestFile = 256U << 20U;

// A file in a folder of the directory (empty: in the directory itself), or `known` if it is that still. Links are
// not followed, and what is no file is none: nothing leads out of the directory. Both names are plain ones
// (see is_resource_name).
[[nodiscard]] std::variant<WholeFilePtr, std::error_code> read_whole_file(
    const std::filesystem::path& directory, const std::string& folder, const std::string& name,
    const WholeFilePtr& known = {});

// Files that have been read lately, up to so many bytes of them; those that nobody asks for go first.
class FileCache {
 public:
  explicit FileCache(std::uint64_t limit) : limit_{limit} {}

  [[nodiscard]] WholeFilePtr find(std::string_view path);
  void keep(const std::string& path, WholeFilePtr file);
  void forget(std::string_view path);
  [[nodiscard]] std::uint64_t bytes_held() const { return held_; }

 private:
  struct Entry {
    std::string path;
    WholeFilePtr file;
  };
  using Entries = std::list<Entry>;  // the last one asked for at the front

  const std::uint64_t limit_;
  std::uint64_t held_ = 0;
  Entries entries_;
  std::map<std::string, Entries::iterator, std::less<>> places_;
};

}  // namespace onair
