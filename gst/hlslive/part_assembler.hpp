// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "part_plan.hpp"

namespace onair {

// One rendition's streams become parts, and those segments. What is told of each track, in the order of
// the track, comes out as what a muxer is to be given, in the order of the parts: a part ends when each
// track is known to have nothing more for it, and what comes for later ones is held back until then. The
// frames themselves stay with the caller, who is told how many of a track's oldest ones are next.
//
// Where a part ends says PartPlan. A segment that goes on when its plan is at an end (a key frame from far
// away is late) begins the plan anew. Without a plan a part is a segment.
class PartAssembler {
 public:
  enum class Kind { Audio, Video };
  using TrackId = std::size_t;

  struct Config {
    std::optional<PartPlan> plan;
    // Sound is written several frames at a time, as one PES packet. MP3 of 128 kbit/s, 24 ms: 384 bytes
    // and 14 of header fill three packets of 188 for each single frame: 188 kbit/s, before tables and
    // clock. Four frames (1550 bytes) fill nine: 141 kbit/s; three (1166 bytes) fill seven: 146 kbit/s.
    Duration pack = std::chrono::milliseconds(100);
  };

  // Sound that begins this much off the end of the frame before it has a time stamp of its own.
  static constexpr Duration kSeam = std::chrono::milliseconds(1);
  // Less than this is no part: times were rounded somewhere.
  static constexpr Duration kRounding = std::chrono::microseconds(50);
  // A picture this far behind the end of its segment belongs to the next one, though that has not begun
  // on its track: no key frame came. A boundary is nearer to its key frame than that.
  static constexpr Duration kOverdue = std::chrono::milliseconds(250);

  struct Frame {
    RunningTime pts;
    std::optional<Duration> duration;  // sound has one
    bool is_key = true;                // of pictures
  };
  struct Boundary {
    std::int64_t index = 0;  // rising, with or without steps
    RunningTime at;
    bool is_break = false;  // a new time line: `at` says nothing of the segment before
  };

  // The oldest `count` frames of the track that have been neither written nor dropped: sound as one
  // packet, pictures one by one.
  struct Write {
    TrackId track;
    std::size_t count;
    friend bool operator==(const Write&, const Write&) = default;
  };
  // The same of frames that belong to no part: the others have left their time line, or the part turned
  // out to have been the segment's last.
  struct Drop {
    TrackId track;
    std::size_t count;
    friend bool operator==(const Drop&, const Drop&) = default;
  };
  struct EndPart {
    std::int64_t segment;
    std::int64_t part;  // from 0
    RunningTime start;
    RunningTime end;
    bool is_independent;  // the first picture is a key frame, or there are none to come
    bool has_media;       // else GAP=YES
    [[nodiscard]] Duration duration() const { return end - start; }
    friend bool operator==(const EndPart&, const EndPart&) = default;
  };
  // Comes right behind its last part where that was known to be the last.
  struct EndSegment {
    std::int64_t segment;
    RunningTime start;
    RunningTime end;
    bool has_media;
    bool is_break;  // begins a new time line
    [[nodiscard]] Duration duration() const { return end - start; }
    friend bool operator==(const EndSegment&, const EndSegment&) = default;
  };
  using Action = std::variant<Write, Drop, EndPart, EndSegment>;

  explicit PartAssembler(Config config) : config_{config} {}

  TrackId add_track(Kind kind);
  // In front of the first frame of a segment, on each track.
  void begin_segment(TrackId track, const Boundary& boundary);
  void add_frame(TrackId track, const Frame& frame);
  // The track has nothing up to `to`, or up to its next frame, whenever that may come.
  void gap(TrackId track, std::optional<RunningTime> to);
  // Nothing comes any more, until the next frame. Once all tracks have ended, so does the segment.
  void end(TrackId track);

  [[nodiscard]] std::optional<Action> take();

  // Whether others have gone on and a part waits for this track alone to say something. Someone with a
  // clock calls that a gap at last.
  [[nodiscard]] bool is_awaited(TrackId track) const;
  // How many frames are held back.
  [[nodiscard]] std::size_t held() const;

 private:
  // What stands in a track's queue.
  struct Begin {
    Boundary boundary;
    std::optional<RunningTime> end_before;  // of what the track had before it
  };
  using Item = std::variant<Frame, Begin>;
  struct Track {
    Kind kind;
    std::deque<Item> queue{};
    std::size_t begins = 0;  // in the queue
    std::int64_t segment = INT64_MIN;
    // Of the newest frame of all; of a picture without duration its start.
    std::optional<RunningTime> newest_end{};
    bool has_ended = false;
    bool is_silent = false;  // up to its next frame
    std::optional<RunningTime> silent_until{};
    // Sound: of its newest frame; what has its part and waits for company; what this part has written.
    Duration length{0};
    std::int64_t packed = 0;
    RunningTime packed_to{};
    std::int64_t written = 0;
  };
  struct Segment {
    Boundary boundary;
    RunningTime start{};
    bool has_media = false;
  };
  struct Part {
    std::int64_t number = 0;
    RunningTime start{};
    bool has_media = false;
    std::optional<bool> begins_with_key{};  // of its first picture
  };
  struct End {
    RunningTime at;
    bool is_segments = false;      // the segment ends with it
    bool is_plans = false;         // the plan does: so, most likely, does the segment
    bool is_within_known = false;  // a segment whose end is known
  };
  enum class Word {
    Nothing,  // wait for it
    Absent,   // don't
    Beyond    // it has been there
  };

  void advance();
  [[nodiscard]] bool open();
  void drop_left_behind(TrackId id);
  void fill(TrackId id, const std::optional<End>& end);
  void pack(TrackId id, const Frame& frame, const std::optional<End>& end);
  void write_packs(TrackId id);
  void write(TrackId id, std::int64_t count);
  void end_part(const End& end);

  [[nodiscard]] std::optional<End> part_end() const;
  [[nodiscard]] std::optional<RunningTime> segment_end() const;
  [[nodiscard]] RunningTime media_end() const;
  [[nodiscard]] static bool has_left(const Track& track);
  [[nodiscard]] bool is_left_behind(const Track& track) const;
  [[nodiscard]] bool is_absent(const Track& track) const;
  [[nodiscard]] bool is_part(RunningTime end) const;
  [[nodiscard]] bool may_be_over() const;
  [[nodiscard]] Word word(const Track& track, const End& end) const;
  [[nodiscard]] bool is_complete(const End& end) const;
  [[nodiscard]] bool is_independent() const;
  [[nodiscard]] std::int64_t most_packed(const Track& track) const;

  Config config_;
  std::vector<Track> tracks_;
  std::deque<Boundary> told_;            // of segments to come, by index
  std::int64_t opened_ = INT64_MIN;      // the newest segment
  std::int64_t line_began_ = INT64_MIN;  // with this one
  std::optional<RunningTime> line_end_;  // so far
  std::optional<Segment> segment_;
  Part part_{};
  RunningTime plan_start_{};
  std::int64_t planned_ = 0;  // parts since then
  std::deque<Action> actions_;
};

}  // namespace onair
