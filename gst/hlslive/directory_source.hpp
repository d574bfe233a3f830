// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "glue/gstptr.hpp"
#include "resource_answer.hpp"
#include "storage/directory_watch.hpp"
#include "storage/whole_file.hpp"

namespace onair {

// What another process writes into a directory and the folders in it, as players get it. Each answer is of the
// files as they are at that moment; what news there is says only who has to ask again. Any thread.
class DirectorySource {
 public:
  struct Config {
    std::filesystem::path location;
    std::uint64_t cache_size = 0;  // in bytes
  };
  struct Stats {
    std::uint64_t requests = 0;
    std::uint64_t reads = 0;  // of files, playlists among them
    std::uint64_t playlists = 0;
    std::uint64_t cached = 0;  // bytes
  };

  explicit DirectorySource(Config config);

  // See hlslivesink's request-resource. `target`: a name, or a folder's and a name.
  [[nodiscard]] StructurePtr request(std::string_view target, std::uint64_t offset);
  // Who waits for these has to ask again.
  [[nodiscard]] std::vector<std::string> take_in(
      const std::vector<DirectoryWatch::Change>& changes);
  [[nodiscard]] Stats stats();

 private:
  // A file, by its place below the location.
  struct Place {
    std::string folder;  // empty: the location itself
    std::string name;
    [[nodiscard]] std::string path() const { return folder.empty() ? name : folder + '/' + name; }
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Playlist {
    WholeFilePtr file;
    PlaylistView view;
    Duration target_duration{};
    bool is_understood = false;
  };
  using PlaylistOrError = std::variant<const Playlist*, std::error_code>;
  class News;

  [[nodiscard]] StructurePtr request_playlist(const Place& place, std::string_view query);
  [[nodiscard]] StructurePtr request_file(const Place& place, std::uint64_t offset);
  [[nodiscard]] StructurePtr await(const Place& place, StructurePtr answer);
  [[nodiscard]] StructurePtr refuse(const Place& place, std::error_code code) const;
  [[nodiscard]] PlaylistOrError playlist_at(const Place& place);
  [[nodiscard]] Playlist understand(const Place& place, WholeFilePtr file) const;
  [[nodiscard]] Duration target_duration_of(const Place& master, const Playlist& its);
  [[nodiscard]] bool is_announced(const Place& playlist) const;
  [[nodiscard]] const Playlist* hinting_at(const Place& part) const;
  void note_rendition(const Place& file);
  void look_through(const std::string& folder, News& news);
  void look_at(const Place& place, News& news);

  const Config config_;
  std::mutex mutex_;
  FileCache files_;
  std::map<Place, Playlist> playlists_;
  std::set<Place> awaited_;
  // Of renditions that are being written in a folder: a playlist comes with the first segment.
  std::map<std::string, std::set<std::string, std::less<>>> renditions_;
  std::uint64_t requests_ = 0;
  std::uint64_t reads_ = 0;
};

}  // namespace onair
