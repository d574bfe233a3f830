// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inheritance.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <variant>

#include "file_name.hpp"
#include "storage/content_text.hpp"

namespace onair {
namespace {

Duration length_of(const PublishedPlaylist& playlist) {
  Duration sum{};
  for (const auto& segment : playlist.segments)
    sum += segment.duration;
  return sum;
}

// Since it was written; nothing where that cannot be said.
Duration age_of(const std::filesystem::path& path) {
  std::error_code code;
  const auto written = std::filesystem::last_write_time(path, code);
  return code ? Duration{0}
              : std::max<Duration>(std::filesystem::file_time_type::clock::now() - written,
                                   Duration{0});
}

// Nothing if one is missing.
std::optional<std::string> joined(const Storage& storage, const std::vector<std::string>& names) {
  std::string bytes;
  for (const auto& name : names) {
    const auto read = storage.read(name, 0);
    const auto* content = std::get_if<Content>(&read);
    if (!content || !content->is_complete)
      return std::nullopt;
    bytes += text_of(*content);
  }
  return bytes;
}

std::string rendition_of(const std::string& playlist) {
  return playlist.substr(0, playlist.size() - kPlaylistEnding.size());
}

}  // namespace

void Inheritance::reserve(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (const auto file = parse_file_name(name)) {
      auto& next = next_numbers_[std::string{file->rendition}];
      next = std::max(next, file->number + 1);
    }
}

Storage::Failure Inheritance::accept(Storage& storage, Duration target, ClockTime now) {
  const auto found = storage.names();
  if (const auto* failure = std::get_if<StorageError>(&found))
    return *failure;
  const auto& names = std::get<std::vector<std::string>>(found);
  reserve(names);
  for (const auto& name : names)
    if (name.ends_with(kPlaylistEnding) && name != kMasterPlaylist)
      read(storage, name);
  level();
  clear(storage, names, target, now);
  return std::nullopt;
}

void Inheritance::read(Storage& storage, const std::string& name) {
  const auto file = storage.read(name, 0);
  const auto* found = std::get_if<Content>(&file);
  if (!found) {
    unread_.insert(rendition_of(name));
    oddities_.push_back(to_text(std::get<StorageError>(file)));
    return;
  }
  const auto text = text_of(*found);
  auto playlist = parse_published_playlist(text);
  if (const auto* error = std::get_if<PlaylistSyntaxError>(&playlist)) {
    unread_.insert(rendition_of(name));
    oddities_.push_back(name + " is no playlist of ours, and is written over: " + to_text(*error));
    return;
  }
  auto& left = std::get<PublishedPlaylist>(playlist);
  reserve(left.unfinished_parts);
  for (const auto& segment : left.segments)
    reserve({segment.uri});
  finish(storage, left);
  playlists_.emplace(name, std::move(left));
}

// What players have of its parts stays where it was in the playlist: one that has loaded them must not find something
// else under the same number (hls.js 1.7: "discontinuity sequence mismatch"). Parts make up the segment byte for byte, but
// not where each is encrypted by itself.
void Inheritance::finish(Storage& storage, PublishedPlaylist& playlist) {
  const auto& begun = playlist.begun;
  const auto file = begun ? parse_file_name(begun->parts.front()) : std::nullopt;
  if (!file || playlist.has_ended)
    return;
  const auto& first = begun->parts.front();
  auto segment = begun->segment;
  const std::string rendition{file->rendition};
  // Its own name may be there, with a part more than anybody was told of.
  segment.uri =
      rendition + '-' + std::to_string(next_numbers_[rendition]++) + first.substr(first.rfind('.'));
  segment.is_gap |= segment.key.has_value();
  if (!segment.is_gap) {
    const auto bytes = joined(storage, begun->parts);
    const auto failure = bytes ? storage.replace(segment.uri, bytes_of(*bytes)) : std::nullopt;
    if (failure)
      oddities_.push_back(to_text(*failure));
    segment.is_gap = !bytes || failure;
  }
  playlist.segments.push_back(std::move(segment));
}

// All renditions go on with the same number.
void Inheritance::level() {
  for (auto& [name, playlist] : playlists_) {
    const auto rendition = rendition_of(name);
    for (const auto& [other, ahead] : playlists_)
      if (!playlist.has_ended && !ahead.has_ended)
        playlist.catch_up(ahead, rendition, next_numbers_[rendition]);
    next_sequence_ = std::max(next_sequence_, playlist.next_media_sequence());
    next_discontinuity_sequence_ =
        std::max(next_discontinuity_sequence_, playlist.next_discontinuity_sequence() + 1);
  }
}

// Of the files that have our names, those that nobody may ask for any more: no playlist lists them, and
// the longest one that did is over (section 6.2.2 of the draft).
void Inheritance::clear(Storage& storage, const std::vector<std::string>& names, Duration target,
                        ClockTime now) {
  std::set<std::string_view> listed;
  Duration longest{};
  for (const auto& [name, playlist] : playlists_) {
    for (const auto& segment : playlist.segments) {
      if (!segment.is_gap)
        listed.insert(segment.uri);
      if (segment.map)
        listed.insert(*segment.map);
    }
    longest = std::max(longest, length_of(playlist));
  }
  // In the playlist, and as long again behind it.
  const auto stays = 2 * longest + target;
  std::vector<std::pair<Duration, std::string>> awaited;
  for (const auto& name : names) {
    const auto file = parse_file_name(name);
    if (!file || listed.contains(name) || unread_.contains(file->rendition))
      continue;
    const auto path = storage.path_of(name);
    // The newest one keeps its number from being given again, should this process die at once.
    const auto is_newest = file->number + 1 == next_number(std::string{file->rendition});
    const auto age = path && !is_newest ? age_of(*path) : Duration{0};
    if (age < stays)
      awaited.emplace_back(stays - age, name);
    else if (const auto failure = storage.remove(name))
      oddities_.push_back(to_text(*failure));
  }
  std::sort(awaited.begin(), awaited.end());
  for (auto& [rest, name] : awaited)
    retired_.add(std::move(name), now + rest);
}

std::vector<std::string> Inheritance::playlists() const {
  std::vector<std::string> names;
  for (const auto& [name, playlist] : playlists_)
    names.push_back(name);
  return names;
}

std::uint64_t Inheritance::next_number(const std::string& rendition) const {
  const auto found = next_numbers_.find(rendition);
  return found == next_numbers_.end() ? 0 : found->second;
}

std::optional<PublishedPlaylist> Inheritance::take(const std::string& playlist) {
  auto found = playlists_.extract(playlist);
  return found ? std::optional{std::move(found.mapped())} : std::nullopt;
}

void Inheritance::retire(const PublishedPlaylist& playlist, ClockTime now) {
  const auto length = length_of(playlist);
  std::set<std::string> maps;
  for (const auto& segment : playlist.segments) {
    const auto until = now + segment.duration + length;
    if (!segment.is_gap)
      retired_.add(segment.uri, until);
    if (segment.map && maps.insert(*segment.map).second)
      retired_.add(*segment.map, until);
  }
  for (const auto& part : playlist.unfinished_parts)
    retired_.add(part, now + length);
}

}  // namespace onair
