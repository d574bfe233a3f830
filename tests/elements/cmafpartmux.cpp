// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "cmafpartmux_bench.hpp"
#include "fatal_warnings.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

const auto* const kGStreamer = testing::AddGlobalTestEnvironment(new GstEnvironment);

using Samples = std::vector<IsoSample>;

class CmafPartMux : public FatalWarningsTest {
 protected:
  CmafPartMux() : video{bench.add("video_0")}, audio{bench.add("audio_0")} {}

  void open() {
    video.open();
    audio.open();
  }
  void mark(int part, std::optional<Duration> end = std::nullopt) {
    EXPECT_TRUE(video.mark(part, end));
    EXPECT_TRUE(audio.mark(part, end));
  }

  PartMuxBench bench;
  MuxedStream& video;
  MuxedStream& audio;
};

// ---- parts

TEST_F(CmafPartMux, APartIsOneFragmentWithAllTracksAndThenItsMarker) {
  open();
  video.frame(1s, "P");
  audio.frame(1s, "aa");
  audio.frame(1020ms, "bb");
  video.frame(1040ms, "Q", false);
  EXPECT_EQ(bench.news(), "") << "nothing before the markers";
  EXPECT_TRUE(video.mark(0));
  EXPECT_EQ(bench.news(), "") << "nor before the last of them";
  EXPECT_TRUE(audio.mark(0));
  EXPECT_EQ(bench.news(), "init fragment part0");
  const auto fragment = bench.fragments().at(0);
  EXPECT_EQ(fragment.sequence, 1u);
  ASSERT_EQ(fragment.runs.size(), 2u);
  EXPECT_EQ(fragment.runs[0].samples,
            (Samples{{90000, 90000, 3600, true, "P"}, {93600, 93600, 3600, false, "Q"}}));
  EXPECT_EQ(fragment.runs[1].samples,
            (Samples{{48000, 48000, 960, true, "aa"}, {48960, 48960, 960, true, "bb"}}));
  EXPECT_EQ(iso_outline(bench.inits().at(0)).substr(0, 16), "ftyp moov(mvhd t");
}

TEST_F(CmafPartMux, TheInitSegmentComesOnceAndFragmentsAreNumbered) {
  open();
  for (int part = 0; part < 3; ++part) {
    audio.frame(part * 20ms, "a");
    mark(part);
  }
  EXPECT_EQ(bench.news(), "init fragment- part0 fragment- part1 fragment- part2");
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_EQ(bench.fragments().at(i).sequence, i + 1);
}

// With libavformat (59) the picture behind such a part begins where the one before had ended.
TEST_F(CmafPartMux, BehindAPartWithoutPictureTimesAreWhereTheyWere) {
  open();
  video.frame(0s, "P");
  audio.frame(0s, "a");
  mark(0);
  audio.frame(200ms, "b");
  mark(1);
  video.frame(410ms, "Q", false);
  audio.frame(400ms, "c");
  mark(2);
  EXPECT_EQ(bench.news(), "init fragment part0 fragment- part1 fragment- part2");
  const auto fragments = bench.fragments();
  ASSERT_EQ(fragments[1].runs.size(), 1u);
  EXPECT_EQ(fragments[1].runs[0].track_id, 2u);
  EXPECT_EQ(fragments[2].runs[0].samples, (Samples{{410 * 90, 410 * 90, 3600, false, "Q"}}));
  EXPECT_EQ(fragments[2].runs[1].samples, (Samples{{400 * 48, 400 * 48, 960, true, "c"}}));
}

TEST_F(CmafPartMux, APartOfPictureAloneIsAFragment) {
  open();
  video.frame(0s, "P");
  mark(0);
  EXPECT_EQ(bench.news(), "init fragment part0");
  EXPECT_EQ(bench.fragments().at(0).runs.size(), 1u);
}

TEST_F(CmafPartMux, APartWithoutAnythingIsItsMarker) {
  open();
  mark(0);
  EXPECT_EQ(bench.news(), "part0");
  audio.frame(0s, "a");
  mark(1);
  mark(2);
  EXPECT_EQ(bench.news(), "init fragment- part1 part2");
}

TEST_F(CmafPartMux, TheLastPictureLastsUntilTheEndThatTheMarkerSays) {
  open();
  video.frame(0s, "P");
  audio.frame(0s, "a");
  mark(0, 100ms);
  video.frame(100ms, "Q", false);
  mark(1);
  const auto fragments = bench.fragments();
  EXPECT_EQ(fragments[0].runs[0].samples[0].duration, 9000u);
  EXPECT_EQ(fragments[0].runs[1].samples[0].duration, 960u);
  EXPECT_EQ(fragments[1].runs[0].samples[0].duration, 3600u);
}

TEST_F(CmafPartMux, FramesOfTwoPartsAtOnceAreAnError) {
  open();
  EXPECT_TRUE(video.mark(0));
  EXPECT_EQ(audio.frame(0s, "a"), GST_FLOW_OK) << "sound is still in the first";
  EXPECT_EQ(video.frame(0s, "P"), GST_FLOW_ERROR);
  EXPECT_EQ(bench.messages(GST_MESSAGE_ERROR).size(), 1u);
}

TEST_F(CmafPartMux, ABufferWithoutDurationLastsAsLongAsTheOneBefore) {
  open();
  video.frame(0s, "P", true, Duration{-1});
  video.frame(50ms, "Q", false, Duration{-1});
  mark(0);
  EXPECT_EQ(bench.fragments().at(0).runs[0].samples[1].duration, 50u * 90);
}

// ---- caps

TEST_F(CmafPartMux, CapsBetweenPartsMakeANewInitSegment) {
  open();
  video.frame(0s, "P");
  mark(0);
  video.push_caps(kAvcCaps);  // the same again
  video.frame(40ms, "Q", false);
  mark(1);
  EXPECT_EQ(bench.news(), "init fragment part0 fragment- part1");
  std::string wider = kAvcCaps;
  wider.replace(wider.find("640"), 3, "960");
  video.push_caps(wider);
  EXPECT_EQ(bench.news(), "") << "before there is anything behind it";
  video.frame(80ms, "R");
  mark(2);
  EXPECT_EQ(bench.news(), "init fragment part2");
  EXPECT_EQ(iso_number(iso_find(bench.inits().at(1), "moov/trak/tkhd"), 76, 4), 960u << 16);
}

TEST_F(CmafPartMux, CapsWithinAPartEndItsFragment) {
  open();
  video.frame(0s, "P");
  audio.frame(0s, "a");
  std::string wider = kAvcCaps;
  wider.replace(wider.find("640"), 3, "960");
  video.push_caps(wider);
  EXPECT_EQ(bench.news(), "init fragment");
  video.frame(40ms, "Q");
  audio.frame(20ms, "b");
  mark(0);
  EXPECT_EQ(bench.news(), "init fragment part0");
}

TEST_F(CmafPartMux, AStreamThatComesLaterMakesANewInitSegment) {
  audio.open();
  audio.frame(0s, "a");
  mark(0);
  EXPECT_EQ(bench.news(), "init fragment part0");
  video.open();
  video.frame(200ms, "P");
  audio.frame(200ms, "b");
  mark(1);
  EXPECT_EQ(bench.news(), "init fragment part1");
  EXPECT_EQ(bench.fragments().at(1).runs[0].samples[0].decode_time, 200 * 90);
  EXPECT_EQ(bench.fragments().at(1).runs[1].track_id, 2u) << "a track keeps its number";
}

TEST_F(CmafPartMux, CapsThatSayTooLittleAreRefused) {
  for (const char* caps :
       {"video/x-h264,stream-format=avc,alignment=au,width=640,height=360",
        "video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)0142c01effe000",
        "video/x-h264,stream-format=avc,alignment=au,width=640,height=360,"
        "pixel-aspect-ratio=0/1,codec_data=(buffer)0142c01effe000"}) {
    video.open(caps);
    EXPECT_EQ(video.frame(0s, "P"), GST_FLOW_NOT_NEGOTIATED) << caps;
  }
  audio.open("audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate=48000,channels=2");
  EXPECT_EQ(audio.frame(0s, "a"), GST_FLOW_NOT_NEGOTIATED) << "AAC without codec_data";
  EXPECT_EQ(bench.out().order(), "");
}

TEST_F(CmafPartMux, CapsOfTheSourcePadHaveTheInitSegment) {
  open();
  audio.frame(0s, "a");
  mark(0);
  GstCaps* caps = nullptr;
  gst_event_parse_caps(bench.out().events("caps").at(0).get(), &caps);
  const auto* headers = gst_structure_get_value(gst_caps_get_structure(caps, 0), "streamheader");
  ASSERT_TRUE(headers);
  GstBuffer* header = gst_value_get_buffer(gst_value_array_get_value(headers, 0));
  EXPECT_EQ(gst_buffer_get_size(header), bench.inits().at(0).size());
}

// ---- times

TEST_F(CmafPartMux, TimesAreRunningTimes) {
  video.push_event(gst_event_new_stream_start("v"));
  video.push_caps(kAvcCaps);
  video.push_segment(ns(10s), ns(3s));  // 10 s in the stream is 3 s of running time
  audio.open();
  video.frame(10500ms, "P");
  audio.frame(3500ms, "a");
  mark(0);
  const auto fragment = bench.fragments().at(0);
  EXPECT_EQ(fragment.runs[0].samples[0].decode_time, 3500 * 90);
  EXPECT_EQ(fragment.runs[1].samples[0].decode_time, 3500 * 48);
  EXPECT_EQ(GST_BUFFER_PTS(bench.out().buffers().at(1).buffer.get()), ns(3500ms));
}

TEST_F(CmafPartMux, ASegmentInBytesIsRefused) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  video.push_event(gst_event_new_stream_start("v"));
  video.push_caps(kAvcCaps);
  video.push_event(gst_event_new_segment(&segment));
  EXPECT_LT(video.frame(0s, "P"), GST_FLOW_OK);
}

// ---- ends

TEST_F(CmafPartMux, TheEndOfAllStreamsBringsTheRest) {
  open();
  video.frame(0s, "P");
  audio.frame(0s, "a");
  EXPECT_TRUE(video.push_event(gst_event_new_eos()));
  EXPECT_EQ(bench.news(), "");
  audio.frame(20ms, "b");
  EXPECT_TRUE(audio.push_event(gst_event_new_eos()));
  EXPECT_EQ(bench.news(), "init fragment eos");
  EXPECT_EQ(bench.fragments().at(0).runs[1].samples.size(), 2u);
}

TEST_F(CmafPartMux, AStreamThatHasEndedNeedsNoMarker) {
  open();
  EXPECT_TRUE(video.push_event(gst_event_new_eos()));
  audio.frame(0s, "a");
  EXPECT_TRUE(audio.mark(0));
  EXPECT_EQ(bench.news(), "init fragment- part0");
}

TEST_F(CmafPartMux, AStreamThatComesBackNeedsItsMarkerAgain) {
  open();
  EXPECT_TRUE(video.push_event(gst_event_new_eos()));
  video.open();
  audio.frame(0s, "a");
  EXPECT_TRUE(audio.mark(0));
  EXPECT_EQ(bench.news(), "");
  EXPECT_TRUE(video.mark(0));
  EXPECT_EQ(bench.news(), "init fragment- part0");
}

TEST_F(CmafPartMux, AStreamThatEndsInsteadOfItsMarkerCompletesThePart) {
  open();
  audio.frame(0s, "a");
  EXPECT_TRUE(audio.mark(0));
  EXPECT_TRUE(video.push_event(gst_event_new_eos()));
  EXPECT_EQ(bench.news(), "init fragment- part0");
}

TEST_F(CmafPartMux, AStreamThatIsGivenBackCompletesThePart) {
  open();
  audio.frame(0s, "a");
  EXPECT_TRUE(audio.mark(0));
  video.give_back();
  EXPECT_EQ(bench.news(), "init fragment part0");
  EXPECT_EQ(iso_outline(bench.inits().at(0)).find("vmhd"), std::string::npos);
}

TEST_F(CmafPartMux, AnEndWithoutAnythingIsAnEnd) {
  open();
  video.push_event(gst_event_new_eos());
  audio.push_event(gst_event_new_eos());
  EXPECT_EQ(bench.out().order(), "stream-start eos");
}

TEST_F(CmafPartMux, AFlushForgetsThePart) {
  open();
  audio.frame(0s, "a");
  mark(0);
  EXPECT_EQ(bench.news(), "init fragment- part0");
  video.frame(40ms, "P");
  EXPECT_TRUE(audio.mark(1));
  for (auto* stream : {&video, &audio}) {
    EXPECT_TRUE(stream->push_event(gst_event_new_flush_start()));
    EXPECT_TRUE(stream->push_event(gst_event_new_flush_stop(TRUE)));
    stream->push_segment();
  }
  bench.news();
  bench.out().forget();
  video.frame(1s, "Q");
  audio.frame(1s, "b");
  mark(2);
  EXPECT_EQ(bench.out().order(), "segment fragment onair-part");
  const auto fragment = bench.fragments().at(0);
  EXPECT_EQ(fragment.runs[0].samples, (Samples{{90000, 90000, 3600, true, "Q"}}));
}

TEST_F(CmafPartMux, WhatDownstreamSaysReachesWhoFeeds) {
  open();
  bench.out().answer_buffers_with(GST_FLOW_EOS);
  audio.frame(0s, "a");
  EXPECT_TRUE(video.mark(0));
  EXPECT_FALSE(audio.mark(0));
  EXPECT_EQ(audio.frame(20ms, "b"), GST_FLOW_EOS);
  EXPECT_EQ(video.frame(20ms, "P"), GST_FLOW_EOS);
}

TEST_F(CmafPartMux, ItCanBeUsedAgain) {
  for (int round = 0; round < 2; ++round) {
    bench.set_state(GST_STATE_READY);
    bench.set_state(GST_STATE_PLAYING);
    bench.out().forget();
    open();
    video.frame(0s, "P");
    audio.frame(0s, "a");
    mark(0);
    EXPECT_EQ(bench.out().order(), "stream-start caps segment init fragment onair-part");
    EXPECT_EQ(bench.fragments().at(0).sequence, 1u);
    video.frame(40ms, "Q");  // of a part that does not end
  }
}

TEST_F(CmafPartMux, OtherEventsPassAndGapsDoNot) {
  open();
  EXPECT_TRUE(video.push_event(gst_event_new_gap(0, 1)));
  EXPECT_TRUE(video.push_custom("something-else"));
  EXPECT_EQ(bench.news(), "something-else");
}

TEST_F(CmafPartMux, PadsHaveNamesAndTakeWholeFramesAlone) {
  EXPECT_EQ(gst_element_request_pad_simple(bench.element(), "audio_01"), nullptr);
  const auto next =
      GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "audio_%u"));
  EXPECT_STREQ(GST_OBJECT_NAME(next.get()), "audio_1");
  const auto refused = GstPtr<GstCaps>::adopt(
      gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
  const auto pad = bench.static_pad("video_0");
  EXPECT_FALSE(gst_pad_query_accept_caps(pad.get(), refused.get()));
}

// ---- media

// Lines that a command prints, errors too.
std::vector<std::string> lines_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen((command + " 2>&1").c_str(), "r"), pclose};
  std::vector<std::string> lines;
  std::array<char, 512> line{};
  while (pipe && fgets(line.data(), line.size(), pipe.get()))
    lines.emplace_back(line.data(), std::string{line.data()}.find('\n'));
  return lines;
}

// What an encoder makes, frame by frame.
std::vector<GstPtr<GstSample>> encoded(const std::string& line) {
  const auto pipeline = GstPtr<GstElement>::sink(
      gst_parse_launch((line + " ! appsink name=out sync=false max-buffers=0").c_str(), nullptr));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const auto out = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  std::vector<GstPtr<GstSample>> samples;
  while (true) {
    GstSample* sample = nullptr;
    g_signal_emit_by_name(out.get(), "pull-sample", &sample);
    if (!sample)
      break;
    samples.push_back(GstPtr<GstSample>::adopt(sample));
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return samples;
}

struct Encoder {
  const char* codec;
  const char* line;
};

class CmafPartMuxMedia : public testing::TestWithParam<Encoder> {};

// Two seconds in parts of 200 ms. The picture begins a second late, and stands still in one part.
TEST_P(CmafPartMuxMedia, WhatComesOutIsReadByFfmpeg) {
  const auto pictures = encoded(
      "videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=160,height=96,framerate=25/1 ! "
      "x264enc tune=zerolatency key-int-max=10 ! h264parse ! video/x-h264,stream-format=avc");
  const auto frames = encoded(GetParam().line);
  ASSERT_EQ(pictures.size(), 50u);
  ASSERT_GT(frames.size(), 80u);
  const auto time_of = [](const auto& sample) {
    return Duration{
        static_cast<Duration::rep>(GST_BUFFER_PTS(gst_sample_get_buffer(sample.get())))};
  };
  const auto origin = time_of(pictures[0]);  // x264enc begins at 1000 h
  const auto caps_of = [](const auto& sample) {
    const GMemory<char> text{gst_caps_to_string(gst_sample_get_caps(sample.get()))};
    return std::string{text.get()};
  };
  const auto copy_of = [](const auto& sample) {
    return GstPtr<GstBuffer>::adopt(gst_buffer_copy(gst_sample_get_buffer(sample.get())));
  };

  PartMuxBench bench;
  auto& video = bench.add("video_0");
  auto& audio = bench.add("audio_0");
  video.push_event(gst_event_new_stream_start("v"));
  video.push_caps(caps_of(pictures[0]));
  video.push_segment(ns(origin));
  audio.open(caps_of(frames[0]));
  auto sound = frames.begin();
  std::vector<Duration> sound_times;
  std::vector<Duration> picture_times;
  for (int part = 0; part < 10; ++part) {
    const auto end = (part + 1) * 200ms;
    for (const auto& picture : pictures) {
      const auto at = time_of(picture) - origin;
      if (at < end - 200ms || at >= end || at < 1s || part == 7)
        continue;
      picture_times.push_back(at);
      EXPECT_EQ(video.push_buffer(copy_of(picture)), GST_FLOW_OK);
    }
    for (; sound != frames.end() && time_of(*sound) < end; ++sound) {
      sound_times.push_back(time_of(*sound));
      EXPECT_EQ(audio.push_buffer(copy_of(*sound)), GST_FLOW_OK);
    }
    video.mark(part, end);
    audio.mark(part, end);
  }
  // A name of its own: tests run beside each other.
  const auto path =
      std::string{g_get_tmp_dir()} + "/cmafpartmux-" + std::to_string(g_random_int()) + ".mp4";
  {
    std::ofstream file{path, std::ios::binary};
    for (const auto& bytes : bench.bytes())
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
  }
  EXPECT_EQ(lines_of("ffmpeg -v warning -xerror -i " + path + " -f null -"),
            std::vector<std::string>{})
      << "decodes without a word";
  const auto probe = [&](const char* stream, const char* what) {
    return lines_of(std::string{"ffprobe -v error -of csv=p=0 -select_streams "} + stream + " " +
                    what + " " + path);
  };
  EXPECT_EQ(probe("v", "-show_entries stream=codec_name"), std::vector<std::string>{"h264"});
  EXPECT_EQ(probe("a", "-show_entries stream=codec_name"),
            std::vector<std::string>{GetParam().codec});
  const auto read_times = [&](const char* stream, double rate) {
    std::vector<std::int64_t> times;
    for (const auto& line : probe(stream, "-show_entries packet=pts"))
      times.push_back(static_cast<std::int64_t>(std::stod(line) * 1e9 / rate + 0.5));
    return times;
  };
  // Within half a tick of the track's timescale.
  const auto expect_times = [](const std::vector<std::int64_t>& read,
                               const std::vector<Duration>& written, double rate) {
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i)
      EXPECT_NEAR(static_cast<double>(read[i]), static_cast<double>(written[i].count()),
                  0.5e9 / rate + 1)
          << i;
  };
  expect_times(read_times("v", 90000), picture_times, 90000);
  expect_times(read_times("a", 48000), sound_times, 48000);
  std::remove(path.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    , CmafPartMuxMedia,
    testing::Values(Encoder{"mp3",
                            "audiotestsrc num-buffers=110 samplesperbuffer=960 ! "
                            "audio/x-raw,rate=48000,channels=2 ! lamemp3enc ! "
                            "audio/mpeg,rate=48000 ! mpegaudioparse"},
                    Encoder{"aac",
                            "audiotestsrc num-buffers=110 samplesperbuffer=960 ! "
                            "audio/x-raw,rate=48000,channels=2 ! voaacenc ! aacparse ! "
                            "audio/mpeg,stream-format=raw"}),
    [](const auto& of) { return std::string{of.param.codec}; });

}  // namespace
}  // namespace onair::test
