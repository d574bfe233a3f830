// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/archives.hpp"

namespace live {

const char* to_string(ArchiveState state) {
  switch (state) {
    case ArchiveState::Recording:
      return "recording";
    case ArchiveState::Waiting:
      return "waiting";
    case ArchiveState::Copying:
      return "copying";
    case ArchiveState::Created:
      return "created";
    case ArchiveState::Failed:
      break;
  }
  return "failed";
}

Json to_json(const ArchiveInfo& archive) {
  Json json{{"archive_destination_id", archive.destination_id},
            {"location", archive.location},
            {"state", to_string(archive.state)},
            {"files", archive.files},
            {"files_copied", archive.files_copied},
            {"bytes", archive.bytes},
            {"bytes_copied", archive.bytes_copied}};
  if (!archive.connection_id.empty())
    json["connection_id"] = archive.connection_id;
  if (!archive.error.empty())
    json["error"] = archive.error;
  return json;
}

}  // namespace live
