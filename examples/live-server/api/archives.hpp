// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/archive_destination.hpp"
#include "api/channels.hpp"

namespace live {

// The archive of a channel, as its owner sees it.
enum class ArchiveState {
  Recording,  // until the channel ends
  Waiting,    // to be copied, or to be tried again
  Copying,
  Created,  // all of it is at its destination
  Failed,   // for good
};
const char* to_string(ArchiveState state);

struct ArchiveInfo {
  std::string connection_id = {};  // of a channel that takes several publishers
  std::string destination_id;
  std::string location;  // where it is, or will be
  ArchiveState state = ArchiveState::Recording;
  std::uint64_t files = 0;  // known when it is copied
  std::uint64_t files_copied = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_copied = 0;
  std::string error;  // why it was not copied last time
};

enum class DestinationRemoval { Done, Unknown, InUse };

// What the API acts upon; the server has them.
class Archives {
 public:
  virtual ~Archives() = default;
  // Without id and date, which it gets.
  virtual std::variant<ArchiveDestination, ApiProblem> create_destination(
      ArchiveDestination destination) = 0;
  [[nodiscard]] virtual std::vector<ArchiveDestination> destinations()
      const = 0;  // the oldest first
  virtual DestinationRemoval remove_destination(const std::string& id) = 0;
  // Nothing where there is no such channel.
  [[nodiscard]] virtual std::optional<std::vector<ArchiveInfo>> archives(
      const std::string& channel) const = 0;
};

Json to_json(const ArchiveInfo& archive);

}  // namespace live
