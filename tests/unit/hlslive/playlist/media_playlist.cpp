// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/media_playlist.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

using Type = MediaPlaylist::Type;
using Uris = std::vector<std::string>;

constexpr UtcTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 12h};

bool has(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

TEST(MediaPlaylist, APlainLivePlaylist) {
  Programme live{{.target = 2s}};
  live.segment({.date = kNoon}, 2016ms);
  live.segment({.date = kNoon + 2016ms}, 1992ms);
  EXPECT_EQ(live.playlist.text(),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n"
            "#EXTINF:2.016,\n"
            "0.ts\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:02.016Z\n"
            "#EXTINF:1.992,\n"
            "1.ts\n");
}

TEST(MediaPlaylist, ALowLatencyPlaylist) {
  Programme live{{.target = 2s,
                  .part_target = 504ms,
                  .can_block_reload = true,
                  .can_skip_until = 12s,
                  .start = {{.offset = -3s, .is_precise = true}}}};
  live.playlist.begin_segment({.date = kNoon});
  live.playlist.add_part({.uri = "0.0.ts", .duration = 504ms, .is_independent = true});
  live.playlist.add_part({.uri = "0.1.ts", .duration = 480ms});
  live.end_segment(984ms);
  live.playlist.begin_segment({.date = kNoon + 984ms});
  live.playlist.add_part({.uri = "1.0.ts", .duration = 504ms, .is_independent = true});
  live.playlist.hint("1.1.ts");
  const std::vector<MediaPlaylist::RenditionReport> others{
      {.uri = "b.m3u8", .edge = live.playlist.edge()}};
  EXPECT_EQ(
      live.playlist.text(MediaPlaylist::Form::Full, others),
      "#EXTM3U\n"
      "#EXT-X-VERSION:3\n"
      "#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-START:TIME-OFFSET=-3.000,PRECISE=YES\n"
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,PART-HOLD-BACK=1.512\n"
      "#EXT-X-PART-INF:PART-TARGET=0.504\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.000Z\n"
      "#EXT-X-PART:DURATION=0.504,URI=\"0.0.ts\",INDEPENDENT=YES\n"
      "#EXT-X-PART:DURATION=0.480,URI=\"0.1.ts\"\n"
      "#EXTINF:0.984,\n"
      "0.ts\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.984Z\n"
      "#EXT-X-PART:DURATION=0.504,URI=\"1.0.ts\",INDEPENDENT=YES\n"
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.1.ts\"\n"
      "#EXT-X-RENDITION-REPORT:URI=\"b.m3u8\",LAST-MSN=1,LAST-PART=0\n");
}

// ---- the header

TEST(MediaPlaylist, TheTargetDurationIsTRoundedUp) {
  const auto target_duration = [](Duration target, Duration longest = {}) {
    return MediaPlaylist{{.target = target, .longest = longest}}.target_duration();
  };
  EXPECT_EQ(target_duration(600ms), 1s);
  EXPECT_EQ(target_duration(1s), 1s);
  EXPECT_EQ(target_duration(1s, 1499ms), 1s);
  EXPECT_EQ(target_duration(1s, 1500ms), 2s);
  EXPECT_EQ(target_duration(2400ms), 3s);
  EXPECT_EQ(target_duration(2400ms, 4s), 4s);
  EXPECT_EQ(MediaPlaylist{{.target = 1s}}.too_long(), 1500ms);
}

TEST(MediaPlaylist, TheTargetDurationIsThereFromTheStartAndNeverChanges) {
  Programme live{{.target = 2s}};
  EXPECT_TRUE(has(live.playlist.text(), "#EXT-X-TARGETDURATION:2\n"));
  live.segment({}, 100ms);
  EXPECT_TRUE(has(live.playlist.text(), "#EXT-X-TARGETDURATION:2\n"));
  live.segment({}, 2499ms);
  EXPECT_TRUE(has(live.playlist.text(), "#EXT-X-TARGETDURATION:2\n"));
}

TEST(MediaPlaylist, HoldBacksAndSkipBoundaryAreNoLessThanTheDraftAllows) {
  const auto text = [](Duration boundary, Duration hold_back, Duration part_hold_back) {
    return header(MediaPlaylist{{.target = 2s,
                                 .part_target = 500ms,
                                 .can_skip_until = boundary,
                                 .hold_back = hold_back,
                                 .part_hold_back = part_hold_back}}
                      .text());
  };
  EXPECT_TRUE(has(text(1s, 1s, 1ms),
                  "CONTROL:CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.000\n"));
  EXPECT_TRUE(has(text(13s, 7s, 1001ms),
                  "CONTROL:CAN-SKIP-UNTIL=13.000,HOLD-BACK=7.000,PART-HOLD-BACK=1.001\n"));
}

TEST(MediaPlaylist, WithoutPartsThereIsNoPartHoldBack) {
  MediaPlaylist plain{{.part_hold_back = 1s}};
  EXPECT_FALSE(has(plain.text(), "SERVER-CONTROL"));
  plain.begin_segment({});
  plain.add_part({.uri = "0.0.ts", .duration = 500ms});
  plain.hint("0.1.ts");
  EXPECT_EQ(body(plain.text()), "");
}

TEST(MediaPlaylist, NotAllSegmentsAreIndependentWhereTheyAreNot) {
  EXPECT_FALSE(has(MediaPlaylist{{.has_independent_segments = false}}.text(), "INDEPENDENT"));
}

TEST(MediaPlaylist, AStartNeedNotBePrecise) {
  const MediaPlaylist playlist{{.start = {{.offset = 2500ms}}}};
  EXPECT_TRUE(has(playlist.text(), "#EXT-X-START:TIME-OFFSET=2.500\n"));
}

TEST(MediaPlaylist, ARestartContinuesBothNumbers) {
  Programme live{{.target = 2s, .first_sequence = 86'400, .first_discontinuity_sequence = 3}};
  live.segment({.is_discontinuous = true});
  EXPECT_TRUE(has(live.playlist.text(),
                  "#EXT-X-MEDIA-SEQUENCE:86400\n"
                  "#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
                  "#EXT-X-DISCONTINUITY\n"
                  "#EXTINF:2.000,\n"
                  "86400.ts\n"));
}

// ---- the window

TEST(MediaPlaylist, SegmentsLeaveWhenTheRestFillsTheWindow) {
  Programme live{{.target = 2s, .window = 8s}};
  live.segments(4);
  EXPECT_EQ(live.playlist.first_sequence(), 0U);
  live.segment({}, 2s - 1ns);
  EXPECT_EQ(live.playlist.first_sequence(), 0U);  // the rest is one nanosecond short of it
  live.segment({}, 2s);
  EXPECT_EQ(live.playlist.first_sequence(), 1U);
  EXPECT_TRUE(has(live.playlist.text(), "#EXT-X-MEDIA-SEQUENCE:1\n"));
}

TEST(MediaPlaylist, ThreeTargetDurationsAreAlwaysListed) {
  Programme live{{.target = 1500ms, .window = 1s}};  // a target duration of 2 s
  for (int count = 0; count < 20; ++count) {
    live.segment({}, 1500ms);
    EXPECT_GE(live.playlist.listed(), std::min<Duration>((count + 1) * 1500ms, 6s));
  }
  EXPECT_EQ(live.playlist.listed(), 6s);
}

TEST(MediaPlaylist, AnEventKeepsEverything) {
  Programme event{{.type = Type::Event, .target = 2s}};
  event.segments(100);
  EXPECT_TRUE(has(header(event.playlist.text()), "#EXT-X-PLAYLIST-TYPE:EVENT\n"));
  EXPECT_TRUE(has(event.playlist.text(), "#EXT-X-MEDIA-SEQUENCE:0\n"));
  EXPECT_EQ(event.playlist.segments().size(), 100U);
  EXPECT_EQ(event.playlist.expire(at(100h)), Uris{});
}

TEST(MediaPlaylist, ADiscontinuityIsCountedWhenItsSegmentLeaves) {
  Programme live{{.target = 2s, .window = 8s}};
  live.segment();
  live.segment({.is_discontinuous = true});
  live.segments(3);
  EXPECT_TRUE(has(live.playlist.text(),
                  "#EXT-X-MEDIA-SEQUENCE:1\n"
                  "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                  "#EXT-X-DISCONTINUITY\n"
                  "#EXTINF:2.000,\n"
                  "1.ts\n"));
  live.segment();
  EXPECT_TRUE(has(live.playlist.text(),
                  "#EXT-X-MEDIA-SEQUENCE:2\n"
                  "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"
                  "#EXTINF:2.000,\n"
                  "2.ts\n"));
}

// ---- the end

TEST(MediaPlaylist, WhatHasEndedIsARecordingOfWhatWasListed) {
  Programme live{{.target = 2s,
                  .part_target = 500ms,
                  .can_block_reload = true,
                  .can_skip_until = 12s,
                  .start = {{.offset = -3s}}}};
  for (int count = 0; count < 5; ++count)
    live.segment_with_parts();
  live.playlist.begin_segment({});
  live.parts(1);
  live.playlist.end(live.now);
  const std::vector<MediaPlaylist::RenditionReport> others{
      {.uri = "b.m3u8", .edge = live.playlist.edge()}};
  const std::string recording{
      "#EXTM3U\n"
      "#EXT-X-VERSION:3\n"
      "#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-PLAYLIST-TYPE:VOD\n"
      "#EXT-X-MEDIA-SEQUENCE:2\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
      "#EXTINF:2.000,\n"
      "2.ts\n"
      "#EXTINF:2.000,\n"
      "3.ts\n"
      "#EXTINF:2.000,\n"
      "4.ts\n"
      "#EXT-X-ENDLIST\n"};
  EXPECT_EQ(live.playlist.text(MediaPlaylist::Form::Full, others), recording);
  EXPECT_EQ(live.playlist.text(MediaPlaylist::Form::Delta), recording);
  EXPECT_TRUE(live.playlist.edge().has_ended);
}

TEST(MediaPlaylist, NothingIsAddedToWhatHasEnded) {
  Programme live{{.target = 2s, .part_target = 500ms}};
  live.segment();
  live.playlist.end(live.now);
  const auto ended = live.playlist.text();
  live.segment_with_parts();
  live.segment({.map = "init-0.mp4"}, 2s, true);
  EXPECT_EQ(live.playlist.text(), ended);
}

TEST(MediaPlaylist, AnEventThatHasEndedListsAllOfIt) {
  Programme event{{.type = Type::Event, .target = 2s}};
  event.segments(50);
  event.playlist.end(event.now);
  const auto text = event.playlist.text();
  EXPECT_TRUE(has(text, "#EXT-X-PLAYLIST-TYPE:VOD\n"));
  EXPECT_FALSE(has(text, "EVENT"));
  EXPECT_TRUE(has(text, "\n0.ts\n"));
  EXPECT_TRUE(text.ends_with("\n49.ts\n#EXT-X-ENDLIST\n"));
}

// ---- what nobody lists any more

TEST(MediaPlaylist, ASegmentStaysForItsOwnLengthAndThatOfTheLongestPlaylist) {
  Programme live{{.target = 2s}};
  live.segments(4);
  EXPECT_EQ(live.playlist.first_sequence(), 1U);  // at 8 s, from a playlist of 8 s
  EXPECT_EQ(live.playlist.expire(at(18s - 1ns)), Uris{});
  EXPECT_EQ(live.playlist.expire(at(18s)), Uris{"0.ts"});
  EXPECT_EQ(live.playlist.expire(at(100h)), Uris{});
}

TEST(MediaPlaylist, APartStaysForThreeTargetDurationsAndTenSecondsAtLeast) {
  for (const auto& [target, stays] : {std::pair{2s, 10s}, {4s, 12s}}) {
    Programme live{{.target = target, .part_target = 500ms}};
    for (int count = 0; count < 3; ++count)
      live.segment_with_parts();  // the parts of the first leave at 6 s
    constexpr auto left = 6s;
    EXPECT_EQ(live.playlist.expire(at(left + stays - 1ns)), Uris{});
    EXPECT_EQ(live.playlist.expire(at(left + stays)),
              (Uris{"0.0.ts", "0.1.ts", "0.2.ts", "0.3.ts"}));
  }
}

TEST(MediaPlaylist, PartsLeaveWithTheEndThoseOfAnUnfinishedSegmentToo) {
  Programme live{{.target = 2s, .part_target = 500ms}};
  live.segment_with_parts();
  live.playlist.begin_segment({});
  live.parts(1);
  live.playlist.end(live.now);
  EXPECT_EQ(live.playlist.expire(at(12s - 1ns)), Uris{});
  EXPECT_EQ(live.playlist.expire(at(12s)),
            (Uris{"1.0.ts", "0.0.ts", "0.1.ts", "0.2.ts", "0.3.ts"}));
}

TEST(MediaPlaylist, AGapHasNoFileThatCouldExpire) {
  Programme live{{.target = 2s, .part_target = 500ms}};
  live.playlist.begin_segment({});
  live.playlist.add_part({.uri = "0.0.ts", .duration = 500ms, .is_gap = true});
  live.end_segment(2s, true);
  live.segments(3);
  EXPECT_EQ(live.playlist.first_sequence(), 1U);
  EXPECT_EQ(live.playlist.expire(at(100h)), Uris{});
}

TEST(MediaPlaylist, AMapGoesWithTheLastSegmentThatNeededIt) {
  Programme live{{.target = 2s}};
  live.segment({.map = "init-0.mp4"});
  live.segment({.map = "init-0.mp4"});
  for (int count = 0; count < 3; ++count)
    live.segment({.map = "init-1.mp4"});
  EXPECT_EQ(live.playlist.expire(at(20s)), (Uris{"0.ts", "1.ts", "init-0.mp4"}));
  live.segment({.map = "init-1.mp4"});
  EXPECT_EQ(live.playlist.expire(at(100h)), Uris{"2.ts"});
}

TEST(MediaPlaylist, AMapThatTheNextSegmentNeedsStays) {
  Programme live{{.target = 2s}};
  live.segment({.map = "init-0.mp4"});
  live.segment({.map = "init-1.mp4"});
  live.segment({.map = "init-1.mp4"});
  live.playlist.begin_segment({.map = "init-0.mp4"});
  live.end_segment();
  EXPECT_EQ(live.playlist.expire(at(100h)), Uris{"0.ts"});
}

TEST(MediaPlaylist, ForWantOfRoomTheOldestGoesAndThreeTargetDurationsStay) {
  Programme live{{.target = 2s, .window = 20s}};
  live.segments(12);  // two have left, and may still be asked for
  EXPECT_EQ(live.playlist.first_sequence(), 2U);
  EXPECT_EQ(live.playlist.take_oldest(live.now), "0.ts");
  EXPECT_EQ(live.playlist.take_oldest(live.now), "1.ts");
  EXPECT_EQ(live.playlist.first_sequence(), 2U);
  for (int n = 2; n < 9; ++n)
    EXPECT_EQ(live.playlist.take_oldest(live.now), numbered(static_cast<unsigned>(n)));
  EXPECT_EQ(live.playlist.first_sequence(), 9U);
  EXPECT_EQ(live.playlist.listed(), 6s);
  EXPECT_EQ(live.playlist.take_oldest(live.now), std::nullopt);
  live.segment();
  EXPECT_EQ(live.playlist.take_oldest(live.now), "9.ts");
  EXPECT_EQ(live.playlist.take_oldest(live.now), std::nullopt);
  EXPECT_EQ(live.playlist.expire(live.now + 100s), Uris{}) << "each is told once";
}

TEST(MediaPlaylist, AGapTakesNoRoom) {
  Programme live{{.target = 2s, .window = 20s}};
  live.segment({}, 2s, true);
  live.segment({}, 2s, true);
  live.segments(4);
  EXPECT_EQ(live.playlist.take_oldest(live.now), "2.ts");
  EXPECT_EQ(live.playlist.first_sequence(), 3U);
  EXPECT_EQ(live.playlist.take_oldest(live.now), std::nullopt);
}

TEST(MediaPlaylist, WhatHasToStayForGoodIsNotTaken) {
  Programme event{{.type = Type::Event, .target = 2s}};
  event.segments(12);
  EXPECT_EQ(event.playlist.take_oldest(event.now), std::nullopt);
  Programme ended{{.target = 2s, .window = 20s}};
  ended.segments(9);
  ended.playlist.end(ended.now);
  EXPECT_EQ(ended.playlist.take_oldest(ended.now), std::nullopt);
  EXPECT_EQ((Programme{{.target = 2s}}.playlist.take_oldest({})), std::nullopt);
}

}  // namespace
}  // namespace onair::test
