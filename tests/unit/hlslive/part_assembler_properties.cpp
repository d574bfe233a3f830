// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold for any segment length, codec, frame rate and order of arrival: seeds are printed.
#include <algorithm>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

#include "assembly.hpp"

namespace onair::test {
namespace {

using Kind = PartAssembler::Kind;
using Random = std::mt19937_64;

Duration any(Random& random, Duration least, Duration most) {
  return Duration{std::uniform_int_distribution<std::int64_t>{least.count(), most.count()}(random)};
}

// Two streams of one rendition, cut as hlsbalancer cuts, in the order in which they arrive.
struct Broadcast {
  struct Event {
    Duration arrival;
    std::size_t track;
    std::optional<PartAssembler::Boundary> boundary{};  // in front of the frame
    PartAssembler::Frame frame{};
  };

  explicit Broadcast(std::uint64_t seed) : random{seed} {
    constexpr AudioFrames::Format kFormats[] = {kMp3,          {1024, 48'000}, {1152, 44'100},
                                                {576, 24'000}, {1024, 44'100}, {960, 48'000}};
    format = kFormats[random() % std::size(kFormats)];
    target = any(random, 500ms, 6s);
    wanted = any(random, 120ms, 700ms);
    start = any(random, -2s, 10s);
    for (std::int64_t index = 0; index <= kSegments; ++index)
      boundaries.push_back(start + sound(to_ticks(index * target, format.rate) / format.length));
    has_video = random() % 4 != 0;
    add_sound();
    if (has_video)
      add_pictures();
    std::stable_sort(events.begin(), events.end(), [](const Event& left, const Event& right) {
      return left.arrival < right.arrival;
    });
  }

  static constexpr std::int64_t kSegments = 40;

  [[nodiscard]] Duration sound(std::int64_t frames) const {
    return to_duration(frames * format.length, format.rate);
  }

  Random random;
  AudioFrames::Format format;
  Duration target;
  Duration wanted;
  Duration start;
  bool has_video;
  Duration interval{0};  // of pictures
  std::vector<Duration> boundaries;
  std::vector<Event> events;

 private:
  void add(std::size_t track, Duration lag, PartAssembler::Frame frame, std::size_t& segment) {
    Event event{.arrival = frame.pts.time_since_epoch() + lag, .track = track, .frame = frame};
    if (frame.is_key) {
      event.boundary = {.index = static_cast<std::int64_t>(segment), .at = at(boundaries[segment])};
      ++segment;
    }
    // The order of a track is that of its times.
    for (auto other = events.rbegin(); other != events.rend(); ++other)
      if (other->track == track) {
        event.arrival = std::max(event.arrival, other->arrival);
        break;
      }
    events.push_back(event);
  }
  void add_sound() {
    const auto lag = any(random, 0ms, 400ms);
    std::size_t segment = 0;
    for (std::int64_t n = 0; segment < boundaries.size(); ++n) {
      const auto pts = start + sound(n);
      const bool begins = pts >= boundaries[segment];
      add(0, lag + any(random, 0ms, 60ms), {.pts = at(pts), .duration = sound(1), .is_key = begins},
          segment);
    }
  }
  void add_pictures() {
    const auto lag = any(random, 0ms, 400ms);
    const bool is_even = random() % 2 != 0;
    const bool has_duration = random() % 2 != 0;
    interval = Duration{1'000'000'000 / static_cast<std::int64_t>(10 + random() % 51)};
    std::size_t segment = 0;
    Duration pts = start;
    while (segment < boundaries.size()) {
      const bool begins = pts >= boundaries[segment] - interval / 2;
      if (begins)
        pts = boundaries[segment];
      add(1, lag + any(random, 0ms, 60ms),
          {.pts = at(pts),
           .duration = has_duration ? std::optional{interval} : std::nullopt,
           .is_key = begins},
          segment);
      pts += is_even ? interval : any(random, interval * 3 / 4, interval * 5 / 4);
    }
  }
};

// How far a track is known to have come: with sound its last frame's end.
struct Progress {
  std::vector<Duration> begun;
  std::vector<Duration> heard;
  void on_frame(std::size_t track, const PartAssembler::Frame& frame, bool is_sound) {
    begun[track] = frame.pts.time_since_epoch();
    heard[track] = begun[track] + (is_sound ? *frame.duration : 0ms);
  }
};

class PartAssemblerProperties : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, PartAssemblerProperties, testing::Range<std::uint64_t>(1, 41));

TEST_P(PartAssemblerProperties, PartsKeepTheirPromiseAndEveryFrameIsWrittenOnceInItsPart) {
  Broadcast broadcast{GetParam()};
  const PartPlan plan{broadcast.target, broadcast.wanted, broadcast.format};
  const bool has_parts = GetParam() % 5 != 0;
  Assembly assembly{{.plan = has_parts ? std::optional{plan} : std::nullopt}};
  assembly.add(Kind::Audio);
  if (broadcast.has_video)
    assembly.add(Kind::Video);
  SCOPED_TRACE(testing::Message() << broadcast.format.length << " at " << broadcast.format.rate
                                  << ", T " << in_ms(broadcast.target) << ", parts of "
                                  << in_ms(broadcast.wanted) << ": " << plan.count());

  Progress progress{std::vector<Duration>(assembly.kept.size(), broadcast.start - 1s),
                    std::vector<Duration>(assembly.kept.size(), broadcast.start - 1s)};
  std::size_t frames = 0;
  std::vector<std::size_t> ended_at_segment;
  for (const auto& event : broadcast.events) {
    const auto before = progress;
    const auto parts_before = assembly.parts.size();
    if (event.boundary)
      assembly.begin(event.track, event.boundary->index, event.boundary->at.time_since_epoch());
    assembly.frame(event.track, event.frame);
    progress.on_frame(event.track, event.frame, event.track == 0);
    ++frames;
    // No part that ends now could have ended before.
    for (auto part = parts_before; part < assembly.parts.size(); ++part) {
      const auto end = assembly.parts[part].end.end.time_since_epoch();
      const auto& known = std::find(broadcast.boundaries.begin(), broadcast.boundaries.end(),
                                    end) != broadcast.boundaries.end()
                              ? before.begun
                              : before.heard;
      ASSERT_LT(*std::min_element(known.begin(), known.end()), end) << "part " << part;
    }
  }
  ASSERT_EQ(assembly.segments.size(), static_cast<std::size_t>(Broadcast::kSegments));

  // Frames.
  std::size_t written = 0;
  for (const auto& part : assembly.parts) {
    std::size_t sounds = 0;
    for (const auto& packet : part.packets)
      sounds += packet.track == 0 ? packet.frames.size() : 0;
    for (const auto& packet : part.packets) {
      written += packet.frames.size();
      if (packet.track == 0) {
        ASSERT_LE(packet.frames.size() * broadcast.sound(1), 100ms);
        ASSERT_GE(packet.frames.size(), std::min<std::size_t>(sounds, 2));
      } else {
        ASSERT_EQ(packet.frames.size(), 1U);
      }
      for (const auto& frame : packet.frames) {
        const auto half = packet.track == 0 ? broadcast.sound(1) / 2 : broadcast.interval * 5 / 8;
        ASSERT_GE(frame.pts, part.end.start - half);
        ASSERT_LT(frame.pts, part.end.end);
      }
    }
  }
  std::size_t open = 0;
  for (const auto& packet : assembly.open)
    open += packet.frames.size();
  EXPECT_EQ(written + open + assembly.assembler.held(), frames);
  EXPECT_EQ(assembly.assembler.held(),
            assembly.kept[0].size() + (broadcast.has_video ? assembly.kept[1].size() : 0));

  // Parts and segments.
  auto part = assembly.parts.begin();
  for (const auto& segment : assembly.segments) {
    const auto index = static_cast<std::size_t>(segment.segment);
    // 1 ns: ends are rounded.
    ASSERT_LE(std::chrono::abs(segment.start - at(broadcast.boundaries[index])), 1ns);
    ASSERT_LE(std::chrono::abs(segment.end - at(broadcast.boundaries[index + 1])), 1ns);
    ASSERT_TRUE(index == 0 || segment.start == assembly.segments[index - 1].end);
    auto end = segment.start;
    for (std::int64_t number = 0;
         part != assembly.parts.end() && part->end.segment == segment.segment; ++part, ++number) {
      ASSERT_EQ(part->end.part, number);
      ASSERT_EQ(part->end.start, end);
      end = part->end.end;
      const auto lasts = part->end.duration();
      if (!has_parts)
        continue;
      ASSERT_LE(lasts, plan.longest() + 2ns);
      ASSERT_TRUE(end == segment.end || lasts * 100 + 200ns >= plan.longest() * 85);
      ASSERT_LE(part->end.part, plan.count() - 1);
    }
    ASSERT_EQ(end, segment.end);
  }
}

TEST(PartAssemblerHostile, AnyOrderOfCallsWritesOrDropsEveryFrameAtMostOnceAndEnds) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random{seed};
    Assembly assembly{{.plan = seed % 3 ? std::optional{PartPlan{1s, 200ms, kMp3}} : std::nullopt}};
    assembly.add(Kind::Audio);
    assembly.add(Kind::Video);
    std::int64_t index = 0;
    Duration time{0};
    for (int call = 0; call < 500; ++call) {
      const auto track = random() % 2;
      time += any(random, -50ms, 100ms);
      switch (random() % 12) {
        case 0:
          assembly.begin(track, index += static_cast<std::int64_t>(random() % 3) - 1, time,
                         random() % 4 == 0);
          break;
        case 1:
          assembly.gap(track, random() % 2 ? std::optional{time} : std::nullopt);
          break;
        case 2:
          if (random() % 8 == 0)
            assembly.end(track);
          break;
        default:
          assembly.frame(track, {.pts = at(time),
                                 .duration = random() % 5 ? std::optional{24ms} : std::nullopt,
                                 .is_key = random() % 20 == 0});
      }
      ASSERT_EQ(assembly.assembler.held(), assembly.kept[0].size() + assembly.kept[1].size());
    }
    assembly.end(0);
    assembly.end(1);
    ASSERT_FALSE(testing::Test::HasFailure());
    for (const auto& part : assembly.parts)
      ASSERT_GE(part.end.duration(), 0ns);
  }
}

}  // namespace
}  // namespace onair::test
