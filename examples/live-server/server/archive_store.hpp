// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "api/archive_destination.hpp"

namespace live {

// Takes files for a destination, each as a whole or not at all. For one thread.
class ArchiveStore {
 public:
  virtual ~ArchiveStore() = default;
  // `file` as `name`; what was called so is replaced. Empty, or a sentence that says why not.
  [[nodiscard]] virtual std::string put(const std::string& name,
                                        const std::filesystem::path& file) = 0;
};

// Into a folder or below a key that is called `name`. Directories are made, if they lie below `root`. Who sets `stops` is
// waited for no longer than a second.
std::variant<std::unique_ptr<ArchiveStore>, std::string> open_archive_store(
    const ArchiveDestination& destination, const std::string& name, const std::string& root,
    const std::atomic<bool>& stops);

// Where that is, for people.
std::string archive_location(const ArchiveDestination& destination, const std::string& name);

// Whether a directory is the root or below it, wherever links lead.
bool is_below(const std::filesystem::path& directory, const std::filesystem::path& root);

}  // namespace live
