// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "playlist/retirement.hpp"
#include "storage/published_playlist.hpp"
#include "storage/storage.hpp"

namespace onair {

// What a process that ended or died has left in a storage: playlists that its successor goes on with, in which a segment
// that was never finished ends with its last part, numbers that are taken, and files that go when nobody may ask for them
// any more. A playlist is called
// after its rendition; what files are called says FileName.
class Inheritance {
 public:
  // Names that are taken too, wherever they lie.
  void reserve(const std::vector<std::string>& names);
  // Whatever is there. `target`: how long the successor's segments last. What nobody may ask for any more
  // is removed at once.
  [[nodiscard]] Storage::Failure accept(Storage& storage, Duration target, ClockTime now);

  // Playlists that can be gone on with.
  [[nodiscard]] std::vector<std::string> playlists() const;
  // Of the segments to come, in all renditions.
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  // Of the first of them, where a playlist begins anew: in all renditions the same (RFC 8216 section 6.2.4), however
  // much of the last lives each has listed.
  [[nodiscard]] std::uint64_t next_discontinuity_sequence() const {
    return next_discontinuity_sequence_;
  }
  // No file of the rendition that anybody may know has this number or a greater one.
  [[nodiscard]] std::uint64_t next_number(const std::string& rendition) const;
  // For who goes on with it, once.
  [[nodiscard]] std::optional<PublishedPlaylist> take(const std::string& playlist);
  // Nobody goes on with this one, and nobody learns of its files any more.
  void retire(const PublishedPlaylist& playlist, ClockTime now);
  // Appends to `due` the files that nobody may ask for any more.
  void take_due(ClockTime now, std::vector<std::string>& due) { retired_.take_due(now, due); }
  // What was wrong and does not matter, in sentences.
  [[nodiscard]] const std::vector<std::string>& oddities() const { return oddities_; }

 private:
  void read(Storage& storage, const std::string& name);
  void finish(Storage& storage, PublishedPlaylist& playlist);
  void level();
  void clear(Storage& storage, const std::vector<std::string>& names, Duration target,
             ClockTime now);

  std::map<std::string, PublishedPlaylist> playlists_;
  std::set<std::string, std::less<>>
      unread_;  // renditions of whose playlists nothing could be read
  std::map<std::string, std::uint64_t, std::less<>> next_numbers_;  // of files, by rendition
  std::uint64_t next_sequence_ = 0;
  std::uint64_t next_discontinuity_sequence_ = 0;
  Retirement retired_;
  std::vector<std::string> oddities_;
};

}  // namespace onair
