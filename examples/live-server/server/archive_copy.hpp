// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/archive_destination.hpp"
#include "server/archive_record.hpp"

namespace live {

// Copies one archive to its destination, once, on a thread of its own. All else is called on the main thread.
class ArchiveCopy {
 public:
  struct Job {
    std::string folder;  // which nobody writes to any more
    std::string name;    // at the destination
    ArchiveDestination destination;
    std::string root;                  // of directories
    ArchiveRecord::Progress progress;  // so far
  };
  // Empty, or a sentence that says why not. It may delete this.
  using OnEnd = std::function<void(const std::string& why_not)>;

  ArchiveCopy(Job job, OnEnd on_end);
  // Interrupts it, within a second or so.
  ~ArchiveCopy();
  ArchiveCopy(const ArchiveCopy&) = delete;
  ArchiveCopy& operator=(const ArchiveCopy&) = delete;

  [[nodiscard]] ArchiveRecord::Progress progress() const;

 private:
  // Outlives this while its thread's last message is on its way.
  struct End {
    OnEnd call;  // empty: nobody waits for it
    std::string why_not;
  };

  [[nodiscard]] std::string copy();
  [[nodiscard]] std::string copy_files();

  const Job job_;
  std::atomic<bool> stops_{false};
  std::atomic<std::uint64_t> files_;
  std::atomic<std::uint64_t> files_copied_;
  std::atomic<std::uint64_t> bytes_;
  std::atomic<std::uint64_t> bytes_copied_;
  std::shared_ptr<End> end_;
  std::thread thread_;
};

// The names of all files of a folder.
std::vector<std::string> file_names(const std::string& folder);

// Whether anything of a broadcast is in a folder; takes no time in proportion to how much.
bool holds_segments(const std::string& folder);

}  // namespace live
