// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "playlist/live_edge.hpp"
#include "playlist/retirement.hpp"
#include "playlist/segment.hpp"

namespace onair {

// The media playlist of one live rendition, and how long what it listed has to stay. Section
// numbers are of draft-pantos-hls-rfc8216bis.
//
// A segment begins, gets its parts if there are any, and ends:
//   begin_segment(head), { add_part(part), hint(uri) }…, end_segment(uri, duration, now)
// In low latency a hint follows each part: the draft wants one while parts are listed (section
// 6.2.6).
//
// EXT-X-TARGETDURATION never changes (section 6.2.1): T rounded up, and no less than `longest`
// rounded to the nearest, which is how EXTINF is compared with it (section 4.4.3.1). So T = 1 s
// allows for segments of 1.012 s, and for whatever is shorter than 1.5 s.
//
// Durations are exact, in EXTINF too: what is printed adds up to the media for ever.
class MediaPlaylist {
 public:
  enum class Type {
    Live,  // a window
    Event  // everything from the beginning: an archive
  };
  struct Start {
    Duration offset{};  // negative: from the end
    bool is_precise = false;
  };
  struct Config {
    Type type = Type::Live;
    Duration target = std::chrono::seconds(1);  // T, > 0
    Duration longest{};  // segment that has to be expected, if that is more than T
    // The least that is listed; raised to the three target durations of section 6.2.2.
    Duration window{};
    bool has_independent_segments = true;  // all segments begin with a key frame
    std::optional<Duration> part_target;   // low latency: no part is longer
    bool can_block_reload = false;
    // Raised to what the draft allows (section 4.4.3.8): 6 and 3 target durations, 2 part targets.
    // A PART-HOLD-BACK is there whenever parts are, by default the 3 part targets that it
    // recommends.
    std::optional<Duration> can_skip_until;
    std::optional<Duration> hold_back;
    std::optional<Duration> part_hold_back;
    std::optional<Start> start;
    // Where a restart continues.
    std::uint64_t first_sequence = 0;
    std::uint64_t first_discontinuity_sequence = 0;
  };

  enum class Form {
    Full,
    Delta  // a Playlist Delta Update (section 6.2.5.1), if there is anything to skip
  };
  struct RenditionReport {
    std::string uri;  // relative to this playlist
    LiveEdge edge;
  };

  // Complete segments whose parts are listed. With the one that is being written they are the 3
  // target durations behind which parts are to be removed (section 4.4.4.9).
  static constexpr std::size_t kSegmentsWithParts = 2;
  // Behind that: a player on a network that stalls asks for them as late as it would for a short segment.
  static constexpr Duration kPartsStay = std::chrono::seconds(10);

  explicit MediaPlaylist(Config config);

  void begin_segment(SegmentHead head);
  // Without a part target, parts are not listed.
  void add_part(PartialSegment part);
  void hint(std::string uri);
  // A gap is listed and is not loaded: `uri` need not exist.
  void end_segment(std::string uri, Duration duration, ClockTime now, bool is_gap = false);
  // EXT-X-ENDLIST. What is listed now stays for ever, without parts: all of an Event, the window of
  // Live. Nothing may be added any more.
  void end(ClockTime now);

  // Takes time in proportion to what is listed.
  [[nodiscard]] std::string text(Form form = Form::Full,
                                 std::span<const RenditionReport> others = {}) const;
  // For who writes each segment once: while header() stays the same and nothing but whole segments comes,
  // text() grows by newest(), the lines of the last one. Takes no time in proportion to what is listed.
  [[nodiscard]] std::string header() const;
  [[nodiscard]] std::string newest() const;
  [[nodiscard]] LiveEdge edge() const;

  // URIs that nobody may ask for any more, each told once: segments, their own length and that of
  // the longest playlist after they have left it (section 6.2.2), then the media initialization
  // section that only they needed; parts, three target durations after (section 4.4.4.9), kPartsStay at least. Keys are
  // not told.
  [[nodiscard]] std::vector<std::string> expire(ClockTime now);

  // For want of room: the oldest segment that is there still, or its initialization section, though somebody may ask for
  // it. What leaves the playlist for that may go when the playlist without it is there. Nothing where no more than the
  // three target durations are left that a playlist has to list (section 6.2.2), or all has to be.
  [[nodiscard]] std::optional<std::string> take_oldest(ClockTime now);

  [[nodiscard]] Duration target_duration() const { return target_duration_; }
  // A segment has to be shorter than this.
  [[nodiscard]] Duration too_long() const {
    return target_duration_ + std::chrono::milliseconds(500);
  }
  [[nodiscard]] const std::deque<MediaSegment>& segments() const { return segments_; }
  [[nodiscard]] Duration listed() const { return listed_; }
  [[nodiscard]] std::uint64_t first_sequence() const { return first_sequence_; }
  [[nodiscard]] std::uint64_t next_sequence() const { return first_sequence_ + segments_.size(); }
  // Of the first segment, before its own EXT-X-DISCONTINUITY.
  [[nodiscard]] std::uint64_t discontinuity_sequence() const { return discontinuity_sequence_; }

 private:
  [[nodiscard]] Duration parts_written() const;
  [[nodiscard]] std::size_t skippable() const;
  void need_version(unsigned version);
  void retire_parts(std::vector<PartialSegment>& parts, ClockTime now);
  void remove_first(ClockTime now);

  void write_header(std::string& out, unsigned version) const;
  void write_low_latency(std::string& out) const;

  Config config_;
  Duration target_duration_;
  unsigned version_ = 3;  // durations with decimals (section 8)
  std::deque<MediaSegment> segments_;
  Duration listed_{};            // their length
  Duration longest_playlist_{};  // so far
  SegmentHead next_head_;
  std::vector<PartialSegment> next_parts_;
  std::optional<std::string> hint_;
  bool has_ended_ = false;
  std::uint64_t first_sequence_;
  std::uint64_t discontinuity_sequence_;
  Retirement retired_segments_;
  Retirement retired_parts_;
};

}  // namespace onair
