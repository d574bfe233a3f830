// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/archives.hpp"
#include "server/archiver.hpp"
#include "server/channel_connections.hpp"
#include "server/channel_registry.hpp"
#include "server/running_channel.hpp"
#include "settings.hpp"

namespace live {

// The archives of channels and their connections, from the recording, which workers do, to the copy, which Archiver makes.
// Main thread.
class ChannelArchives final : public Archives {
 public:
  ChannelArchives(const Settings& settings, const ChannelRegistry& registry,
                  const ChannelConnections& connections, Archiver::OnEvent on_event);

  // When the registry has all that it goes on with: empty, or why it can't.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::string folder_of(const std::string& id) const {
    return archiver_.folder_of(id);
  }
  [[nodiscard]] bool has_destination(const std::string& id) const {
    return archiver_.destination(id) != nullptr;
  }

  std::variant<ArchiveDestination, ApiProblem> create_destination(
      ArchiveDestination destination) override;
  [[nodiscard]] std::vector<ArchiveDestination> destinations() const override;
  DestinationRemoval remove_destination(const std::string& id) override;
  [[nodiscard]] std::optional<std::vector<ArchiveInfo>> archives(
      const std::string& channel) const override;

  // It is copied, if there is one.
  void on_ended(const RunningChannel& its) { add(its, false); }
  // The same as soon as its process has ended: on_removed() follows.
  void on_deleted(const RunningChannel& its) { add(its, true); }
  void on_removed(const std::string& id) { archiver_.begin(id); }

 private:
  void add(const RunningChannel& its, bool is_deleted);

  const ChannelRegistry& registry_;
  const ChannelConnections& connections_;
  Archiver archiver_;
};

}  // namespace live
