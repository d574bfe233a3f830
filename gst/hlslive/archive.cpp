// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive.hpp"

#include <algorithm>
#include <utility>

#include "storage/content_text.hpp"

namespace onair {
namespace {

// As much of it as ends with a whole segment: a process that was killed, or a power failure, can leave half
// of one at the end.
std::optional<PublishedPlaylist> parse_beginning(std::string text) {
  while (!text.empty()) {
    auto result = parse_published_playlist(text);
    if (auto* playlist = std::get_if<PublishedPlaylist>(&result))
      return std::move(*playlist);
    auto line = std::get<PlaylistSyntaxError>(result).line;
    std::size_t end = 0;  // of the last segment above that line
    for (std::size_t at = 0; line > 1 && at < text.size(); --line) {
      const auto next = std::min(text.find('\n', at), text.size() - 1) + 1;
      if (text[at] != '#')
        end = next;
      at = next;
    }
    text.resize(end);
  }
  return std::nullopt;
}

}  // namespace

void resume(MediaPlaylist& playlist, const PublishedPlaylist& left, ClockTime now) {
  for (const auto& segment : left.segments) {
    SegmentHead head{.is_discontinuous = segment.is_discontinuity,
                     .date = segment.program_date_time,
                     .map = segment.map.value_or("")};
    if (segment.key)
      head.key = {.uri = segment.key->uri, .iv = segment.key->iv};
    playlist.begin_segment(std::move(head));
    playlist.end_segment(segment.uri, segment.duration, now, segment.is_gap);
  }
}

Storage::Failure Archive::prepare() {
  if (const auto failure = storage_.prepare())
    return failure;
  auto names = storage_.names();
  if (const auto* failure = std::get_if<StorageError>(&names))
    return *failure;
  names_ = std::get<std::vector<std::string>>(std::move(names));
  for (const auto& name : names_) {
    const auto file = storage_.read(name, 0);
    const auto* found = std::get_if<Content>(&file);
    if (!name.ends_with(".m3u8") || !found)
      continue;
    if (auto playlist = parse_beginning(text_of(*found)))
      left_.emplace(name, *std::move(playlist));
  }
  return std::nullopt;
}

MediaPlaylist& Archive::playlist_of(const std::string& name, Duration target, ClockTime now) {
  const auto found = playlists_.find(name);
  if (found != playlists_.end())
    return found->second;
  const auto left = left_.extract(name);
  if (left)
    target = std::max<Duration>(target, std::chrono::seconds(left.mapped().target_duration));
  auto& playlist =
      playlists_
          .emplace(name, MediaPlaylist{{.type = MediaPlaylist::Type::Event, .target = target}})
          .first->second;
  if (left)
    resume(playlist, left.mapped(), now);
  return playlist;
}

Storage::Failure Archive::keep(const std::string& name, const Storage& from) {
  return storage_.keep(from, name);
}

Storage::Failure Archive::go_on(const std::string& name, Duration target,
                                const std::deque<MediaSegment>& listed, const Storage& from,
                                ClockTime now) {
  const auto left = left_.find(name);
  if (left == left_.end() || left->second.has_ended || left->second.segments.empty())
    return std::nullopt;
  const auto& newest = left->second.segments.back().uri;
  auto next = std::find_if(listed.begin(), listed.end(),
                           [&](const MediaSegment& segment) { return segment.uri == newest; });
  if (next == listed.end())
    return std::nullopt;
  static_cast<void>(playlist_of(name, target, now));  // without a discontinuity
  Storage::Failure failure;
  for (++next; next != listed.end(); ++next)
    if (auto its = add(name, target, *next, from, now); its && !failure)
      failure = std::move(its);
  return failure;
}

Storage::Failure Archive::add(const std::string& name, Duration target, const MediaSegment& segment,
                              const Storage& from, ClockTime now) {
  const bool is_new = !playlists_.contains(name);
  auto& playlist = playlist_of(name, target, now);
  auto head = segment.head;
  head.is_discontinuous |= is_new && !playlist.segments().empty();
  Storage::Failure failure;
  if (!head.map.empty() && maps_.insert(head.map).second)
    failure = keep(head.map, from);
  if (!segment.is_gap && !failure)
    failure = keep(segment.uri, from);
  playlist.begin_segment(std::move(head));
  playlist.end_segment(segment.uri, segment.duration, now, segment.is_gap || failure);
  const auto listed = list(name, playlist);
  return failure ? failure : listed;
}

Storage::Failure Archive::list(const std::string& name, const MediaPlaylist& playlist) {
  auto header = playlist.header();
  auto& written = headers_[name];
  if (header == written && !storage_.extend(name, bytes_of(playlist.newest())))
    return std::nullopt;
  auto failure = replace(name, playlist.text());
  written = failure ? std::string{} : std::move(header);
  return failure;
}

Storage::Failure Archive::end(const std::string& name, ClockTime now) {
  const auto found = playlists_.find(name);
  if (found == playlists_.end())
    return std::nullopt;
  found->second.end(now);
  return replace(name, found->second.text());
}

}  // namespace onair
