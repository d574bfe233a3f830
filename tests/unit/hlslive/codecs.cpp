// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codecs.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace codecs;
using Bytes = std::vector<std::uint8_t>;

// x264, constrained baseline, level 3.1: access unit delimiter, SPS, PPS.
const Bytes kBaseline{0,    0,    0,    1,    0x09, 0xf0, 0, 0, 0,    1,    0x67, 0x42,
                      0xc0, 0x1f, 0xd9, 0x00, 0xa0, 0,    0, 1, 0x68, 0xcb, 0x8c, 0xb2};
// From an mp4 file: High, level 4.
const Bytes kHighRecord{1, 0x64, 0x00, 0x28, 0xff, 0xe1, 0x00, 0x04, 0x67, 0x64, 0x00, 0x28, 1, 0};

TEST(Codecs, H264IsProfileConstraintsAndLevelOfTheFirstParameterSet) {
  EXPECT_EQ(h264_from_byte_stream(kBaseline), "avc1.42c01f");
  EXPECT_EQ(h264_from_configuration(kHighRecord), "avc1.640028");
}

TEST(Codecs, AParameterSetCutOffBehindItsLevelIsEnoughAndNothingLess) {
  const Bytes head(kBaseline.begin(), kBaseline.begin() + 14);
  EXPECT_EQ(h264_from_byte_stream(head), "avc1.42c01f");
  EXPECT_FALSE(h264_from_byte_stream({head.data(), head.size() - 1}));
}

TEST(Codecs, H264WithoutAParameterSetSaysNothing) {
  EXPECT_FALSE(h264_from_byte_stream({}));
  EXPECT_FALSE(h264_from_byte_stream(Bytes{0, 0, 1, 0x65, 0x88, 0x84, 0, 0, 0}));
  EXPECT_FALSE(h264_from_byte_stream(Bytes{0, 0, 1, 0xe7, 0x42, 0xc0, 0x1f}));  // forbidden bit
  EXPECT_FALSE(h264_from_configuration({}));
  EXPECT_FALSE(h264_from_configuration({kHighRecord.data(), 3}));
  EXPECT_FALSE(h264_from_configuration(kBaseline));
}

TEST(Codecs, AacIsItsObjectType) {
  EXPECT_EQ(aac_from_configuration(Bytes{0x11, 0x90}), "mp4a.40.2");  // LC, 48 kHz, stereo
  EXPECT_EQ(aac_from_configuration(Bytes{0x0a, 0x10}), "mp4a.40.1");  // Main, 44.1 kHz, stereo
}

TEST(Codecs, AacWithReplicationOrParametricStereoInFrontIsCalledByThat) {
  EXPECT_EQ(aac_from_configuration(Bytes{0x2b, 0x11, 0x88, 0x00}), "mp4a.40.5");
  EXPECT_EQ(aac_from_configuration(Bytes{0xeb, 0x09, 0x88, 0x00}), "mp4a.40.29");
}

// 0x2b7, type 5, present, 48 kHz; 0x548, present.
TEST(Codecs, AacWithReplicationOrParametricStereoBehindIsToo) {
  EXPECT_EQ(aac_from_configuration(Bytes{0x13, 0x10, 0x56, 0xe5, 0x98}), "mp4a.40.5");
  EXPECT_EQ(aac_from_configuration(Bytes{0x13, 0x10, 0x56, 0xe5, 0x9d, 0x48, 0x80}), "mp4a.40.29");
  EXPECT_EQ(aac_from_configuration(Bytes{0x13, 0x10, 0x56, 0xe5, 0x18}), "mp4a.40.2");  // absent
  EXPECT_EQ(aac_from_configuration(Bytes{0x13, 0x10, 0x56, 0xe5}), "mp4a.40.2");        // cut off
}

TEST(Codecs, AacTypesFrom32OnAreEscaped) {
  // 31, 42 - 32, 48 kHz, stereo: xHE-AAC.
  EXPECT_EQ(aac_from_configuration(Bytes{0xf9, 0x46, 0x40}), "mp4a.40.42");
}

TEST(Codecs, AFrequencyMayBeWrittenOut) {
  // LC, 15, 48000 in 24 bits, stereo.
  EXPECT_EQ(aac_from_configuration(Bytes{0x17, 0x80, 0x5d, 0xc0, 0x10}), "mp4a.40.2");
  EXPECT_FALSE(aac_from_configuration(Bytes{0x17, 0x80, 0x5d, 0xc0}));
}

TEST(Codecs, AacThatIsCutOffOrOfNoTypeSaysNothing) {
  EXPECT_FALSE(aac_from_configuration({}));
  EXPECT_FALSE(aac_from_configuration(Bytes{0x11}));
  EXPECT_FALSE(aac_from_configuration(Bytes{0x01, 0x90}));
  EXPECT_FALSE(aac_from_configuration(Bytes{0xf9}));
}

TEST(Codecs, AdtsKnowsItsProfileAndMp3IsNone) {
  EXPECT_EQ(aac_from_adts(Bytes{0xff, 0xf1, 0x4c, 0x80}), "mp4a.40.2");
  EXPECT_EQ(aac_from_adts(Bytes{0xff, 0xf9, 0x0c}), "mp4a.40.1");  // MPEG-2
  EXPECT_FALSE(aac_from_adts(Bytes{0xff, 0xfb, 0x94}));            // MP3
  EXPECT_FALSE(aac_from_adts(Bytes{0xff, 0xf1}));
  EXPECT_FALSE(aac_from_adts({}));
}

// The sanitizers watch; what is said has the form of a codec.
TEST(Codecs, NothingBreaksOnDamagedHeaders) {
  std::mt19937 random{1};
  const Bytes seeds[] = {kBaseline,
                         kHighRecord,
                         {0x13, 0x10, 0x56, 0xe5, 0x9d, 0x48, 0x80},
                         {0xf9, 0x46, 0x40},
                         {0xff, 0xf1, 0x4c, 0x80}};
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = seeds[random() % std::size(seeds)];
    for (auto changes = random() % 4; changes > 0 && !bytes.empty(); --changes)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    for (const auto& h264 : {h264_from_byte_stream(bytes), h264_from_configuration(bytes)})
      ASSERT_TRUE(!h264 || (h264->size() == 11 && h264->starts_with("avc1.")));
    for (const auto& aac : {aac_from_configuration(bytes), aac_from_adts(bytes)})
      ASSERT_TRUE(!aac ||
                  (aac->size() <= 10 && aac->starts_with("mp4a.40.") && *aac != "mp4a.40.0"));
  }
}

}  // namespace
}  // namespace onair::test
