// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "playlist/media_playlist.hpp"

namespace onair::test {

using namespace std::chrono_literals;

constexpr ClockTime at(Duration time) {
  return ClockTime{time};
}

inline std::string numbered(std::uint64_t number) {
  return std::to_string(number) + ".ts";
}

// Segments of 2 s, one behind the other, written at the instant at which they end.
class Programme {
 public:
  explicit Programme(MediaPlaylist::Config config) : playlist{std::move(config)} {}

  void segment(SegmentHead head = {}, Duration duration = 2s, bool is_gap = false) {
    playlist.begin_segment(std::move(head));
    end_segment(duration, is_gap);
  }
  void segments(int count) {
    while (count-- > 0)
      segment();
  }
  void end_segment(Duration duration = 2s, bool is_gap = false) {
    now += duration;
    playlist.end_segment(numbered(playlist.next_sequence()), duration, now, is_gap);
  }
  // Of 500 ms, with the hint of the one behind it.
  void parts(int count) {
    while (count-- > 0) {
      const auto name = std::to_string(playlist.next_sequence()) + '.';
      const auto index = playlist.edge().next_parts;
      playlist.add_part({.uri = name + numbered(index), .duration = 500ms});
      playlist.hint(name + numbered(index + 1));
    }
  }
  void segment_with_parts() {
    playlist.begin_segment({});
    parts(4);
    end_segment();
    playlist.hint(std::to_string(playlist.next_sequence()) + ".0.ts");
  }

  MediaPlaylist playlist;
  ClockTime now{};
};

// The lines behind those that every playlist begins with.
inline std::string body(const std::string& text) {
  const std::string last_of_header{"#EXT-X-DISCONTINUITY-SEQUENCE:"};
  return text.substr(text.find('\n', text.find(last_of_header)) + 1);
}

inline std::string header(const std::string& text) {
  return text.substr(0, text.size() - body(text).size());
}

}  // namespace onair::test
