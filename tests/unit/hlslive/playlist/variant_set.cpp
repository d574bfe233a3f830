// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/variant_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using testing::ElementsAre;
using Stream = VariantSet::Stream;

Stream picture(unsigned number) {
  return {.uri = std::to_string(number) + ".m3u8",
          .number = number,
          .bandwidth = 1000,
          .average_bandwidth = 900,
          .codecs = {"avc1.42c01e", ""},
          .resolution = {{640, 360}},
          .frame_rate = {{30, 1}}};
}

Stream shared_sound(unsigned number) {
  return {.uri = "audio-" + std::to_string(number) + ".m3u8",
          .number = number,
          .is_group = true,
          .bandwidth = 100,
          .average_bandwidth = 90,
          .codecs = {"", "mp4a.40.2"},
          .channels = 2};
}

std::vector<std::string> uris(const MasterPlaylist& master) {
  std::vector<std::string> uris;
  for (const auto& variant : master.variants)
    uris.push_back(variant.uri);
  return uris;
}

TEST(VariantSet, IsInTheOrderOfNumbers) {
  VariantSet set;
  for (const unsigned number : {10, 2, 0})
    set.describe(picture(number));
  EXPECT_THAT(uris(set.master()), ElementsAre("0.m3u8", "2.m3u8", "10.m3u8"));
}

TEST(VariantSet, IsNewsWhereAnythingChanges) {
  VariantSet set;
  auto stream = picture(0);
  EXPECT_TRUE(set.describe(stream));
  EXPECT_FALSE(set.describe(stream));
  stream.frame_rate = {{25, 1}};
  EXPECT_TRUE(set.describe(stream));
  stream.bandwidth = 1001;
  EXPECT_TRUE(set.describe(stream));
  EXPECT_FALSE(set.describe(stream));
  EXPECT_EQ(set.master().variants.at(0).bandwidth, 1001U);
}

TEST(VariantSet, SharedSoundIsInEachVariantsBandwidthAndCodecs) {
  VariantSet set;
  set.describe(picture(0));
  set.describe(picture(1));
  set.describe(shared_sound(1));
  set.describe(shared_sound(0));
  const auto master = set.master();
  EXPECT_THAT(uris(master), ElementsAre("0.m3u8", "1.m3u8"));
  for (const auto& variant : master.variants) {
    EXPECT_EQ(variant.bandwidth, 1100U);
    EXPECT_EQ(variant.average_bandwidth, 990U);
    EXPECT_THAT(variant.codecs, ElementsAre("avc1.42c01e", "mp4a.40.2"));
    EXPECT_EQ(variant.audio_group, "audio");
  }
  ASSERT_EQ(master.audio.size(), 2U);
  EXPECT_EQ(master.audio[0].uri, "audio-0.m3u8");
  EXPECT_EQ(master.audio[0].name, "Audio 1");
  EXPECT_TRUE(master.audio[0].is_default);
  EXPECT_FALSE(master.audio[1].is_default);
}

TEST(VariantSet, SharedSoundAloneIsAVariant) {
  VariantSet set;
  set.describe(shared_sound(0));
  const auto alone = set.master();
  EXPECT_THAT(uris(alone), ElementsAre("audio-0.m3u8"));
  EXPECT_EQ(alone.variants[0].bandwidth, 100U);
  EXPECT_EQ(alone.variants[0].audio_group, "");
  set.describe(picture(0));
  EXPECT_THAT(uris(set.master()), ElementsAre("0.m3u8"));
}

TEST(VariantSet, ACodecThatIsNotKnownIsNotNamed) {
  VariantSet set;
  auto sound = shared_sound(0);
  sound.codecs = {};
  set.describe(picture(0));
  set.describe(sound);
  EXPECT_THAT(set.master().variants.at(0).codecs, ElementsAre("avc1.42c01e"));
}

}  // namespace
}  // namespace onair::test
