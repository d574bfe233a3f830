// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/back_off.hpp"

namespace live {

// An archive that is to be copied, and what has come of that: its state file, which outlives the server and the channel.
// Pure.
class ArchiveRecord {
 public:
  using Time = std::chrono::system_clock::time_point;
  enum class State { Waiting, Created, Failed };
  // What is copied, in one order for good, and how much of that has been.
  struct Progress {
    std::uint64_t files = 0;
    std::uint64_t files_copied = 0;
    std::uint64_t bytes = 0;
    std::uint64_t bytes_copied = 0;
    friend bool operator==(const Progress&, const Progress&) = default;
  };

  std::string channel;
  std::string connection_of;  // the channel whose connection `channel` is; empty: it is none
  std::string destination;    // its id
  std::string event_webhook_url;
  unsigned broadcasts = 0;
  bool is_deleted = false;  // the channel: nobody needs the files here any more
  State state = State::Waiting;
  Progress progress;
  std::string error;  // of the last attempt
  unsigned failures = 0;
  std::optional<Time> failing_since;
  std::optional<Time> due;  // when it is tried again; none: now

  // What the API calls them.
  [[nodiscard]] const std::string& channel_id() const {
    return connection_of.empty() ? channel : connection_of;
  }
  [[nodiscard]] std::string connection_id() const {
    return connection_of.empty() ? std::string{} : channel.substr(connection_of.size() + 1);
  }

  void on_progress(const Progress& now) { progress = now; }
  void on_created();
  // True: it is given up. Who has got on with it has failed for the first time.
  bool on_failure(Time now, std::string why, bool has_got_on);

  friend bool operator==(const ArchiveRecord&, const ArchiveRecord&) = default;
};

std::string to_text(const ArchiveRecord& record);
// An error is a sentence for the log.
std::variant<ArchiveRecord, std::string> read_archive_record(std::string_view text);

}  // namespace live
