// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: which segments, parts and playlists there are, and what is in them.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "gst_environment.hpp"
#include "hlslivesink_bench.hpp"
#include "iso_boxes.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

using namespace std::string_literals;

constexpr const char* kPlain = "low-latency=false";

constexpr const char* kAvc =
    "video/x-h264, stream-format=(string)avc, alignment=(string)au, width=(int)640, "
    "height=(int)360, framerate=(fraction)10/1, codec_data=(buffer)0142c01effe000";
// An AVCDecoderConfigurationRecord with an SPS of four bytes and a PPS of two, and of another encoder.
constexpr const char* kOtherAvc =
    "video/x-h264, stream-format=(string)avc, alignment=(string)au, width=(int)320, "
    "height=(int)180, framerate=(fraction)10/1, "
    "codec_data=(buffer)0142c015ffe100046742c01501000268ce";
constexpr std::string_view kAvcSets{"\x42\xc0\x1e", 3};
constexpr std::string_view kOtherAvcSets{"\x67\x42\xc0\x15", 4};
constexpr const char* kMp3InMp4 =
    "audio/mpeg, mpegversion=(int)1, layer=(int)3, mpegaudioversion=(int)1, parsed=(boolean)true, "
    "rate=(int)48000, channels=(int)2";

// That `#EXT-X-MAP:URI="…"` names.
std::string init_segment(LiveSinkBench& bench, const std::string& map) {
  const auto begin = map.find('"') + 1;
  return bench.get(map.substr(begin, map.rfind('"') - begin)).data;
}

// In 90 kHz.
std::int64_t first_picture(const Media& media) {
  return media.stream.video.empty() ? -1 : media.stream.video.front().pts;
}
std::int64_t first_sound(const Media& media) {
  return media.stream.audio.empty() ? -1 : media.stream.audio.front().pts;
}

// ---- segments

TEST(HlsLiveSink, ASegmentIsListedWhenTheNextOneBeginsAndTheClockHasNoPartInIt) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  bench.broadcast(0s, 1s);
  EXPECT_EQ(bench.get("0.m3u8").status, 202U) << "the key frame may still be late";
  EXPECT_EQ(video.key(1s), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::lines(bench.wait_for("0.m3u8", "0-0.ts")),
            (Strings{"#EXTINF:1.008,", "0-0.ts"}));
  EXPECT_EQ(bench.now(), 0s);
  EXPECT_TRUE(bench.wait_for_progress("segments", 1));
  EXPECT_EQ(bench.progress("worst-delay"), 0U);
  EXPECT_EQ(bench.media("0-0.ts").pictures, "K0 D100 D200 D300 D400 D500 D600 D700 D800 D900");
  EXPECT_EQ(audio.sound(1008ms), GST_FLOW_OK);
}

TEST(HlsLiveSink, AFrameIsInOneSegmentAndSoundIsPacked) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 3100ms);
  bench.wait_for("0.m3u8", "0-2.ts");
  std::string pictures;
  std::string sounds;
  std::size_t packs = 0;
  for (const char* name : {"0-0.ts", "0-1.ts", "0-2.ts"}) {
    const auto media = bench.media(name);
    pictures += media.pictures + " | ";
    sounds += media.sounds + " ";
    packs += media.stream.audio.size();
    EXPECT_TRUE(media.stream.begins_with_tables) << name;
    EXPECT_EQ(media.stream.continuity_breaks, 0U) << name;
    EXPECT_EQ(first_picture(media), first_sound(media)) << name;
  }
  EXPECT_EQ(pictures,
            "K0 D100 D200 D300 D400 D500 D600 D700 D800 D900 | "
            "K1000 D1100 D1200 D1300 D1400 D1500 D1600 D1700 D1800 D1900 | "
            "K2000 D2100 D2200 D2300 D2400 D2500 D2600 D2700 D2800 D2900 | ");
  std::string all;
  for (auto pts = 0ms; pts < 3s; pts += 24ms)
    all += "S" + std::to_string(pts / 1ms) + " ";
  EXPECT_EQ(sounds, all);
  EXPECT_LE(packs, 3U * 12U) << "four frames in a packet, 42 in a segment";
}

TEST(HlsLiveSink, TheTimesOfAllSegmentsAreOneLine) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 3100ms);
  bench.wait_for("0.m3u8", "0-2.ts");
  const auto start = first_picture(bench.media("0-0.ts"));
  EXPECT_EQ(first_picture(bench.media("0-1.ts")) - start, 1008 * 90);
  EXPECT_EQ(first_picture(bench.media("0-2.ts")) - start, 1992 * 90);
}

// The muxer writes its tables in front of sound.
TEST(HlsLiveSink, PictureInFrontOfTheFirstSoundIsBehindTheTables) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    auto picture = on_a_thread([&] { return video.encode(0s, 1100ms); });
    EXPECT_EQ(audio.sounds(290ms, 1100ms), GST_FLOW_OK);
    EXPECT_EQ(picture.get(), GST_FLOW_OK);
    bench.wait_for("0.m3u8", "0-0.ts\n");
    const auto media = bench.media("0-0.ts");
    EXPECT_TRUE(media.stream.begins_with_tables) << properties;
    EXPECT_EQ(media.stream.continuity_breaks, 0U);
    EXPECT_EQ(media.pictures, "K0 D100 D200 D300 D400 D500 D600 D700 D800 D900");
    EXPECT_EQ(media.sounds.substr(0, 9), "S312 S336");
  }
}

// Video may be encoded faster than sound, and what writes files is not live: nothing says how far one
// stream may be ahead.
TEST(HlsLiveSink, SoundThatComesFarBehindThePictureIsAllThere) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    audio.hold();
    auto sound = on_a_thread([&] { return audio.sounds(0s, 4100ms); });
    EXPECT_EQ(video.encode(0s, 4100ms), GST_FLOW_OK);
    audio.release();
    EXPECT_EQ(sound.get(), GST_FLOW_OK);
    EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-3.ts\n"), "0-"),
              (Strings{"0-0.ts", "0-1.ts", "0-2.ts", "0-3.ts"}));
    std::string sounds;
    for (const char* name : {"0-0.ts", "0-1.ts", "0-2.ts", "0-3.ts"})
      sounds += bench.media(name).sounds + " ";
    std::string all;
    for (auto pts = 0ms; pts < 4008ms; pts += 24ms)
      all += "S" + std::to_string(pts / 1ms) + " ";
    EXPECT_EQ(sounds, all) << properties;
  }
}

// ---- playlists

TEST(HlsLiveSink, APlainPlaylistHasSegmentsAndNothingOfLowLatency) {
  LiveSinkBench bench{"low-latency=false start-offset=-3000000000"};
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 3100ms);
  auto text = bench.wait_for("0.m3u8", "0-2.ts");
  ASSERT_EQ(LiveSinkBench::tags(text, "#EXT-X-PROGRAM-DATE-TIME").size(), 3U);
  std::erase(text, '\r');
  EXPECT_EQ(text.substr(0, text.find("#EXT-X-PROGRAM-DATE-TIME")),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-TARGETDURATION:1\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-START:TIME-OFFSET=-3.000\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n");
  EXPECT_EQ(LiveSinkBench::lines(text), (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,",
                                                 "0-1.ts", "#EXTINF:1.008,", "0-2.ts"}));
  EXPECT_EQ(bench.get("0-0.0.ts").status, 404U);
  EXPECT_EQ(bench.progress("parts"), 0U);
}

TEST(HlsLiveSink, PartsEndAtSoundFramesAndKeepThePromise) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 3250ms);
  const auto text = bench.wait_for("0.m3u8", "0-3.1.ts\"\n");
  EXPECT_EQ(text.substr(0, text.find("#EXT-X-PROGRAM-DATE-TIME")),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-TARGETDURATION:1\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.000,PART-HOLD-BACK=0.648\n"
            "#EXT-X-PART-INF:PART-TARGET=0.216\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n");
  EXPECT_EQ(LiveSinkBench::lines(text),
            (Strings{"#EXTINF:1.008,", "0-0.ts",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-1.0.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.216,URI="0-1.1.ts")",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-1.2.ts")",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-1.3.ts")",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-1.4.ts")", "#EXTINF:0.984,", "0-1.ts",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-2.0.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.216,URI="0-2.1.ts")",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-2.2.ts")",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-2.3.ts")",
                     R"(#EXT-X-PART:DURATION=0.216,URI="0-2.4.ts")", "#EXTINF:1.008,", "0-2.ts",
                     R"(#EXT-X-PART:DURATION=0.192,URI="0-3.0.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PRELOAD-HINT:TYPE=PART,URI="0-3.1.ts")"}));
}

TEST(HlsLiveSink, PartsJoinedAreTheSegment) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 3100ms);
  bench.wait_for("0.m3u8", "0-2.ts\n");
  for (const char* segment : {"0-0", "0-1", "0-2"}) {
    std::string joined;
    for (const char* part : {".0.ts", ".1.ts", ".2.ts", ".3.ts", ".4.ts"}) {
      const auto file = bench.get(std::string{segment} + part);
      EXPECT_EQ(file.status, 200U);
      EXPECT_TRUE(file.is_complete);
      joined += file.data;
    }
    EXPECT_EQ(joined, bench.get(std::string{segment} + ".ts").data) << segment;
  }
  const auto first = LiveSinkBench::read(bench.get("0-1.0.ts").data);
  EXPECT_EQ(first.pictures, "K1000 D1100");
  EXPECT_EQ(first.sounds, "S1008 S1032 S1056 S1080 S1104 S1128 S1152 S1176");
}

TEST(HlsLiveSink, APartIsListedWithItsLastSoundFrame) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  bench.broadcast(0s, 160ms);
  EXPECT_EQ(video.encode(200ms), GST_FLOW_OK);
  EXPECT_EQ(bench.get("0.m3u8").status, 202U);
  EXPECT_EQ(audio.sound(168ms), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-0.0.ts"), "#EXT-X-PART:"),
            Strings{R"(#EXT-X-PART:DURATION=0.192,URI="0-0.0.ts",INDEPENDENT=YES)"});
}

TEST(HlsLiveSink, PartsAreAsLongAsThePartTargetSays) {
  LiveSinkBench bench{"part-target=330000000"};
  bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-1.ts\n"), "#EXT-X-PART"),
            (Strings{"#EXT-X-PART-INF:PART-TARGET=0.336",
                     R"(#EXT-X-PART:DURATION=0.336,URI="0-0.0.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.336,URI="0-0.1.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.336,URI="0-0.2.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.336,URI="0-1.0.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.336,URI="0-1.1.ts",INDEPENDENT=YES)",
                     R"(#EXT-X-PART:DURATION=0.312,URI="0-1.2.ts",INDEPENDENT=YES)"}));
}

// ---- renditions

TEST(HlsLiveSink, RenditionsHaveTheSameNumbersAndInstantsAndReportOnEachOther) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.add("video_0");
  bench.add("video_1");
  bench.broadcast(0s, 3100ms);
  for (const char* name : {"0.m3u8", "1.m3u8"})
    bench.wait_for(name, "-2.ts\n");
  for (const char* segment : {"-0.ts", "-1.ts", "-2.ts"}) {
    const auto one = bench.media("0" + std::string{segment});
    const auto other = bench.media("1" + std::string{segment});
    EXPECT_EQ(one.pictures, other.pictures);
    EXPECT_EQ(one.sounds, other.sounds) << "the first sound is muxed into both";
    EXPECT_EQ(first_picture(one), first_picture(other));
    EXPECT_EQ(first_sound(one), first_sound(other));
  }
  const auto tags = [&](const char* tag) {
    return std::pair{LiveSinkBench::tags(bench.get("0.m3u8").data, tag),
                     LiveSinkBench::tags(bench.get("1.m3u8").data, tag)};
  };
  for (const char* tag : {"#EXTINF", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-MEDIA-SEQUENCE"}) {
    const auto [one, other] = tags(tag);
    EXPECT_EQ(one, other);
    EXPECT_FALSE(one.empty());
  }
  bench.broadcast(3100ms, 3300ms);
  for (const char* name : {"0.m3u8", "1.m3u8"})
    bench.wait_for(name, "-3.0.ts\",");
  const auto [of_one, of_other] = tags("#EXT-X-RENDITION-REPORT");
  // Whoever is published last knows how far the other is.
  const auto whole = [](const char* name) {
    return Strings{"#EXT-X-RENDITION-REPORT:URI=\"" + std::string{name} +
                   ".m3u8\",LAST-MSN=3,LAST-PART=0"};
  };
  EXPECT_TRUE(of_one == whole("1") || of_other == whole("0"));
  EXPECT_EQ(of_one.size(), 1U);
  EXPECT_EQ(of_other.size(), 1U);
}

TEST(HlsLiveSink, ARenditionHasItsOwnSoundWhereThereIsOne) {
  LiveSinkBench bench{kPlain};
  for (const char* name : {"audio_0", "audio_1", "video_0", "video_1"})
    bench.add(name);
  bench.broadcast(0s, 1100ms);
  for (const char* name : {"0", "1"}) {
    bench.wait_for(name + std::string{".m3u8"}, "-0.ts\n");
    const auto media = bench.media(name + std::string{"-0.ts"});
    EXPECT_EQ(media.pictures.substr(0, 7), "K0 D100") << name;
    EXPECT_EQ(media.sounds.substr(0, 6), "S0 S24") << name;
  }
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("master.m3u8", "1.m3u8"), "#EXT-X-MEDIA"),
            Strings{});
}

TEST(HlsLiveSink, SoundWithoutPictureIsARenditionOfItsOwn) {
  LiveSinkBench bench{kPlain};
  for (const char* name : {"audio_0", "audio_3", "video_0"})
    bench.add(name);
  bench.broadcast(0s, 1100ms);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  bench.wait_for("3.m3u8", "3-0.ts\n");
  const auto media = bench.media("3-0.ts");
  EXPECT_EQ(media.pictures, "");
  EXPECT_EQ(media.sounds.substr(0, 6), "S0 S24");
  EXPECT_TRUE(media.stream.begins_with_tables);
  const auto master = bench.wait_for("master.m3u8", "3.m3u8");
  const auto variants = LiveSinkBench::tags(master, "#EXT-X-STREAM-INF");
  ASSERT_EQ(variants.size(), 2U);
  EXPECT_NE(
      variants[0].find(R"(CODECS="avc1.42c01e,mp4a.40.34",RESOLUTION=640x360,FRAME-RATE=10.000)"),
      std::string::npos)
      << variants[0];
  EXPECT_NE(variants[1].find(R"(CODECS="mp4a.40.34")"), std::string::npos) << variants[1];
  EXPECT_EQ(variants[1].find("RESOLUTION"), std::string::npos);
}

TEST(HlsLiveSink, SoundAloneIsCutOnItsOwnGrid) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.broadcast(0s, 4100ms);
  EXPECT_EQ(LiveSinkBench::lines(bench.wait_for("0.m3u8", "0-3.ts")),
            (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,", "0-1.ts", "#EXTINF:1.008,",
                     "0-2.ts", "#EXTINF:1.008,", "0-3.ts"}));
}

TEST(HlsLiveSink, PictureAloneIsCutExactly) {
  LiveSinkBench bench{kPlain};
  bench.add("video_0");
  bench.broadcast(0s, 3100ms);
  EXPECT_EQ(LiveSinkBench::lines(bench.wait_for("0.m3u8", "0-2.ts")),
            (Strings{"#EXTINF:1.000,", "0-0.ts", "#EXTINF:1.000,", "0-1.ts", "#EXTINF:1.000,",
                     "0-2.ts"}));
  EXPECT_TRUE(bench.media("0-2.ts").stream.begins_with_tables);
}

TEST(HlsLiveSink, SoundOfAGroupHasPlaylistsOfItsOwn) {
  LiveSinkBench bench{"low-latency=false audio=group"};
  for (const char* name : {"audio_0", "audio_1", "video_0", "video_1"})
    bench.add(name);
  bench.broadcast(0s, 1100ms);
  for (const char* name : {"0.m3u8", "1.m3u8", "audio-0.m3u8", "audio-1.m3u8"})
    EXPECT_EQ(LiveSinkBench::tags(bench.wait_for(name, "-0.ts\n"), "#EXTINF"),
              Strings{"#EXTINF:1.008,"})
        << name;
  EXPECT_EQ(bench.media("0-0.ts").sounds, "");
  EXPECT_EQ(bench.media("audio-0-0.ts").pictures, "");
  EXPECT_EQ(first_sound(bench.media("audio-0-0.ts")), first_picture(bench.media("1-0.ts")));
  const auto master =
      bench
          .wait_for("master.m3u8",
                    [](const Answer& answer) {
                      return answer.data.find("audio-1.m3u8") != std::string::npos &&
                             answer.data.find("\n1.m3u8") != std::string::npos;
                    })
          .data;
  EXPECT_EQ(LiveSinkBench::tags(master, "#EXT-X-MEDIA"),
            (Strings{R"(#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio 1",DEFAULT=YES,)"
                     R"(AUTOSELECT=YES,CHANNELS="2",URI="audio-0.m3u8")",
                     R"(#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio 2",DEFAULT=NO,)"
                     R"(AUTOSELECT=YES,CHANNELS="2",URI="audio-1.m3u8")"}));
  const auto variants = LiveSinkBench::tags(master, "#EXT-X-STREAM-INF");
  ASSERT_EQ(variants.size(), 2U);
  for (const auto& variant : variants) {
    EXPECT_TRUE(variant.ends_with(R"(,AUDIO="audio")")) << variant;
    EXPECT_NE(variant.find(R"(CODECS="avc1.42c01e,mp4a.40.34")"), std::string::npos) << variant;
  }
}

TEST(HlsLiveSink, AGroupWithoutPictureIsARendition) {
  LiveSinkBench bench{"low-latency=false audio=group"};
  bench.add("audio_0");
  bench.broadcast(0s, 1100ms);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  const auto master = bench.wait_for("master.m3u8", "0.m3u8");
  EXPECT_EQ(LiveSinkBench::tags(master, "#EXT-X-MEDIA"), Strings{});
  EXPECT_EQ(LiveSinkBench::tags(master, "#EXT-X-STREAM-INF").size(), 1U);
}

// ---- the other container

TEST(HlsLiveSink, FragmentedMp4HasAnInitSegmentAndAFragmentAPart) {
  LiveSinkBench bench{"container=fmp4"};
  bench.add("audio_0", kMp3InMp4);
  bench.add("video_0", kAvc);
  bench.broadcast(0s, 2100ms);
  const auto text = bench.wait_for("0.m3u8", "0-1.m4s\n");
  const auto maps = LiveSinkBench::tags(text, "#EXT-X-MAP");
  ASSERT_EQ(maps.size(), 1U);
  const auto map = maps[0].substr(std::string{"#EXT-X-MAP:URI=\""}.size(), 12);
  EXPECT_EQ(map.substr(0, 7), "0-init-");
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-VERSION"), Strings{"#EXT-X-VERSION:6"});
  const auto file = [&](const std::string& name) {
    const auto data = bench.get(name).data;
    return std::vector<std::uint8_t>{data.begin(), data.end()};
  };
  EXPECT_EQ(iso_outline(file(map)).substr(0, 9), "ftyp moov");
  EXPECT_EQ(bench.get(map).type, "video/mp4");
  std::vector<std::uint8_t> joined;
  std::string decoded;
  for (const char* part : {"0-1.0.m4s", "0-1.1.m4s", "0-1.2.m4s", "0-1.3.m4s", "0-1.4.m4s"}) {
    const auto bytes = file(part);
    joined.insert(joined.end(), bytes.begin(), bytes.end());
    const auto fragment = iso_fragment(bytes);
    ASSERT_EQ(fragment.runs.size(), 2U);
    for (const auto& run : fragment.runs)
      for (const auto& sample : run.samples)
        decoded += sample.data.find('S') == 0 ? "s" : "p";
  }
  EXPECT_EQ(joined, file("0-1.m4s"));
  EXPECT_EQ(std::count(decoded.begin(), decoded.end(), 's'), 41) << "one sample a frame";
  EXPECT_EQ(std::count(decoded.begin(), decoded.end(), 'p'), 10);
  const auto first = iso_fragment(file("0-1.0.m4s"));
  std::map<std::uint32_t, std::int64_t> starts;
  for (const auto& run : first.runs)
    starts[run.track_id] = run.samples.front().presentation_time;
  ASSERT_EQ(starts.size(), 2U);
  const auto second = starts.rbegin()->second;  // of picture and sound: 90 kHz and 48 kHz
  const auto one = starts.begin()->second;
  EXPECT_TRUE(one * 48 == second * 90 || one * 90 == second * 48) << one << ' ' << second;
}

// Frames wait for their part to be whole; caps wait with them.
TEST(HlsLiveSink, AnInitSegmentIsThatOfTheFramesBehindIt) {
  LiveSinkBench bench{"container=fmp4 low-latency=false"};
  auto& sound = bench.add("audio_0", kMp3InMp4);
  auto& picture = bench.add("video_0", kAvc);
  bench.broadcast(0s, 500ms);
  EXPECT_EQ(picture.encode(500ms, 2s), GST_FLOW_OK);
  picture.push_caps(kOtherAvc);
  EXPECT_EQ(picture.encode(2s, 2500ms), GST_FLOW_OK);
  EXPECT_EQ(sound.sounds(500ms, 2500ms), GST_FLOW_OK);
  bench.broadcast(2500ms, 3100ms);
  const auto text = bench.wait_for("0.m3u8", "0-2.m4s\n");
  const auto maps = LiveSinkBench::tags(text, "#EXT-X-MAP");
  ASSERT_EQ(maps.size(), 2U) << text;
  EXPECT_LT(text.find(maps[0]), text.find("0-0.m4s\n"));
  EXPECT_GT(text.find(maps[1]), text.find("0-1.m4s\n"));
  EXPECT_LT(text.find(maps[1]), text.find("0-2.m4s\n"));
  EXPECT_NE(init_segment(bench, maps[0]).find(kAvcSets), std::string::npos);
  EXPECT_NE(init_segment(bench, maps[1]).find(kOtherAvcSets), std::string::npos);
}

// EXT-X-MAP is for whole segments, and this one has begun under the old one.
TEST(HlsLiveSink, ParametersThatChangeWithinASegmentAreInTheSegment) {
  LiveSinkBench bench{"container=fmp4 low-latency=false"};
  auto& sound = bench.add("audio_0", kMp3InMp4);
  auto& picture = bench.add("video_0", kAvc);
  bench.broadcast(0s, 1500ms);
  picture.push_caps(kOtherAvc);
  const auto slice = "\0\0\0\3\x65\x88\x80"s;
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(slice.data(), slice.size()));
  GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = 1500 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer.get()) = 100 * GST_MSECOND;
  EXPECT_EQ(picture.push_buffer(std::move(buffer)), GST_FLOW_OK);
  EXPECT_EQ(picture.encode(1600ms, 1700ms), GST_FLOW_OK);
  EXPECT_EQ(sound.sounds(1500ms, 1700ms), GST_FLOW_OK);
  bench.broadcast(1700ms, 3100ms);
  const auto text = bench.wait_for("0.m3u8", "0-2.m4s\n");
  const auto maps = LiveSinkBench::tags(text, "#EXT-X-MAP");
  ASSERT_EQ(maps.size(), 2U) << text;
  EXPECT_GT(text.find(maps[1]), text.find("0-1.m4s\n"));
  EXPECT_NE(bench.get("0-1.m4s").data.find("\0\0\0\4\x67\x42\xc0\x15\0\0\0\2\x68\xce"s + slice),
            std::string::npos);
}

// ---- what the application sees

TEST(HlsLiveSink, MessagesTellOfEachPartSegmentAndPlaylist) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  ASSERT_TRUE(bench.wait_for_progress("segments", 2));
  bench.wait_for("0.m3u8", "0-1.ts\n");
  bench.end();
  bench.wait_for("0.m3u8", "ENDLIST");
  const auto segments = bench.messages(GST_MESSAGE_ELEMENT, "hlslivesink-segment");
  ASSERT_GE(segments.size(), 2U);
  const auto* second = gst_message_get_structure(segments[1].get());
  EXPECT_EQ(text_of(second, "rendition"), "0");
  EXPECT_EQ(uint64_of(second, "sequence"), 1U);
  EXPECT_EQ(text_of(second, "uri"), "0-1.ts");
  EXPECT_EQ(uint64_of(second, "running-time"), ns(1008ms));
  EXPECT_EQ(uint64_of(second, "duration"), ns(984ms));
  EXPECT_EQ(uint64_of(second, "size"), bench.get("0-1.ts").data.size());
  EXPECT_FALSE(flag_of(second, "gap"));
  const auto parts = bench.messages(GST_MESSAGE_ELEMENT, "hlslivesink-part");
  ASSERT_GE(parts.size(), 10U);
  const auto* seventh = gst_message_get_structure(parts[6].get());
  EXPECT_EQ(text_of(seventh, "rendition"), "0");
  EXPECT_EQ(uint64_of(seventh, "sequence"), 1U);
  EXPECT_EQ(uint64_of(seventh, "part"), 1U);
  EXPECT_EQ(text_of(seventh, "uri"), "0-1.1.ts");
  EXPECT_EQ(uint64_of(seventh, "running-time"), ns(1200ms));
  EXPECT_EQ(uint64_of(seventh, "duration"), ns(216ms));
  EXPECT_EQ(uint64_of(seventh, "size"), bench.get("0-1.1.ts").data.size());
  const auto playlists = bench.messages(GST_MESSAGE_ELEMENT, "hlslivesink-playlist");
  ASSERT_GE(playlists.size(), 10U) << "one a part";
  const auto* playlist = gst_message_get_structure(playlists.back().get());
  EXPECT_EQ(text_of(playlist, "uri"), "0.m3u8");
  EXPECT_EQ(uint64_of(playlist, "size"), bench.get("0.m3u8").data.size());
  EXPECT_GE(bench.messages(GST_MESSAGE_ELEMENT, "hlsbalancer-boundary").size(), 3U);
}

TEST(HlsLiveSink, StatsCountWhatWasWritten) {
  LiveSinkBench bench;
  bench.add("audio_0");
  EXPECT_EQ(bench.progress("segments"), 0U);
  bench.broadcast(0s, 2100ms);
  ASSERT_TRUE(bench.wait_for_progress("segments", 2));
  EXPECT_TRUE(bench.wait_for_progress("parts", 10));
  EXPECT_EQ(bench.progress("gaps"), 0U);
  EXPECT_EQ(bench.progress("sequence"), 1U);
  const auto first = bench.get("0-0.ts").data.size();
  const auto second = bench.get("0-1.ts").data.size();
  EXPECT_EQ(bench.progress("bytes"), first + second);
  // The peak of the two (section 4.4.6.2 of the draft), rounded up.
  const auto rate = [](std::size_t bytes, std::size_t milliseconds) {
    return (bytes * 8'000 + milliseconds - 1) / milliseconds;
  };
  const auto peak = std::max(rate(first, 1008), rate(second, 984));
  EXPECT_EQ(bench.progress("bandwidth"), peak);
  EXPECT_NE(bench.wait_for("master.m3u8", "BANDWIDTH=" + std::to_string(peak))
                .find("AVERAGE-BANDWIDTH=" + std::to_string(rate(first + second, 1992))),
            std::string::npos);
}

}  // namespace
}  // namespace onair::test
