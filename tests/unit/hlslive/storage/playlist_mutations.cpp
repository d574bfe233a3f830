// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/hlslive/storage/playlist_mutations.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <variant>
#include <vector>

#include "playlist/playlist_outline.hpp"
#include "storage/published_playlist.hpp"
#include "storage/storage.hpp"

namespace onair::test {
namespace {

// What stands in playlists and hurts in the wrong place.
constexpr std::array<std::string_view, 25> kWords{"#EXTM3U",
                                                  "#EXTINF:1.008,",
                                                  "#EXTINF:",
                                                  "#EXT-X-TARGETDURATION:2",
                                                  "#EXT-X-MEDIA-SEQUENCE:9007199254740992",
                                                  "#EXT-X-DISCONTINUITY-SEQUENCE:0",
                                                  "#EXT-X-DISCONTINUITY",
                                                  "#EXT-X-ENDLIST",
                                                  "#EXT-X-KEY:METHOD=NONE",
                                                  "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x",
                                                  "#EXT-X-MAP:URI=\"a.mp4\"",
                                                  "#EXT-X-PART:DURATION=0.2,URI=\"a.ts\"",
                                                  "#EXT-X-PROGRAM-DATE-TIME:2026-07-31T23:59:60Z",
                                                  "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=0",
                                                  "#EXT-X-PART-INF:PART-TARGET=0",
                                                  "#EXT-X-DATERANGE:ID=\"a\"",
                                                  "0-1.ts",
                                                  "../0-1.ts",
                                                  "18446744073709551616",
                                                  "-1",
                                                  ".",
                                                  "\"",
                                                  "=",
                                                  ",",
                                                  "\n"};

std::vector<std::string_view> uris_of(std::string_view text) {
  std::vector<std::string_view> uris;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty() && !line.starts_with('#'))
      uris.push_back(line);
  }
  return uris;
}

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_{seed} {}

  std::string mutate(std::string text) {
    for (auto times = 1 + below(3); times > 0; --times)
      text = below(2) == 0 ? mutate_bytes(std::move(text)) : mutate_lines(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::string mutate_bytes(std::string text) {
    const auto at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = static_cast<char>(random_() & 0xffU);
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      case 2:
        text.insert(at, kWords[below(kWords.size())]);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      default:
        text.resize(at + 1);
        break;
    }
    return text.empty() ? "\n" : text;
  }

  std::string mutate_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
      lines.push_back(text.substr(at, end - at));
      at = end;
    }
    const auto at = below(lines.size());
    switch (below(4)) {
      case 0:
        lines[at].clear();
        break;
      case 1:
        lines[at] += lines[below(lines.size())];
        break;
      case 2:
        std::swap(lines[at], lines[below(lines.size())]);
        break;
      default:
        lines[at] += std::string{kWords[below(kWords.size())]} + '\n';
        break;
    }
    std::string out;
    for (const auto& line : lines)
      out += line;
    return out.empty() ? "\n" : out;
  }

  std::mt19937 random_;
};

}  // namespace

std::string live_playlist() {
  return R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.648
#EXT-X-PART-INF:PART-TARGET=0.216
#EXT-X-MEDIA-SEQUENCE:118
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="0-init-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-07-31T23:59:59.500Z
#EXTINF:1.008,
0-118.ts
#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/?kid=7,a=b",IV=0x00112233445566778899AABBCCDDEEef
#EXT-X-PROGRAM-DATE-TIME:2026-08-01T00:00:00.508Z
#EXTINF:0.983999989,
0-119.ts
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="0-init-2.mp4"
#EXT-X-PART:DURATION=0.216,URI="0-120.0.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.192,URI="0-120.1.ts"
#EXTINF:1.008,
0-120.ts
#EXT-X-KEY:METHOD=NONE
#EXT-X-GAP
#EXTINF:1,
0-121.ts
#EXT-X-PART:DURATION=0.216,URI="0-122.0.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.192,URI="0-122.1.ts"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="0-122.2.ts"
)";
}

std::string mutated_playlist(std::uint32_t seed) {
  return mutated(live_playlist(), seed);
}

std::string mutated(std::string text, std::uint32_t seed) {
  return Mutator{seed}.mutate(std::move(text));
}

PlaylistVerdict check_any_playlist(std::string_view text) {
  const auto parsed = parse_published_playlist(text);
  if (const auto* error = std::get_if<PlaylistSyntaxError>(&parsed)) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (error->what.empty() || error->line > lines + 1)
      return {.broken = "an error that names no line of the text: " + to_text(*error)};
    return {};
  }
  const auto& playlist = std::get<PublishedPlaylist>(parsed);
  for (const auto& segment : playlist.segments) {
    if (!is_resource_name(segment.uri) || (segment.map && !is_resource_name(*segment.map)))
      return {.is_read = true, .broken = "a name that no storage takes"};
    if (segment.duration < Duration{0} || segment.duration > std::chrono::hours{25})
      return {.is_read = true, .broken = "a duration out of range"};
    if (segment.key && segment.key->uri.empty())
      return {.is_read = true, .broken = "a key without a URI"};
  }
  if (!std::all_of(playlist.unfinished_parts.begin(), playlist.unfinished_parts.end(),
                   [](const auto& name) { return is_resource_name(name); }))
    return {.is_read = true, .broken = "a part that no storage takes"};
  if (playlist.next_media_sequence() < playlist.media_sequence ||
      playlist.next_discontinuity_sequence() < playlist.discontinuity_sequence)
    return {.is_read = true, .broken = "numbers that wrap"};
  return {.is_read = true};
}

PlaylistVerdict check_any_outline(std::string_view text) {
  const auto outline = outline_of(text);
  if (!outline)
    return {};
  const auto all = uris_of(text);
  const auto& edge = outline->edge;
  if (outline->target_duration <= Duration{0} || edge.has_segments == all.empty() ||
      edge.next_sequence < all.size())
    return {.is_read = true, .broken = "numbers that cannot be"};
  if (outline->delta.empty())
    return {.is_read = true};
  // What is skipped and what is left is all there is.
  const auto left = uris_of(outline->delta);
  const auto skip =
      "\n#EXT-X-SKIP:SKIPPED-SEGMENTS=" + std::to_string(all.size() - left.size()) + '\n';
  if (left.empty() || left.size() >= all.size() ||
      !std::equal(left.rbegin(), left.rend(), all.rbegin()) ||
      outline->delta.find(skip) == std::string::npos)
    return {.is_read = true, .broken = "a delta that is none of it:\n" + outline->delta};
  return {.is_read = true};
}

}  // namespace onair::test
