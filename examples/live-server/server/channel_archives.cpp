// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_archives.hpp"

#include <algorithm>
#include <utility>

#include "server/archive_store.hpp"

namespace live {

ChannelArchives::ChannelArchives(const Settings& settings, const ChannelRegistry& registry,
                                 const ChannelConnections& connections, Archiver::OnEvent on_event)
    : registry_{registry},
      connections_{connections},
      archiver_{settings.data, settings.archive_directory, std::move(on_event)} {}

std::string ChannelArchives::open() {
  if (auto why = archiver_.open(); !why.empty())
    return why;
  for (const auto& [id, its] : registry_.all())
    if (its->record().has_ended)
      on_ended(*its);
  return {};
}

std::variant<ArchiveDestination, ApiProblem> ChannelArchives::create_destination(
    ArchiveDestination destination) {
  return archiver_.create(std::move(destination));
}

std::vector<ArchiveDestination> ChannelArchives::destinations() const {
  return archiver_.destinations();
}

DestinationRemoval ChannelArchives::remove_destination(const std::string& id) {
  const auto& all = registry_.all();
  const bool is_used = std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    const auto& record = entry.second->record();
    return record.request.hls.archive_destination == id && !record.has_ended;
  });
  if (is_used || archiver_.is_needed(id))
    return DestinationRemoval::InUse;
  return archiver_.remove(id) ? DestinationRemoval::Done : DestinationRemoval::Unknown;
}

std::optional<std::vector<ArchiveInfo>> ChannelArchives::archives(
    const std::string& channel) const {
  const auto* its = registry_.channel(channel);
  auto list = archiver_.of_connections(channel);
  if (auto found = archiver_.find(channel))
    list.push_back(*std::move(found));
  if (!its)
    return list.empty() ? std::nullopt : std::optional{std::move(list)};
  const auto* destination = archiver_.destination(its->record().request.hls.archive_destination);
  const auto add_recording = [&](const ChannelRecord& record) {
    if (destination && record.broadcasts > 0 && !record.has_ended && !archiver_.has(record.id))
      list.push_back({.connection_id = record.connection_id(),
                      .destination_id = destination->id,
                      .location = archive_location(*destination, record.id)});
  };
  add_recording(its->record());
  for (const auto* connection : connections_.of(channel))
    add_recording(connection->record());
  return list;
}

void ChannelArchives::add(const RunningChannel& its, bool is_deleted) {
  const auto& record = its.record();
  const auto& id = record.id;
  if (record.request.hls.archive_destination.empty())
    return;
  const auto has_worker = its.has_worker();
  if (!archiver_.has(id) && (has_worker || holds_segments(archiver_.folder_of(id))))
    archiver_.add({.channel = id,
                   .connection_of = record.channel,
                   .destination = record.request.hls.archive_destination,
                   .event_webhook_url = record.request.event_webhook_url.value_or(""),
                   .broadcasts = record.broadcasts,
                   .is_deleted = is_deleted},
                  !has_worker);
  if (is_deleted)
    archiver_.on_deleted(id);
}

}  // namespace live
