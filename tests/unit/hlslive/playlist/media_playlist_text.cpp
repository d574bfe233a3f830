// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

using Form = MediaPlaylist::Form;

EncryptionKey key(int number) {
  EncryptionKey key{.uri = "key?kid=" + std::to_string(number),
                    .iv = std::array<std::uint8_t, 16>{}};
  key.iv->back() = static_cast<std::uint8_t>(number);
  return key;
}

bool has_version(const Programme& programme, int version, Form form = Form::Full) {
  const auto line = "#EXTM3U\n#EXT-X-VERSION:" + std::to_string(version) + '\n';
  return programme.playlist.text(form).starts_with(line);
}

// ---- keys and media initialization sections

TEST(MediaPlaylistText, AKeyIsThereWhereItChangesAndAtTheHeadOfTheWindow) {
  Programme live{{.target = 2s}};
  live.segment();
  live.segment({.key = key(1)});
  live.segment({.key = key(1)});
  EXPECT_EQ(body(live.playlist.text()),
            "#EXTINF:2.000,\n"
            "0.ts\n"
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
            "#EXTINF:2.000,\n"
            "1.ts\n"
            "#EXTINF:2.000,\n"
            "2.ts\n");
  live.segment({.key = EncryptionKey{.uri = "key?kid=2", .iv = {}}});
  live.segment();
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
            "#EXTINF:2.000,\n"
            "2.ts\n"
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=2\"\n"
            "#EXTINF:2.000,\n"
            "3.ts\n"
            "#EXT-X-KEY:METHOD=NONE\n"
            "#EXTINF:2.000,\n"
            "4.ts\n");
  EXPECT_TRUE(has_version(live, 3));
}

TEST(MediaPlaylistText, AnotherIvIsAnotherKey) {
  Programme live{{.target = 2s}};
  auto first = key(1);
  auto second = first;
  second.iv->front() = 0xFF;
  live.segment({.key = first});
  live.segment({.key = second});
  EXPECT_TRUE(body(live.playlist.text())
                  .ends_with("#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\","
                             "IV=0xFF000000000000000000000000000001\n"
                             "#EXTINF:2.000,\n"
                             "1.ts\n"));
}

TEST(MediaPlaylistText, AMapIsThereWhereItChangesAndAtTheHeadOfTheWindow) {
  Programme live{{.target = 2s}};
  live.segment({.map = "init-0.mp4"});
  live.segment({.map = "init-0.mp4"});
  live.segment({.map = "init-0.mp4"});
  live.segment({.is_discontinuous = true, .map = "init-1.mp4"});
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
            "#EXTINF:2.000,\n"
            "1.ts\n"
            "#EXTINF:2.000,\n"
            "2.ts\n"
            "#EXT-X-DISCONTINUITY\n"
            "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
            "#EXTINF:2.000,\n"
            "3.ts\n");
  EXPECT_TRUE(has_version(live, 6));
}

TEST(MediaPlaylistText, NoMapIsUnderAKey) {
  Programme live{{.target = 2s}};
  live.segment({.key = key(1), .map = "init-0.mp4"});
  live.segment({.key = key(1), .map = "init-1.mp4"});
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
            "#EXTINF:2.000,\n"
            "0.ts\n"
            "#EXT-X-KEY:METHOD=NONE\n"
            "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
            "#EXTINF:2.000,\n"
            "1.ts\n");
}

// ---- gaps

TEST(MediaPlaylistText, AGapIsMarkedWithItsParts) {
  Programme live{{.target = 2s, .part_target = 500ms}};
  live.playlist.begin_segment({});
  live.parts(1);
  live.playlist.add_part({.uri = "0.1.ts", .duration = 500ms, .is_gap = true});
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-PART:DURATION=0.500,URI=\"0.0.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"0.1.ts\",GAP=YES\n");
  live.end_segment(1s, true);
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-PART:DURATION=0.500,URI=\"0.0.ts\",GAP=YES\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"0.1.ts\",GAP=YES\n"
            "#EXT-X-GAP\n"
            "#EXTINF:1.000,\n"
            "0.ts\n");
}

TEST(MediaPlaylistText, TheVersionOfAGapStaysWhenTheGapHasLeft) {
  Programme live{{.target = 2s}};
  live.segment();
  EXPECT_TRUE(has_version(live, 3));
  live.segment({}, 2s, true);
  EXPECT_TRUE(has_version(live, 8));
  live.segments(10);
  EXPECT_TRUE(has_version(live, 8));
}

// ---- parts

TEST(MediaPlaylistText, PartsOfTheLastTwoSegmentsAreListedAndOfTheOneThatIsWritten) {
  Programme live{{.target = 2s, .part_target = 1s}};
  for (int count = 0; count < 3; ++count)
    live.segment_with_parts();
  live.playlist.begin_segment({.is_discontinuous = true});
  EXPECT_EQ(body(live.playlist.text()),
            "#EXTINF:2.000,\n"
            "0.ts\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"1.0.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"1.1.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"1.2.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"1.3.ts\"\n"
            "#EXTINF:2.000,\n"
            "1.ts\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"2.0.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"2.1.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"2.2.ts\"\n"
            "#EXT-X-PART:DURATION=0.500,URI=\"2.3.ts\"\n"
            "#EXTINF:2.000,\n"
            "2.ts\n"
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"3.0.ts\"\n");
  live.parts(1);
  EXPECT_TRUE(body(live.playlist.text())
                  .ends_with("2.ts\n"
                             "#EXT-X-DISCONTINUITY\n"
                             "#EXT-X-PART:DURATION=0.500,URI=\"3.0.ts\"\n"
                             "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"3.1.ts\"\n"));
}

TEST(MediaPlaylistText, KeyAndMapStandInFrontOfTheFirstPart) {
  Programme live{{.target = 2s, .part_target = 1s}};
  live.playlist.begin_segment({.key = key(1), .map = "init-0.mp4"});
  EXPECT_EQ(body(live.playlist.text()), "");
  live.parts(1);
  const std::string unfinished{
      "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
      "#EXT-X-PART:DURATION=0.500,URI=\"0.0.ts\"\n"};
  EXPECT_EQ(body(live.playlist.text()),
            unfinished + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0.1.ts\"\n");
  live.end_segment();
  live.playlist.begin_segment({.key = key(1), .map = "init-0.mp4"});
  live.parts(1);
  EXPECT_EQ(body(live.playlist.text()), unfinished +
                                            "#EXTINF:2.000,\n"
                                            "0.ts\n"
                                            "#EXT-X-PART:DURATION=0.500,URI=\"1.0.ts\"\n"
                                            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.1.ts\"\n");
}

TEST(MediaPlaylistText, AHintIsGoneWithThePartThatItSpokeOf) {
  Programme live{{.target = 2s, .part_target = 1s}};
  live.playlist.hint("0.0.ts");
  EXPECT_EQ(body(live.playlist.text()), "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0.0.ts\"\n");
  live.playlist.add_part({.uri = "0.0.ts", .duration = 1s});
  EXPECT_EQ(body(live.playlist.text()), "#EXT-X-PART:DURATION=1.000,URI=\"0.0.ts\"\n");
}

// ---- reports

TEST(MediaPlaylistText, AReportTellsTheLastPartOfAnotherRendition) {
  const MediaPlaylist playlist{{}};
  const auto report = [&playlist](LiveEdge edge) {
    const std::vector<MediaPlaylist::RenditionReport> reports{{.uri = "b.m3u8", .edge = edge}};
    return body(playlist.text(Form::Full, reports));
  };
  LiveEdge edge;
  EXPECT_EQ(report(edge), "");  // it has nothing yet
  edge = {.next_sequence = 7, .has_segments = true};
  EXPECT_EQ(report(edge), "#EXT-X-RENDITION-REPORT:URI=\"b.m3u8\",LAST-MSN=6\n");
  edge.last_parts = 5;
  EXPECT_EQ(report(edge), "#EXT-X-RENDITION-REPORT:URI=\"b.m3u8\",LAST-MSN=6,LAST-PART=4\n");
  edge.next_parts = 2;
  EXPECT_EQ(report(edge), "#EXT-X-RENDITION-REPORT:URI=\"b.m3u8\",LAST-MSN=7,LAST-PART=1\n");
  edge.has_segments = false;
  edge.last_parts = 0;
  EXPECT_EQ(report(edge), "#EXT-X-RENDITION-REPORT:URI=\"b.m3u8\",LAST-MSN=7,LAST-PART=1\n");
}

// ---- delta updates

TEST(MediaPlaylistText, ADeltaSkipsWhatLiesBeforeTheBoundary) {
  Programme live{{.target = 2s, .window = 60s, .can_skip_until = 12s}};
  live.segments(8);
  EXPECT_EQ(live.playlist.text(Form::Delta),
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            "#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12.000\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"
            "#EXTINF:2.000,\n2.ts\n"
            "#EXTINF:2.000,\n3.ts\n"
            "#EXTINF:2.000,\n4.ts\n"
            "#EXTINF:2.000,\n5.ts\n"
            "#EXTINF:2.000,\n6.ts\n"
            "#EXTINF:2.000,\n7.ts\n");
  EXPECT_TRUE(has_version(live, 3));
}

TEST(MediaPlaylistText, PartsMoveTheBoundary) {
  Programme live{{.target = 2s, .window = 60s, .part_target = 500ms, .can_skip_until = 13s}};
  live.segments(8);
  live.parts(1);
  EXPECT_TRUE(
      body(live.playlist.text(Form::Delta)).starts_with("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"));
  live.parts(1);
  EXPECT_TRUE(
      body(live.playlist.text(Form::Delta)).starts_with("#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"));
}

TEST(MediaPlaylistText, WithoutAnythingToSkipThereIsTheWholePlaylist) {
  Programme with{{.target = 2s, .window = 60s, .can_skip_until = 12s}};
  Programme without{{.target = 2s, .window = 60s}};
  with.segments(6);
  without.segments(20);
  EXPECT_EQ(with.playlist.text(Form::Delta), with.playlist.text());
  EXPECT_EQ(without.playlist.text(Form::Delta), without.playlist.text());
  with.segment();
  EXPECT_NE(with.playlist.text(Form::Delta), with.playlist.text());
}

TEST(MediaPlaylistText, BehindASkipKeyAndMapAreSaidAgain) {
  Programme live{{.target = 2s, .window = 60s, .can_skip_until = 12s}};
  for (int count = 0; count < 8; ++count)
    live.segment({.key = key(1), .map = "init-0.mp4"});
  EXPECT_TRUE(
      body(live.playlist.text(Form::Delta))
          .starts_with(
              "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"
              "#EXT-X-KEY:METHOD=NONE\n"
              "#EXT-X-MAP:URI=\"init-0.mp4\"\n"
              "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
              "#EXTINF:2.000,\n"
              "2.ts\n"
              "#EXTINF:2.000,\n"
              "3.ts\n"));
}

TEST(MediaPlaylistText, BehindASkipAKeyIsSaidAgainOnce) {
  Programme live{{.target = 2s, .window = 60s, .can_skip_until = 12s}};
  for (int count = 0; count < 8; ++count)
    live.segment({.key = key(1)});
  EXPECT_TRUE(
      body(live.playlist.text(Form::Delta))
          .starts_with(
              "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"
              "#EXT-X-KEY:METHOD=AES-128,URI=\"key?kid=1\",IV=0x00000000000000000000000000000001\n"
              "#EXTINF:2.000,\n"
              "2.ts\n"
              "#EXTINF:2.000,\n"
              "3.ts\n"));
}

TEST(MediaPlaylistText, BehindASkipAKeyThatHasEndedIsNotForgotten) {
  Programme live{{.target = 2s, .window = 60s, .can_skip_until = 12s}};
  live.segment({.key = key(1)});
  live.segments(6);
  EXPECT_TRUE(body(live.playlist.text(Form::Delta))
                  .starts_with("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"
                               "#EXT-X-KEY:METHOD=NONE\n"
                               "#EXTINF:2.000,\n"
                               "1.ts\n"));
}

// ---- foreign strings

TEST(MediaPlaylistText, NoUriMakesALineOfItsOwn) {
  Programme live{{.target = 2s, .part_target = 1s}};
  live.playlist.begin_segment({.key = EncryptionKey{.uri = "k\"\n#", .iv = {}}, .map = "m\r\n#"});
  live.playlist.add_part({.uri = "p\n\"#", .duration = 1s});
  live.playlist.end_segment("#s\n#EXT-X-ENDLIST", 1s, at(1s));
  live.playlist.hint("h\"\n");
  EXPECT_EQ(body(live.playlist.text()),
            "#EXT-X-MAP:URI=\"m%0D%0A#\"\n"
            "#EXT-X-KEY:METHOD=AES-128,URI=\"k%22%0A#\"\n"
            "#EXT-X-PART:DURATION=1.000,URI=\"p%0A%22#\"\n"
            "#EXTINF:1.000,\n"
            "%23s%0A#EXT-X-ENDLIST\n"
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h%22%0A\"\n");
}

}  // namespace
}  // namespace onair::test
