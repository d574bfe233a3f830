// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "playlist/media_playlist.hpp"
#include "storage/directory_storage.hpp"
#include "storage/published_playlist.hpp"

namespace onair {

// Lists again what a process left behind.
void resume(MediaPlaylist& playlist, const PublishedPlaylist& left, ClockTime now);

// All that was ever listed, in a directory of its own, beside a live playlist that is short: segments, an
// EVENT playlist for each rendition, the master playlist. A later broadcast goes on behind a discontinuity,
// also when this one has ended: nothing that was written is lost.
//
// A playlist is added to, as it grows for days: the lines of a segment are in it all at once for who reads
// it later, and all but at once for who reads it just then.
class Archive {
 public:
  Archive(std::filesystem::path directory, DirectoryStorage::Sync sync)
      : storage_{std::move(directory), sync} {}

  // Takes over what is there.
  [[nodiscard]] Storage::Failure prepare();
  // Names that are taken.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  // Of a playlist that goes on with what a process that was killed has left: it may list more than that process has kept.
  [[nodiscard]] Storage::Failure go_on(const std::string& playlist, Duration target,
                                       const std::deque<MediaSegment>& listed, const Storage& from,
                                       ClockTime now);
  // `segment` has been finished in `from`, or is a gap.
  [[nodiscard]] Storage::Failure add(const std::string& playlist, Duration target,
                                     const MediaSegment& segment, const Storage& from,
                                     ClockTime now);
  [[nodiscard]] Storage::Failure end(const std::string& playlist, ClockTime now);
  [[nodiscard]] Storage::Failure replace(const std::string& name, std::string_view text) {
    return storage_.replace(name, bytes_of(text));
  }

 private:
  [[nodiscard]] MediaPlaylist& playlist_of(const std::string& name, Duration target, ClockTime now);
  [[nodiscard]] Storage::Failure keep(const std::string& name, const Storage& from);
  [[nodiscard]] Storage::Failure list(const std::string& name, const MediaPlaylist& playlist);

  DirectoryStorage storage_;
  std::vector<std::string> names_;
  std::map<std::string, PublishedPlaylist> left_;
  std::map<std::string, MediaPlaylist> playlists_;
  std::map<std::string, std::string> headers_;  // of the playlists as they have been written
  std::set<std::string> maps_;                  // that are kept
};

}  // namespace onair
