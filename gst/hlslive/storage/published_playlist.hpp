// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace onair {

// A media playlist of ours as it was left by a process that ended or died: all that a new one needs
// in order to go on with it. No other file holds this, and so none can disagree with what players
// were told.
struct PublishedPlaylist {
  struct Key {
    std::string uri;
    std::optional<std::array<std::uint8_t, 16>> iv;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Segment {
    std::string uri;
    Duration duration{};
    std::optional<std::chrono::sys_time<Duration>> program_date_time;
    std::optional<Key> key;          // nothing: not encrypted
    std::optional<std::string> map;  // initialization section
    bool is_discontinuity = false;   // in front of it
    bool is_gap = false;
  };

  // What players know of a segment that was never finished: as long as its parts are together.
  struct Begun {
    Segment segment;
    std::vector<std::string> parts;
  };

  std::uint64_t target_duration = 0;  // seconds
  std::uint64_t media_sequence = 0;
  std::uint64_t discontinuity_sequence = 0;
  std::vector<Segment> segments;
  std::optional<Begun> begun;  // where it has parts
  // Those parts, and the one that was to come next. Players and caches have them by these names, so a new part must not
  // be called the same.
  std::vector<std::string> unfinished_parts;
  bool is_event = false;
  bool has_ended = false;

  [[nodiscard]] std::uint64_t next_media_sequence() const;
  // What EXT-X-DISCONTINUITY-SEQUENCE will be when all these segments have left.
  [[nodiscard]] std::uint64_t next_discontinuity_sequence() const;

  // A process that dies leaves its renditions a segment apart. What `ahead` lists and this does not is
  // missing here: gaps, as all go on with the same number; what they are called is numbered from
  // `next_number` on, which no file has had. Nothing if they have lost each other.
  void catch_up(const PublishedPlaylist& ahead, std::string_view rendition,
                std::uint64_t& next_number);
};

struct PlaylistSyntaxError {
  std::size_t line = 0;  // counted from 1
  std::string what;
};

// Strict, as only our own texts need be read: each line complete, numbers in range, nothing twice,
// names such as a storage takes. Tags that say nothing about this are skipped.
std::variant<PublishedPlaylist, PlaylistSyntaxError> parse_published_playlist(
    std::string_view text);

// "line 12: EXTINF: not a duration"
std::string to_text(const PlaylistSyntaxError& error);

}  // namespace onair
