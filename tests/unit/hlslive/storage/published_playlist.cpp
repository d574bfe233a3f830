// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/published_playlist.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/hlslive/storage/playlist_mutations.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using testing::ElementsAre;

PublishedPlaylist parsed(std::string_view text) {
  auto parsed = parse_published_playlist(text);
  if (const auto* error = std::get_if<PlaylistSyntaxError>(&parsed)) {
    ADD_FAILURE() << to_text(*error);
    return {};
  }
  return std::get<PublishedPlaylist>(std::move(parsed));
}

std::string error_in(std::string_view text) {
  const auto parsed = parse_published_playlist(text);
  const auto* error = std::get_if<PlaylistSyntaxError>(&parsed);
  return error != nullptr ? to_text(*error) : "none";
}

std::string with_head(std::string_view rest) {
  return "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + std::string{rest};
}

TEST(PublishedPlaylist, TellsWhereToGoOn) {
  const auto playlist = parsed(live_playlist());
  EXPECT_EQ(playlist.target_duration, 2U);
  EXPECT_EQ(playlist.media_sequence, 118U);
  EXPECT_EQ(playlist.discontinuity_sequence, 3U);
  ASSERT_EQ(playlist.segments.size(), 4U);
  EXPECT_EQ(playlist.next_media_sequence(), 122U);
  EXPECT_EQ(playlist.next_discontinuity_sequence(), 4U);
  EXPECT_FALSE(playlist.is_event);
  EXPECT_FALSE(playlist.has_ended);
}

TEST(PublishedPlaylist, HasItsSegmentsAsTheyWerePublished) {
  const auto playlist = parsed(live_playlist());
  ASSERT_EQ(playlist.segments.size(), 4U);
  const auto& first = playlist.segments[0];
  EXPECT_EQ(first.uri, "0-118.ts");
  EXPECT_EQ(first.duration, 1'008'000'000ns);
  EXPECT_EQ(first.program_date_time,
            sys_days{std::chrono::July / 31 / 2026} + 23h + 59min + 59s + 500ms);
  EXPECT_EQ(first.key, std::nullopt);
  EXPECT_EQ(first.map, "0-init-1.mp4");
  EXPECT_FALSE(first.is_discontinuity);
  EXPECT_FALSE(first.is_gap);
  const auto& second = playlist.segments[1];
  EXPECT_EQ(second.duration, 983'999'989ns);
  ASSERT_TRUE(second.key);
  EXPECT_EQ(second.key->uri, "https://keys.example/?kid=7,a=b");
  ASSERT_TRUE(second.key->iv);
  EXPECT_EQ(second.key->iv->front(), 0x00U);
  EXPECT_EQ(second.key->iv->back(), 0xefU);
  EXPECT_TRUE(playlist.segments[2].is_discontinuity);
  EXPECT_EQ(playlist.segments[2].map, "0-init-2.mp4");
  EXPECT_EQ(playlist.segments[2].key, second.key) << "it goes on until the next key";
  EXPECT_EQ(playlist.segments[2].program_date_time, std::nullopt) << "it is of one segment";
  EXPECT_TRUE(playlist.segments[3].is_gap);
  EXPECT_EQ(playlist.segments[3].key, std::nullopt);
  EXPECT_FALSE(playlist.segments[3].is_discontinuity);
}

TEST(PublishedPlaylist, KnowsThePartsOfTheSegmentThatWasNeverFinished) {
  EXPECT_THAT(parsed(live_playlist()).unfinished_parts,
              ElementsAre("0-122.0.ts", "0-122.1.ts", "0-122.2.ts"));
}

TEST(PublishedPlaylist, KnowsHowLongTheSegmentThatWasNeverFinishedIs) {
  const auto begun = parsed(with_head("#EXTINF:1,\n0-1.ts\n#EXT-X-DISCONTINUITY\n"
                                      "#EXT-X-PROGRAM-DATE-TIME:2026-01-31T23:59:59.5Z\n"
                                      "#EXT-X-PART:DURATION=0.25,URI=\"0-2.0.ts\"\n"
                                      "#EXT-X-PART:DURATION=0.125,URI=\"0-2.1.ts\"\n"
                                      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"0-2.2.ts\"\n"))
                         .begun;
  ASSERT_TRUE(begun);
  EXPECT_THAT(begun->parts, ElementsAre("0-2.0.ts", "0-2.1.ts"));
  EXPECT_EQ(begun->segment.duration, 375ms);
  EXPECT_TRUE(begun->segment.is_discontinuity);
  EXPECT_TRUE(begun->segment.program_date_time);
  EXPECT_FALSE(begun->segment.is_gap);
  EXPECT_FALSE(parsed(with_head("#EXTINF:1,\n0-1.ts\n")).begun);
  EXPECT_TRUE(
      parsed(with_head("#EXT-X-PART:DURATION=1,GAP=YES,URI=\"0-2.0.ts\"\n")).begun->segment.is_gap);
  EXPECT_EQ(error_in(with_head("#EXT-X-PART:URI=\"0-2.0.ts\"\n")),
            "line 3: EXT-X-PART: no duration");
}

TEST(PublishedPlaylist, KnowsThePartThatWasAnnouncedAndNoOtherHint) {
  const auto hint = [](const std::string& attributes) {
    return with_head("#EXTINF:1,\n0-1.ts\n#EXT-X-PRELOAD-HINT:" + attributes + "\n");
  };
  EXPECT_THAT(parsed(hint("TYPE=PART,URI=\"0-2.0.ts\"")).unfinished_parts, ElementsAre("0-2.0.ts"));
  EXPECT_THAT(parsed(hint("TYPE=MAP,URI=\"0-init-2.mp4\"")).unfinished_parts, ElementsAre());
  EXPECT_EQ(error_in(hint("TYPE=PART,URI=\"../0-2.0.ts\"")),
            "line 5: EXT-X-PRELOAD-HINT: not a name");
}

TEST(PublishedPlaylist, CatchesUpWithGapsOfTheSameLengthAndDate) {
  const auto of = [](const std::string& rendition, int first, int count) {
    auto text = "#EXT-X-MEDIA-SEQUENCE:" + std::to_string(first) +
                "\n#EXT-X-KEY:METHOD=AES-128,URI=\"" + rendition + "\"\n";
    for (int i = first; i < first + count; ++i)
      text += (i == 7 ? "#EXT-X-DISCONTINUITY\n" : "") + std::string{"#EXTINF:1.00"} +
              std::to_string(i) + ",\n" + rendition + "-" + std::to_string(i) + ".ts\n";
    return parsed(with_head(text));
  };
  const auto ahead = of("0", 4, 4);
  auto behind = of("audio-0", 4, 2);
  std::uint64_t number = 20;
  behind.catch_up(ahead, "audio-0", number);
  ASSERT_EQ(behind.next_media_sequence(), 8U);
  EXPECT_FALSE(behind.segments[1].is_gap);
  for (std::size_t index : {2U, 3U}) {
    EXPECT_TRUE(behind.segments[index].is_gap);
    EXPECT_EQ(behind.segments[index].duration, ahead.segments[index].duration);
    EXPECT_EQ(behind.segments[index].is_discontinuity, index == 3);
    EXPECT_EQ(behind.segments[index].key->uri, "audio-0");
  }
  EXPECT_EQ(behind.segments[3].uri, "audio-0-21.ts");
  EXPECT_EQ(number, 22U);
  EXPECT_EQ(behind.next_discontinuity_sequence(), ahead.next_discontinuity_sequence());

  auto level = ahead;
  level.catch_up(behind, "0", number);
  EXPECT_EQ(level.segments.size(), 4U);
  // Without what lies between there is no going on.
  auto lost = of("1", 1, 2);
  lost.catch_up(ahead, "1", number);
  EXPECT_EQ(lost.next_media_sequence(), 3U);
  EXPECT_EQ(number, 22U);
  auto next = of("1", 1, 3);
  next.catch_up(ahead, "1", number);
  EXPECT_EQ(next.next_media_sequence(), 8U);
}

TEST(PublishedPlaylist, BeginsAtZeroUnlessItSaysOtherwise) {
  const auto playlist = parsed(with_head(""));
  EXPECT_EQ(playlist.media_sequence, 0U);
  EXPECT_EQ(playlist.next_media_sequence(), 0U);
  EXPECT_TRUE(playlist.segments.empty());
}

TEST(PublishedPlaylist, CanBeAnEventOrOver) {
  EXPECT_TRUE(parsed(with_head("#EXT-X-PLAYLIST-TYPE:EVENT\n")).is_event);
  EXPECT_FALSE(parsed(with_head("#EXT-X-PLAYLIST-TYPE:VOD\n")).is_event);
  EXPECT_TRUE(parsed(with_head("#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n")).has_ended);
}

TEST(PublishedPlaylist, SkipsTagsThatDoNotMatterHere) {
  const auto playlist = parsed(
      with_head("# a comment\n\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXTINF:1,a title\n"
                "#EXT-X-BITRATE:128\na.ts\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"b.ts\"\n"));
  EXPECT_EQ(playlist.segments.size(), 1U);
}

TEST(PublishedPlaylist, ReadsDurationsToTheNanosecond) {
  const std::vector<std::pair<std::string, Duration>> durations{{"0", 0ns},
                                                                {"6", 6s},
                                                                {"0.6", 600ms},
                                                                {"1.000000001", 1s + 1ns},
                                                                {"0.999999999", 1s - 1ns},
                                                                {"86400", 24h}};
  for (const auto& [text, duration] : durations) {
    const auto playlist = parsed(with_head("#EXTINF:" + text + ",\na.ts\n"));
    ASSERT_EQ(playlist.segments.size(), 1U);
    EXPECT_EQ(playlist.segments[0].duration, duration) << text;
  }
  for (const auto* text : {"", ".", "1.", ".5", "-1", "+1", " 1", "1 ", "1e3", "0x1", "nan",
                           "86401", "1.0000000001", "1.-5", "99999999999999999999"}) {
    EXPECT_EQ(error_in(with_head("#EXTINF:" + std::string{text} + ",\na.ts\n")),
              "line 3: EXTINF: not a duration")
        << text;
  }
}

TEST(PublishedPlaylist, ReadsTimesThatExistAndNoOthers) {
  const auto time = [](const std::string& text) {
    return with_head("#EXT-X-PROGRAM-DATE-TIME:" + text + "\n#EXTINF:1,\na.ts\n");
  };
  EXPECT_EQ(parsed(time("1970-01-01T00:00:00Z")).segments.at(0).program_date_time,
            sys_days{std::chrono::January / 1 / 1970});
  EXPECT_EQ(parsed(time("2024-02-29T23:59:59.999999999Z")).segments.at(0).program_date_time,
            sys_days{std::chrono::March / 1 / 2024} - 1ns);
  for (const auto* text :
       {"", "Z", "2026-07-31", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-07-31T24:00:00Z", "2026-07-31T00:60:00Z", "2026-07-31T00:00:60Z",
        "2026-07-31T00:00:00", "2026-07-31T00:00:00.Z", "2026-07-31T00:00:00,5Z",
        "2026-07-31T00:00:00+02:00", "2026-7-31T00:00:00Z", "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z", "+026-07-31T00:00:00Z"}) {
    EXPECT_EQ(error_in(time(text)), "line 3: EXT-X-PROGRAM-DATE-TIME: not a time") << text;
  }
}

TEST(PublishedPlaylist, CountsAsFarAsPlayersCan) {
  EXPECT_EQ(parsed(with_head("#EXT-X-MEDIA-SEQUENCE:9007199254740992\n")).media_sequence,
            9'007'199'254'740'992U);
  for (const auto* text : {"9007199254740993", "18446744073709551616", "-1", "", "1.5", "0x1"}) {
    EXPECT_EQ(error_in(with_head("#EXT-X-MEDIA-SEQUENCE:" + std::string{text} + "\n")),
              "line 3: EXT-X-MEDIA-SEQUENCE: not a number");
  }
}

TEST(PublishedPlaylist, ThatWasCutOffIsNotOne) {
  const auto text = live_playlist();
  std::size_t readable = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto cut = std::string_view{text}.substr(0, size);
    if (error_in(cut) == "none") {
      ++readable;
      EXPECT_TRUE(cut.ends_with('\n')) << cut;
    }
  }
  EXPECT_GT(readable, 0U) << "at the end of a line it can't be told";
}

TEST(PublishedPlaylist, ErrorsNameTheLine) {
  EXPECT_EQ(error_in(""), "line 0: nothing there");
  EXPECT_EQ(error_in("#EXTM3U"), "line 1: the line has no end");
  EXPECT_EQ(error_in("#EXTM3U8\n"), "line 1: not a playlist");
  EXPECT_EQ(error_in("\n#EXTM3U\n"), "line 1: not a playlist");
  EXPECT_EQ(error_in("#EXTM3U\n"), "line 1: no EXT-X-TARGETDURATION");
  EXPECT_EQ(error_in("#EXTM3U\r\n"), "line 1: not a playlist");
  EXPECT_EQ(error_in(with_head("#EXTINF:1,\n")), "line 3: EXTINF without a segment");
  EXPECT_EQ(error_in(with_head("#EXTINF:1,\n#EXTINF:1,\na.ts\n")), "line 4: EXTINF: twice");
  EXPECT_EQ(error_in(with_head("a.ts\n")), "line 3: a segment without EXTINF");
  EXPECT_EQ(error_in(with_head("#EXT-X-TARGETDURATION:1\n")),
            "line 3: EXT-X-TARGETDURATION: twice");
  EXPECT_EQ(error_in(with_head("#EXTINF:1,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n")),
            "line 5: EXT-X-MEDIA-SEQUENCE: behind a segment");
  EXPECT_EQ(error_in(with_head("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n")),
            "line 3: EXT-X-SKIP: not a whole playlist");
  EXPECT_EQ(error_in("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n0.m3u8\n"),
            "line 2: not a media playlist");
  EXPECT_EQ(error_in(with_head("#EXTINF:1,\n\x01.ts\n")), "line 4: a control character");
}

TEST(PublishedPlaylist, NamesNothingOutsideItsDirectory) {
  for (const auto* name : {"../etc/passwd", "/etc/passwd", "a/b.ts", ".hidden", "http://a/b.ts"}) {
    EXPECT_EQ(error_in(with_head("#EXTINF:1,\n" + std::string{name} + '\n')),
              "line 4: a segment: not a name");
    EXPECT_EQ(error_in(with_head("#EXT-X-MAP:URI=\"" + std::string{name} + "\"\n")),
              "line 3: EXT-X-MAP: not a name");
    EXPECT_EQ(error_in(with_head("#EXT-X-PART:DURATION=1,URI=\"" + std::string{name} + "\"\n")),
              "line 3: EXT-X-PART: not a name");
  }
}

TEST(PublishedPlaylist, HasKeysOfOneKind) {
  const auto key = [](std::string_view attributes) {
    return error_in(with_head("#EXT-X-KEY:" + std::string{attributes} + '\n'));
  };
  EXPECT_EQ(key("METHOD=AES-128,URI=\"k\""), "none");
  EXPECT_EQ(key("URI=\"k\",X-MORE=1,METHOD=AES-128"), "none");
  EXPECT_EQ(key("METHOD=NONE"), "none");
  for (const auto* text : {"", "METHOD", "=NONE", "METHOD=", "METHOD=\"NONE\"", "METHOD=NONE,",
                           "METHOD=NONE,METHOD=NONE", "METHOD=NONE,URI=\"k", "METHOD=NO\"NE",
                           "METHOD=NONE,URI=\"k\"x"})
    EXPECT_EQ(key(text), "line 3: EXT-X-KEY: no METHOD") << text;
  for (const auto* text : {"METHOD=SAMPLE-AES,URI=\"k\"", "METHOD=AES-128", "METHOD=AES-128,URI=k",
                           "METHOD=AES-128,URI=\"\""})
    EXPECT_EQ(key(text), "line 3: EXT-X-KEY: not a key of ours") << text;
  for (const std::string iv :
       {"0x", "0x00", "00112233445566778899aabbccddeeff00", "0x00112233445566778899aabbccddeefg",
        "0x00112233445566778899aabbccddeeff0", "0x+0112233445566778899aabbccddeeff"})
    EXPECT_EQ(key("METHOD=AES-128,URI=\"k\",IV=" + iv), "line 3: EXT-X-KEY: not an IV") << iv;
}

TEST(PublishedPlaylist, IsReadOrRefusedHoweverItIsDamaged) {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::uint32_t kRounds = 20'000;
#else
  constexpr std::uint32_t kRounds = 60'000;
#endif
  std::uint32_t read = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    const auto text = mutated_playlist(seed);
    const auto verdict = check_any_playlist(text);
    ASSERT_FALSE(verdict.broken) << "seed " << seed << ": " << *verdict.broken << '\n' << text;
    read += verdict.is_read ? 1 : 0;
  }
  // Otherwise the mutations are too harsh, or too kind, to show anything.
  EXPECT_GT(read, kRounds / 10);
  EXPECT_LT(read, kRounds - kRounds / 10);
}

}  // namespace
}  // namespace onair::test
