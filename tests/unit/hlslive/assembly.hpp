// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "part_assembler.hpp"

namespace onair::test {

using namespace std::chrono_literals;

inline RunningTime at(Duration time) {
  return RunningTime{time};
}

inline constexpr AudioFrames::Format kMp3{.length = 1152, .rate = 48'000};

// An assembler, the frames that a caller keeps for it, and what came of them.
class Assembly {
 public:
  using Kind = PartAssembler::Kind;
  using Frame = PartAssembler::Frame;
  using TrackId = PartAssembler::TrackId;

  struct Packet {
    TrackId track;
    std::vector<Frame> frames;
  };
  struct Part {
    PartAssembler::EndPart end;
    std::vector<Packet> packets;
  };

  explicit Assembly(PartAssembler::Config config) : assembler{config} {}

  TrackId add(Kind kind) {
    kept.emplace_back();
    dropped.emplace_back();
    return assembler.add_track(kind);
  }
  void begin(TrackId track, std::int64_t index, Duration at, bool is_break = false) {
    assembler.begin_segment(track, {.index = index, .at = RunningTime{at}, .is_break = is_break});
    settle();
  }
  void frame(TrackId track, const Frame& frame) {
    kept[track].push_back(frame);
    assembler.add_frame(track, frame);
    settle();
  }
  // Sound from `from` to `to`, one frame behind the other.
  void sound(TrackId track, Duration from, Duration to, Duration length = 24ms) {
    for (; from < to; from += length)
      frame(track, {.pts = at(from), .duration = length});
  }
  // Pictures, the first one a key frame.
  void pictures(TrackId track, Duration from, Duration to, Duration length = 40ms) {
    for (bool is_key = true; from < to; from += length, is_key = false)
      frame(track, {.pts = at(from), .duration = length, .is_key = is_key});
  }
  void gap(TrackId track, std::optional<Duration> to = std::nullopt) {
    assembler.gap(track, to ? std::optional{at(*to)} : std::nullopt);
    settle();
  }
  void end(TrackId track) {
    assembler.end(track);
    settle();
  }

  [[nodiscard]] std::vector<Duration> part_lengths() const {
    std::vector<Duration> lengths;
    for (const auto& part : parts)
      lengths.push_back(part.end.duration());
    return lengths;
  }
  // Frames in each packet of a track in a part.
  [[nodiscard]] static std::vector<std::size_t> packet_sizes(const Part& part, TrackId track) {
    std::vector<std::size_t> sizes;
    for (const auto& packet : part.packets)
      if (packet.track == track)
        sizes.push_back(packet.frames.size());
    return sizes;
  }
  [[nodiscard]] static std::vector<Frame> frames(const Part& part, TrackId track) {
    std::vector<Frame> frames;
    for (const auto& packet : part.packets)
      if (packet.track == track)
        frames.insert(frames.end(), packet.frames.begin(), packet.frames.end());
    return frames;
  }

  PartAssembler assembler;
  std::vector<std::deque<Frame>> kept;  // neither written nor dropped
  std::vector<std::vector<Frame>> dropped;
  std::vector<Part> parts;
  std::vector<PartAssembler::EndSegment> segments;
  std::vector<Packet> open;  // of the part that has not ended

 private:
  void settle() {
    while (const auto action = assembler.take()) {
      if (const auto* write = std::get_if<PartAssembler::Write>(&*action)) {
        open.push_back({.track = write->track, .frames = oldest(write->track, write->count)});
      } else if (const auto* drop = std::get_if<PartAssembler::Drop>(&*action)) {
        for (const auto& frame : oldest(drop->track, drop->count))
          dropped[drop->track].push_back(frame);
      } else if (const auto* part = std::get_if<PartAssembler::EndPart>(&*action)) {
        parts.push_back({.end = *part, .packets = std::move(open)});
        open.clear();
      } else {
        segments.push_back(std::get<PartAssembler::EndSegment>(*action));
        EXPECT_TRUE(open.empty()) << "frames between a part and the end of its segment";
      }
    }
  }
  std::vector<Frame> oldest(TrackId track, std::size_t count) {
    std::vector<Frame> frames;
    EXPECT_GT(count, 0U);
    EXPECT_LE(count, kept[track].size());
    for (; count > 0 && !kept[track].empty(); --count) {
      frames.push_back(kept[track].front());
      kept[track].pop_front();
    }
    return frames;
  }
};

}  // namespace onair::test
