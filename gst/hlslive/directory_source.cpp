// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory_source.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "file_name.hpp"
#include "playlist/playlist_outline.hpp"
#include "storage/directory_storage.hpp"

namespace onair {
namespace {

// Before there is a playlist that says it.
constexpr Duration kUsualTargetDuration = std::chrono::seconds(1);

bool is_playlist(std::string_view name) {
  return name.ends_with(kPlaylistEnding);
}

std::string_view rendition_of(std::string_view playlist) {
  return playlist.substr(0, playlist.size() - kPlaylistEnding.size());
}

// The first playlist in its own folder that a master playlist names.
std::optional<std::string> first_playlist(std::string_view master) {
  while (!master.empty()) {
    const auto line = master.substr(0, master.find('\n'));
    master.remove_prefix(std::min(line.size() + 1, master.size()));
    if (!line.starts_with('#') && is_playlist(line) && is_resource_name(line))
      return std::string{line};
  }
  return std::nullopt;
}

}  // namespace

// Names to tell, each once.
class DirectorySource::News {
 public:
  explicit News(std::set<Place>& awaited) : awaited_{awaited} {}

  void add(const Place& place) {
    awaited_.erase(place);
    if (known_.insert(place).second)
      names_.push_back(place.path());
  }
  // Those in the folder of which that is true.
  template <typename Predicate>
  void add_awaited(const std::string& folder, const Predicate& is_concerned) {
    std::vector<Place> concerned;
    for (auto at = awaited_.lower_bound({folder, {}}); at != awaited_.end() && at->folder == folder;
         ++at)
      if (is_concerned(at->name))
        concerned.push_back(*at);
    for (const auto& place : concerned)
      add(place);
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::set<Place>& awaited_;
  std::set<Place> known_;
  std::vector<std::string> names_;
};

DirectorySource::DirectorySource(Config config)
    : config_{std::move(config)}, files_{config_.cache_size} {}

// ---- requests

StructurePtr DirectorySource::request(std::string_view target, std::uint64_t offset) {
  const ResourceTarget wanted{target};
  Place place{.folder = {}, .name = wanted.name};
  if (const auto slash = wanted.name.find('/'); slash != std::string::npos)
    place = {.folder = wanted.name.substr(0, slash), .name = wanted.name.substr(slash + 1)};
  const bool is_in_folder = place.name.size() != wanted.name.size();
  const std::lock_guard lock{mutex_};
  ++requests_;
  if (!is_resource_name(place.name) || (is_in_folder && !is_resource_name(place.folder)))
    return answer_missing();
  return is_playlist(place.name) ? request_playlist(place, wanted.query)
                                 : request_file(place, offset);
}

StructurePtr DirectorySource::request_playlist(const Place& place, std::string_view query) {
  const auto found = playlist_at(place);
  if (const auto* code = std::get_if<std::error_code>(&found)) {
    // Who comes too early waits for the first segment.
    if (*code == std::errc::no_such_file_or_directory && is_announced(place))
      return await(place, answer_soon(place.path(), kUsualTargetDuration));
    return refuse(place, *code);
  }
  const auto& playlist = *std::get<const Playlist*>(found);
  if (playlist.view.is_master)
    return answer_playlist(place.path(), playlist.view, {}, target_duration_of(place, playlist));
  return await(place, answer_playlist(place.path(), playlist.view,
                                      playlist.is_understood ? query : std::string_view{},
                                      playlist.target_duration));
}

StructurePtr DirectorySource::request_file(const Place& place, std::uint64_t offset) {
  const auto path = place.path();
  const auto known = files_.find(path);
  auto read = read_whole_file(config_.location, place.folder, place.name, known);
  if (const auto* code = std::get_if<std::error_code>(&read)) {
    files_.forget(path);
    const auto* hinting = hinting_at(place);
    if (*code == std::errc::no_such_file_or_directory && hinting)
      return await(place, answer_next(path, hinting->target_duration));
    return refuse(place, *code);
  }
  const auto& file = std::get<WholeFilePtr>(read);
  if (file != known) {
    ++reads_;
    files_.keep(path, file);
  }
  const auto bytes = bytes_of(file->bytes);
  return answer_file(path, {{file, bytes.subspan(std::min<std::uint64_t>(offset, bytes.size()))}},
                     true);
}

// Remembers who has to be told, if somebody waits now.
StructurePtr DirectorySource::await(const Place& place, StructurePtr answer) {
  if (gst_structure_has_field(answer.get(), "wait-for"))
    awaited_.insert(place);
  return answer;
}

StructurePtr DirectorySource::refuse(const Place& place, std::error_code code) const {
  if (code == std::errc::no_such_file_or_directory)
    return answer_missing();
  return answer_unavailable(to_text({place.path(), "read", code}));
}

// ---- playlists

DirectorySource::PlaylistOrError DirectorySource::playlist_at(const Place& place) {
  const auto known = playlists_.find(place);
  auto read = read_whole_file(config_.location, place.folder, place.name,
                              known == playlists_.end() ? nullptr : known->second.file);
  if (const auto* code = std::get_if<std::error_code>(&read)) {
    playlists_.erase(place);
    return *code;
  }
  auto& file = std::get<WholeFilePtr>(read);
  if (known != playlists_.end() && known->second.file == file)
    return &known->second;
  ++reads_;
  return &playlists_.insert_or_assign(place, understand(place, std::move(file))).first->second;
}

DirectorySource::Playlist DirectorySource::understand(const Place& place, WholeFilePtr file) const {
  Playlist playlist{.file = file};
  auto& view = playlist.view;
  view.full = {file, &file->bytes};
  view.is_master = place.name == kMasterPlaylist;
  if (view.is_master)
    return playlist;
  auto outline = outline_of(file->bytes);
  if (!outline)
    return playlist;
  playlist.is_understood = true;
  playlist.target_duration = outline->target_duration;
  view.edge = outline->edge;
  view.hint = std::move(outline->hint);
  if (!outline->delta.empty())
    view.delta = std::make_shared<const std::string>(std::move(outline->delta));
  return playlist;
}

Duration DirectorySource::target_duration_of(const Place& master, const Playlist& its) {
  const auto name = first_playlist(*its.view.full);
  if (!name || *name == master.name)
    return kUsualTargetDuration;
  const auto found = playlist_at({master.folder, *name});
  const auto* const* playlist = std::get_if<const Playlist*>(&found);
  return playlist && (*playlist)->is_understood ? (*playlist)->target_duration
                                                : kUsualTargetDuration;
}

bool DirectorySource::is_announced(const Place& playlist) const {
  const auto found = renditions_.find(playlist.folder);
  if (found == renditions_.end())
    return false;
  return playlist.name == kMasterPlaylist || found->second.contains(rendition_of(playlist.name));
}

const DirectorySource::Playlist* DirectorySource::hinting_at(const Place& part) const {
  for (auto at = playlists_.lower_bound({part.folder, {}});
       at != playlists_.end() && at->first.folder == part.folder; ++at)
    if (at->second.view.hint == part.name)
      return &at->second;
  return nullptr;
}

// ---- news

std::vector<std::string> DirectorySource::take_in(
    const std::vector<DirectoryWatch::Change>& changes) {
  const std::lock_guard lock{mutex_};
  News news{awaited_};
  for (const auto& [folder, name] : changes) {
    if (name.empty())
      look_through(folder, news);
    else
      look_at({folder, name}, news);
  }
  return news.take();
}

void DirectorySource::look_through(const std::string& folder, News& news) {
  std::set<Place> playlists;
  for (auto at = playlists_.lower_bound({folder, {}});
       at != playlists_.end() && at->first.folder == folder; ++at)
    playlists.insert(at->first);
  renditions_.erase(folder);
  std::error_code code;
  for (std::filesystem::directory_iterator at{config_.location / folder, code}, end;
       !code && at != end; at.increment(code)) {
    const Place place{folder, at->path().filename().string()};
    note_rendition(place);
    if (is_playlist(place.name))
      playlists.insert(place);
  }
  for (const auto& place : playlists)
    look_at(place, news);
  news.add_awaited(folder, [](const auto&) { return true; });
}

void DirectorySource::note_rendition(const Place& file) {
  if (const auto its = parse_file_name(resource_of(file.name)))
    renditions_[file.folder].emplace(its->rendition);
}

void DirectorySource::look_at(const Place& place, News& news) {
  note_rendition(place);
  if (!is_resource_name(place.name))
    return;
  // Identities are given again, and times are those of the last tick.
  files_.forget(place.path());
  playlists_.erase(place);
  news.add(place);
  if (!is_playlist(place.name))
    return;
  // Read here, so that nobody who asks waits for it; and so that what it hints at is known.
  const auto found = playlist_at(place);
  if (std::holds_alternative<std::error_code>(found)) {
    const auto renditions = renditions_.find(place.folder);
    if (renditions != renditions_.end())
      renditions->second.erase(std::string{rendition_of(place.name)});
    if (renditions != renditions_.end() &&
        (place.name == kMasterPlaylist || renditions->second.empty()))
      renditions_.erase(renditions);
  }
  // It may hint at another part now, and the former one does not come any more.
  news.add_awaited(place.folder, [](const auto& name) { return !is_playlist(name); });
}

DirectorySource::Stats DirectorySource::stats() {
  const std::lock_guard lock{mutex_};
  return {.requests = requests_,
          .reads = reads_,
          .playlists = playlists_.size(),
          .cached = files_.bytes_held()};
}

}  // namespace onair
