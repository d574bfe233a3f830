// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_plan.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

TEST(ArchivePlan, PlaylistsComeBehindWhatTheyList) {
  EXPECT_EQ(copying_order({"master.m3u8", "1.m3u8", "0-1.ts", ".0-2.ts.part", "0.m3u8", "0-0.ts",
                           "0-init-0.mp4"}),
            (std::vector<std::string>{"0-0.ts", "0-1.ts", "0-init-0.mp4", "0.m3u8", "1.m3u8",
                                      "master.m3u8"}));
}

TEST(ArchivePlan, PlaylistsAloneAreNoBroadcast) {
  EXPECT_FALSE(has_segments({}));
  EXPECT_FALSE(has_segments({"master.m3u8", "0.m3u8", ".0-0.ts.part"}));
  EXPECT_TRUE(has_segments({"master.m3u8", "0-0.ts"}));
}

constexpr const char* kHead = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
constexpr const char* kEvent = "#EXT-X-PLAYLIST-TYPE:EVENT\n";
constexpr const char* kVod = "#EXT-X-PLAYLIST-TYPE:VOD\n";
constexpr const char* kSegment = "#EXTINF:1.0,\n0-0.ts\n";

std::string text(std::initializer_list<std::string> parts) {
  std::string all;
  for (const auto& part : parts)
    all += part;
  return all;
}

TEST(ArchivePlan, APlaylistThatHasEndedStaysAsItIs) {
  const auto ended = text({kHead, kVod, kSegment, "#EXT-X-ENDLIST\n"});
  EXPECT_EQ(finished_playlist(ended), ended);
  const auto master = text({"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "0.m3u8\n"});
  EXPECT_EQ(finished_playlist(master), master);
}

TEST(ArchivePlan, ThatOfAKilledWriterEndsBehindItsLastWholeSegment) {
  const auto whole = text({kHead, kVod, kSegment, "#EXT-X-ENDLIST\n"});
  for (const char* rest : {"", "#EXTINF:1.0,\n0-", "#EXTINF:1.0,\n", "#EXT-X-DISCONTINUITY\n",
                           "#EX", "#EXT-X-ENDLIST"})
    EXPECT_EQ(finished_playlist(text({kHead, kEvent, kSegment, rest})), whole) << rest;
  EXPECT_EQ(finished_playlist(whole), whole);
}

TEST(ArchivePlan, BrowsersKnowWhatItIs) {
  EXPECT_STREQ(media_type_of("0.m3u8"), "application/vnd.apple.mpegurl");
  EXPECT_STREQ(media_type_of("0-1.ts"), "video/mp2t");
  EXPECT_STREQ(media_type_of("0-init-1.mp4"), "video/mp4");
  EXPECT_STREQ(media_type_of("0-1.m4s"), "video/iso.segment");
  EXPECT_STREQ(media_type_of("key"), "application/octet-stream");
}

}  // namespace
}  // namespace live
