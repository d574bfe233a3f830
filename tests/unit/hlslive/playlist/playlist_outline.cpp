// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/playlist_outline.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "programme.hpp"
#include "unit/hlslive/storage/playlist_mutations.hpp"

namespace onair::test {
namespace {

using Form = MediaPlaylist::Form;

const MediaPlaylist::Config kLowLatency{.target = 2s,
                                        .window = 30s,
                                        .part_target = 500ms,
                                        .can_block_reload = true,
                                        .can_skip_until = 12s};

void expect_same(const LiveEdge& read, const LiveEdge& written) {
  EXPECT_EQ(read.next_sequence, written.next_sequence);
  EXPECT_EQ(read.next_parts, written.next_parts);
  EXPECT_EQ(read.last_parts, written.last_parts);
  EXPECT_EQ(read.has_segments, written.has_segments);
  EXPECT_EQ(read.has_ended, written.has_ended);
  if (written.has_ended)  // and nobody waits any more
    return;
  EXPECT_EQ(read.part_target, written.part_target);
  EXPECT_EQ(read.can_block_reload, written.can_block_reload);
}

void expect_as_written(const MediaPlaylist& playlist) {
  const auto text = playlist.text();
  const auto outline = outline_of(text);
  ASSERT_TRUE(outline) << text;
  expect_same(outline->edge, playlist.edge());
  EXPECT_EQ(outline->target_duration, playlist.target_duration());
  const auto delta = playlist.text(Form::Delta);
  EXPECT_EQ(outline->delta, delta == text ? "" : delta) << text;
}

std::string with_head(const std::string& lines) {
  return "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n" + lines;
}

TEST(PlaylistOutline, OfAPlainPlaylistNobodyWaits) {
  Programme live{{.target = 2s}};
  expect_as_written(live.playlist);
  live.segments(5);
  expect_as_written(live.playlist);
  const auto outline = outline_of(live.playlist.text());
  EXPECT_EQ(outline->edge.next_sequence, 5U);
  EXPECT_FALSE(outline->edge.can_block_reload);
  EXPECT_EQ(outline->hint, "");
}

TEST(PlaylistOutline, PartsAndTheirHintAreTheEdge) {
  Programme live{kLowLatency};
  live.segment_with_parts();
  expect_as_written(live.playlist);
  EXPECT_EQ(outline_of(live.playlist.text())->hint, "1.0.ts");
  live.playlist.begin_segment({});
  live.parts(3);
  expect_as_written(live.playlist);
  const auto outline = outline_of(live.playlist.text());
  EXPECT_EQ(outline->edge.next_parts, 3U);
  EXPECT_EQ(outline->edge.last_parts, 4U);
  EXPECT_EQ(outline->hint, "1.3.ts");
}

TEST(PlaylistOutline, ADeltaBeginsExactlyWhereTheWriterSaysSo) {
  Programme live{kLowLatency};
  for (int n = 0; n < 6; ++n)
    live.segment_with_parts();
  live.playlist.begin_segment({});
  live.parts(3);
  EXPECT_EQ(outline_of(live.playlist.text())->delta, "") << "13.5 s, less the first one's 2 s";
  live.parts(1);
  expect_as_written(live.playlist);
  live.end_segment();
  expect_as_written(live.playlist);
  EXPECT_NE(outline_of(live.playlist.text())->delta.find("SKIPPED-SEGMENTS=1\n"),
            std::string::npos);
}

TEST(PlaylistOutline, WhatHasEndedHasNoDelta) {
  Programme live{kLowLatency};
  live.segments(12);
  EXPECT_NE(outline_of(live.playlist.text())->delta, "");
  live.playlist.end(live.now);
  expect_as_written(live.playlist);
  EXPECT_TRUE(outline_of(live.playlist.text())->edge.has_ended);
}

// Whatever is cut, lost, encrypted and packed: byte for byte what its writer would send.
TEST(PlaylistOutline, IsWhatTheWriterKnows) {
  constexpr std::uint32_t kSeed = 23;
  for (const bool has_maps : {false, true}) {
    std::mt19937 random{kSeed};
    Programme live{kLowLatency};
    for (int round = 0; round < 1500; ++round) {
      SegmentHead head{.is_discontinuous = random() % 7 == 0,
                       .map = has_maps ? "init-" + std::to_string(round / 4) + ".mp4" : ""};
      if (random() % 2 == 0)
        head.date = UtcTime{std::chrono::hours{24 * 365 * 50} + live.now.time_since_epoch()};
      if (random() % 3 != 0)
        head.key = EncryptionKey{.uri = "https://keys/?a=b,c&kid=" + std::to_string(round / 5)};
      live.playlist.begin_segment(std::move(head));
      live.parts(static_cast<int>(random() % 5));
      expect_as_written(live.playlist);
      live.end_segment(Duration{1 + random() % 2'499'999'999}, random() % 9 == 0);
      expect_as_written(live.playlist);
      if (HasFailure())
        FAIL() << "seed " << kSeed << ", round " << round;
    }
    EXPECT_GT(live.playlist.first_sequence(), 1000U);
  }
}

// ---- what others write

TEST(PlaylistOutline, TagsThatItDoesNotKnowStayInTheHeaderAndKeepADeltaFromBeingMade) {
  const std::string head = with_head(
      "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=4,X-MORE=1\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n");
  const std::string first = "#EXTINF:2,\nhttp://cdn/a.ts\n";
  const std::string rest = "#EXTINF:2.5,title, of it\nb.ts\n#EXTINF:2,\nc.ts\n";
  EXPECT_EQ(outline_of(head + first + rest)->delta,
            "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=4,X-MORE=1\n"
            "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n"
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n" +
                rest);
  for (const char* other : {"#EXT-X-DATERANGE:ID=\"a\"\n", "#EXT-X-BITRATE:500\n", "# a comment\n",
                            "#EXT-X-BYTERANGE:100\n", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n",
                            "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"f\"\n"}) {
    const auto outline = outline_of(head + first + other + rest);
    ASSERT_TRUE(outline) << other;
    EXPECT_EQ(outline->delta, "") << other;
    EXPECT_EQ(outline->edge.next_sequence, 3U) << other;
  }
  EXPECT_NE(outline_of(head + first + rest + "#EXT-X-DATERANGE:ID=\"a\"\n")->delta, "");
}

TEST(PlaylistOutline, AHintOfAPartOfAFileIsNoneOfAFile) {
  const auto hint = [](const std::string& attributes) {
    return outline_of(with_head("#EXT-X-PRELOAD-HINT:" + attributes + '\n'))->hint;
  };
  EXPECT_EQ(hint("TYPE=PART,URI=\"a.ts\""), "a.ts");
  EXPECT_EQ(hint("TYPE=MAP,URI=\"a.mp4\""), "");
  EXPECT_EQ(hint("TYPE=PART,URI=\"a.ts\",BYTERANGE-START=7"), "");
}

TEST(PlaylistOutline, WhatIsNotOneWholeMediaPlaylistHasNone) {
  EXPECT_TRUE(outline_of(with_head("#EXTINF:1,\na.ts\n")));
  for (const std::string& text : {std::string{},
                                  std::string{"\n"},
                                  std::string{"#EXTM3U\n"},
                                  std::string{"#EXTM3U"},
                                  std::string{"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n0.m3u8\n"},
                                  std::string{"#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n"},
                                  std::string{"\xEF\xBB\xBF#EXTM3U\n#EXT-X-TARGETDURATION:2\n"},
                                  std::string{"#EXTM3U\n#EXT-X-TARGETDURATION:0\n"},
                                  with_head("#EXTINF:1,\na.ts"),
                                  with_head("#EXTINF:1,\n"),
                                  with_head("a.ts\n"),
                                  with_head("#EXTINF:1,\n#EXTINF:1,\na.ts\n"),
                                  with_head("#EXTINF:-1,\na.ts\n"),
                                  with_head("#EXTINF:86401,\na.ts\n"),
                                  with_head("#EXT-X-TARGETDURATION:2\n"),
                                  with_head("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"),
                                  with_head("#EXT-X-MEDIA-SEQUENCE:9007199254740993\n"),
                                  with_head("#EXTINF:1,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n"),
                                  with_head("#EXT-X-PART-INF:X=1\n"),
                                  with_head("#EXT-X-PART:URI=\"a.ts\"\n"),
                                  with_head("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=x\n"),
                                  with_head("#EXT-X-SERVER-CONTROL:\n"),
                                  with_head("#EXT-X-KEY:URI=\"k\"\n")})
    EXPECT_FALSE(outline_of(text)) << text;
}

TEST(PlaylistOutline, IsReadOrNotHoweverTheTextIsDamaged) {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::uint32_t kRounds = 10'000;
#else
  constexpr std::uint32_t kRounds = 30'000;
#endif
  auto text = live_playlist();
  const std::string control = "CAN-BLOCK-RELOAD=YES";
  text.insert(text.find(control) + control.size(), ",CAN-SKIP-UNTIL=2.5");
  ASSERT_NE(outline_of(text)->delta, "");
  std::uint32_t read = 0;
  std::uint32_t deltas = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    const auto damaged = mutated(text, seed);
    const auto verdict = check_any_outline(damaged);
    ASSERT_FALSE(verdict.broken) << "seed " << seed << ": " << *verdict.broken << '\n' << damaged;
    read += verdict.is_read ? 1 : 0;
    deltas += verdict.is_read && !outline_of(damaged)->delta.empty() ? 1 : 0;
  }
  // Otherwise the mutations are too harsh, or too kind, to show anything.
  EXPECT_GT(deltas, kRounds / 10);
  EXPECT_GT(read, deltas);
  EXPECT_LT(read, kRounds - kRounds / 10);
}

}  // namespace
}  // namespace onair::test
