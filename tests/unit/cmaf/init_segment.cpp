// SPDX-License-Identifier: LGPL-2.1-or-later
#include "init_segment.hpp"

#include <string>

#include <gtest/gtest.h>

#include "iso_boxes.hpp"

namespace onair {
namespace {

using test::iso_find;
using test::iso_number;

const Bytes kAvcConfiguration{1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0};

MediaTrack picture(std::uint32_t id = 1) {
  return {.id = id,
          .codec = AvcCodec{.configuration = kAvcConfiguration, .width = 640, .height = 360}};
}

MediaTrack aac(std::uint32_t id = 2) {
  return {
      .id = id,
      .codec = Mp4AudioCodec{.specific_configuration = {0x11, 0x90}, .channels = 2, .rate = 48000}};
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(InitSegment, HasTheBoxesThatPlayersAskFor) {
  const std::vector tracks{picture(), aac()};
  const std::string trak =
      "trak(tkhd mdia(mdhd hdlr minf(KIND dinf stbl(stsd stts stsc stsz stco))))";
  auto video = trak;
  auto audio = trak;
  video.replace(video.find("KIND"), 4, "vmhd");
  audio.replace(audio.find("KIND"), 4, "smhd");
  // Media Source Extensions want mvex; hls.js wants to find no edit list.
  EXPECT_EQ(test::iso_outline(init_segment(tracks)),
            "ftyp moov(mvhd " + video + " " + audio + " mvex(trex trex))");
}

TEST(InitSegment, OneTrackMayBeCalledCmaf) {
  EXPECT_EQ(text_of(iso_find(init_segment(std::vector{aac()}), "ftyp")).substr(8), "iso6mp41cmfc");
  EXPECT_EQ(text_of(iso_find(init_segment(std::vector{picture(), aac()}), "ftyp")).substr(8),
            "iso6mp41");
}

TEST(InitSegment, SoundIsCountedInSamplesAndPictureIn90KHz) {
  const auto init = init_segment(std::vector{picture(3), aac(5)});
  EXPECT_EQ(iso_number(iso_find(init, "moov/trak/mdia/mdhd"), 12, 4), 90000u);
  EXPECT_EQ(iso_number(iso_find(init, "moov/trak#1/mdia/mdhd"), 12, 4), 48000u);
  EXPECT_EQ(iso_number(iso_find(init, "moov/trak/tkhd"), 12, 4), 3u);
  EXPECT_EQ(iso_number(iso_find(init, "moov/trak#1/tkhd"), 12, 4), 5u);
  EXPECT_EQ(iso_number(iso_find(init, "moov/mvex/trex#1"), 4, 4), 5u);
  EXPECT_EQ(iso_number(iso_find(init, "moov/mvhd"), 96, 4), 6u) << "the next track's number";
}

TEST(InitSegment, ThePictureIsShownInItsShape) {
  auto track = picture();
  auto& codec = std::get<AvcCodec>(track.codec);
  codec.pixel_width = 4;
  codec.pixel_height = 3;
  const auto init = init_segment(std::vector{track});
  const auto tkhd = iso_find(init, "moov/trak/tkhd");
  EXPECT_EQ(iso_number(tkhd, 76, 4), (640u << 16) * 4ull / 3);
  EXPECT_EQ(iso_number(tkhd, 80, 4), 360u << 16);
  const auto entry = iso_find(init, "moov/trak/mdia/minf/stbl/stsd").subspan(8);
  EXPECT_EQ(text_of(entry.subspan(4, 4)), "avc1");
  EXPECT_EQ(iso_number(entry, 32, 2), 640u);
  EXPECT_EQ(iso_number(entry, 34, 2), 360u);
  const auto inner = test::iso_boxes(entry.subspan(86));
  ASSERT_EQ(inner.size(), 2u);
  EXPECT_EQ(inner[0].type, "avcC");
  EXPECT_EQ(Bytes(inner[0].body.begin(), inner[0].body.end()), kAvcConfiguration);
  EXPECT_EQ(inner[1].type, "pasp");
  EXPECT_EQ(iso_number(inner[1].body, 0, 8), 4ull << 32 | 3);
}

TEST(InitSegment, ParametersInBandAreAvc3) {
  auto track = picture();
  std::get<AvcCodec>(track.codec).has_parameters_in_band = true;
  const auto init = init_segment(std::vector{track});
  EXPECT_EQ(text_of(iso_find(init, "moov/trak/mdia/minf/stbl/stsd").subspan(12, 4)), "avc3");
}

// ISO/IEC 14496-1, 7.2.6: tags with lengths of four bytes.
TEST(InitSegment, SoundHasAnElementaryStreamDescriptor) {
  const auto init = init_segment(std::vector{aac()});
  const auto entry = iso_find(init, "moov/trak/mdia/minf/stbl/stsd").subspan(8);
  EXPECT_EQ(text_of(entry.subspan(4, 4)), "mp4a");
  EXPECT_EQ(iso_number(entry, 24, 2), 2u);
  EXPECT_EQ(iso_number(entry, 32, 4), 48000u << 16);
  const auto esds = iso_find(entry.subspan(36), "esds");
  const Bytes expected{0, 0,    0,    0,                                 //
                       3, 0x80, 0x80, 0x80, 34, 0,    0,    0,           // ES, no number
                       4, 0x80, 0x80, 0x80, 20, 0x40, 0x15,              // AAC, sound
                       0, 0,    0,    0,    0,  0,    0,    0, 0, 0, 0,  //
                       5, 0x80, 0x80, 0x80, 2,  0x11, 0x90,              // AudioSpecificConfig
                       6, 0x80, 0x80, 0x80, 1,  2};                      // as in MP4
  EXPECT_EQ(Bytes(esds.begin(), esds.end()), expected);
}

TEST(InitSegment, MpegAudioSaysWhichOneAndNoMore) {
  for (const auto object : {AudioObject::Mpeg1Audio, AudioObject::Mpeg2Audio}) {
    const MediaTrack mp3{.id = 1, .codec = Mp4AudioCodec{.object = object}};
    const auto init = init_segment(std::vector{mp3});
    const auto esds = iso_find(iso_find(init, "moov/trak/mdia/minf/stbl/stsd").subspan(44), "esds");
    EXPECT_EQ(iso_number(esds, 17, 1), static_cast<std::uint64_t>(object));
    EXPECT_EQ(iso_number(esds, 16, 1), 13u) << "no AudioSpecificConfig";
  }
}

}  // namespace
}  // namespace onair
