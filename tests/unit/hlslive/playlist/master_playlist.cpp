// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/master_playlist.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

TEST(MasterPlaylist, ListsVariantsInTheOrderOfTheAuthor) {
  const MasterPlaylist master{
      .variants = {{.uri = "1.m3u8",
                    .bandwidth = 1'200'000,
                    .average_bandwidth = 1'000'000,
                    .codecs = {"avc1.42c01f", "mp4a.40.34"},
                    .resolution = {{1280, 720}},
                    .frame_rate = {{30'000, 1001}}},
                   {.uri = "0.m3u8", .bandwidth = 128'000, .codecs = {"mp4a.40.34"}}}};
  EXPECT_EQ(master.text(),
            "#EXTM3U\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=1000000,"
            "CODECS=\"avc1.42c01f,mp4a.40.34\",RESOLUTION=1280x720,FRAME-RATE=29.970\n"
            "1.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS=\"mp4a.40.34\"\n"
            "0.m3u8\n");
}

TEST(MasterPlaylist, GroupsOfSoundComeBeforeTheVariantsThatUseThem) {
  const MasterPlaylist master{
      .has_independent_segments = false,
      .audio = {{.group = "sound",
                 .name = "Deutsch",
                 .uri = "2.m3u8",
                 .language = "de",
                 .is_default = true,
                 .channels = 2},
                {.group = "sound", .name = "English", .uri = "3.m3u8", .is_autoselect = true},
                {.group = "sound", .name = "Muxed"}},
      .variants = {{.uri = "0.m3u8", .bandwidth = 1, .audio_group = "sound"}}};
  EXPECT_EQ(master.text(),
            "#EXTM3U\n"
            "#EXT-X-VERSION:4\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Deutsch\",LANGUAGE=\"de\","
            "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"2.m3u8\"\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"English\","
            "DEFAULT=NO,AUTOSELECT=YES,URI=\"3.m3u8\"\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Muxed\","
            "DEFAULT=NO,AUTOSELECT=NO\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"sound\"\n"
            "0.m3u8\n");
}

TEST(MasterPlaylist, AFrameRateThatIsUnknownIsLeftOut) {
  const MasterPlaylist master{
      .variants = {{.uri = "0.m3u8", .bandwidth = 1, .frame_rate = {{0, 1}}},
                   {.uri = "1.m3u8", .bandwidth = 1, .frame_rate = {{30, 0}}}}};
  EXPECT_EQ(master.text().find("FRAME-RATE"), std::string::npos);
}

}  // namespace
}  // namespace onair::test
