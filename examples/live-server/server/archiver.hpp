// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/archives.hpp"
#include "server/archive_copy.hpp"
#include "server/archive_record.hpp"
#include "timer.hpp"

namespace live {

// Copies archives of channels that have ended to their destinations, until they are there or have been given up. In
// DATA/archive-destinations and DATA/archives are its state files, and in DATA/archives/CHANNEL/ the archives; all of it
// outlives the server. Main thread.
class Archiver {
 public:
  enum class Event { Created, Failed };  // Failed: it may be tried again
  using OnEvent =
      std::function<void(const ArchiveRecord& record, const ArchiveInfo& archive, Event event)>;

  // `root`: directories below it may be destinations; empty: none.
  Archiver(std::string data, std::string root, OnEvent on_event);
  ~Archiver();
  Archiver(const Archiver&) = delete;
  Archiver& operator=(const Archiver&) = delete;

  // Reads the state files; empty, or why it can't.
  [[nodiscard]] std::string open();

  std::variant<ArchiveDestination, ApiProblem> create(ArchiveDestination destination);
  // False: it can't be removed.
  [[nodiscard]] bool remove(const std::string& id);
  // The oldest first.
  [[nodiscard]] std::vector<ArchiveDestination> destinations() const;
  [[nodiscard]] const ArchiveDestination* destination(const std::string& id) const;
  // Whether an archive has yet to be copied there.
  [[nodiscard]] bool is_needed(const std::string& destination) const;

  // Of what a channel has broadcast.
  [[nodiscard]] std::string folder_of(const std::string& channel) const;
  // It has ended, or is about to: then begin() follows when it has.
  void add(ArchiveRecord record, bool has_ended);
  void begin(const std::string& channel);
  // The channel is deleted: its archive stays until it has been copied.
  void on_deleted(const std::string& channel);
  [[nodiscard]] bool has(const std::string& channel) const { return jobs_.contains(channel); }
  // As it is now, where one has been added.
  [[nodiscard]] std::optional<ArchiveInfo> find(const std::string& channel) const;
  // Those of a channel's connections, even if they are gone.
  [[nodiscard]] std::vector<ArchiveInfo> of_connections(const std::string& channel) const;

 private:
  struct Work {
    ArchiveRecord record;
    std::unique_ptr<ArchiveCopy> copy;
    bool has_ended = true;
    std::uint64_t copied_before = 0;  // files, when this attempt began
  };

  [[nodiscard]] std::string file_of(const std::string& channel) const;
  [[nodiscard]] std::string file_of_destination(const std::string& id) const;
  void save(const ArchiveRecord& record) const;
  void pump();
  void start(Work& work);
  void save_progress();
  void on_end(const std::string& channel, const std::string& why_not);
  [[nodiscard]] ArchiveInfo info_of(const Work& work) const;
  void clean(const std::string& channel);

  const std::string data_;
  const std::string root_;
  const OnEvent on_event_;
  std::map<std::string, ArchiveDestination> destinations_;
  std::map<std::string, Work> jobs_;  // by channel
  Timer timer_;
  Timer saving_;
  Timer ending_;  // of channels that were deleted when the server before this one ended
};

}  // namespace live
