// SPDX-License-Identifier: LGPL-2.1-or-later
// Pads that come and go, states, flushes, and layers that go through as they are.
#include <algorithm>
#include <set>

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "abrladder_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kTwo =
    "<[top,width=64,height=48,bps=300000],[low,width=48,height=36,bps=100000,fps=15]>";
constexpr const char* kCoded =
    "video/x-h264,stream-format=byte-stream,alignment=au,width=64,height=48,framerate=30/1";

TEST(AbrLadderPads, AreThoseOfTheRenditions) {
  LadderBench bench{{.renditions = kTwo, .sinks = {}, .srcs = {}, .plays = false}};
  const auto ask = [&](const char* name) {
    return GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), name));
  };
  EXPECT_TRUE(ask("video_src_1"));
  EXPECT_FALSE(ask("video_src_2"));  // there is no such rendition
  EXPECT_TRUE(ask("video_0"));
  EXPECT_FALSE(ask("video_1"));
  EXPECT_TRUE(ask("audio_src_0"));
  EXPECT_FALSE(ask("audio_src_01"));
}

TEST(AbrLadderPads, OnlyWhatIsAskedForIsEncoded) {
  LadderBench bench{{.renditions = kTwo, .srcs = {"video_src_1"}}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 500ms);
  ASSERT_TRUE(bench.end());
  EXPECT_FALSE(bench.stats_of("rendition-0"));
  EXPECT_EQ(bench.coded("video_src_1").size(), 8u);
}

TEST(AbrLadderPads, MayComeWhileDataFlows) {
  LadderBench bench{{.renditions = kTwo}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 500ms);
  PadRecorder late{bench.clock()};
  {
    const auto pad =
        GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "video_src_1"));
    ASSERT_TRUE(pad);
    late.record(pad.get());
    bench.push_scene(64, 48, 30, 500ms, 1s);
    ASSERT_TRUE(late.wait_for_buffers(7));
    EXPECT_FALSE(
        GST_BUFFER_FLAG_IS_SET(late.buffers()[0].buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT));
    // And go; the other one goes on.
    gst_element_release_request_pad(bench.element(), pad.get());
  }
  bench.push_scene(64, 48, 30, 1s, 2s);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(bench.coded().size(), 60u);
}

TEST(AbrLadderStates, ItRunsAgainFromReady) {
  LadderBench bench{{.renditions = kTwo}};
  for (int run = 0; run < 3; ++run) {
    SCOPED_TRACE(run);
    bench.in().open_stream(LadderBench::picture_caps(64, 48));
    bench.push_scene(64, 48, 30, 0s, 500ms);
    ASSERT_TRUE(bench.end());
    EXPECT_EQ(bench.coded().size(), 15u);
    bench.set_state(GST_STATE_READY);
    bench.out().forget();
    bench.set_state(GST_STATE_PLAYING);
  }
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST(AbrLadderStates, NothingIsLeftWhenItGoesInTheMiddle) {
  for (int run = 0; run < 10; ++run) {
    LadderBench bench{{.renditions = kTwo,
                       .sinks = {"video_0", "audio_0"},
                       .srcs = {"video_src_0", "video_src_1", "audio_src_0"}}};
    bench.in().open_stream(LadderBench::picture_caps(64, 48));
    bench.in("audio_0").open_stream(LadderBench::kSound);
    bench.push_scene(64, 48, 30, 0s, run * 40ms);
    bench.push_sound(0s);
  }
}

TEST(AbrLadderFlow, AFlushBeginsAnew) {
  LadderBench bench{{.renditions = kTwo}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 5s, 6s);
  bench.ask_for_key_frame("video_src_0", 7s, 1);
  bench.in().push_event(gst_event_new_flush_start());
  bench.in().push_event(gst_event_new_flush_stop(TRUE));
  bench.in().push_segment();
  bench.out().forget();
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 1s);
  ASSERT_TRUE(bench.end());
  // What was asked for before is forgotten.
  const auto frames = bench.coded();
  EXPECT_EQ(
      std::count_if(frames.begin(), frames.end(), [](const Coded& its) { return its.is_key; }), 1);
  EXPECT_EQ(frames.size(), pushed.size());
}

TEST(AbrLadderFlow, RequestsForKeyFramesEndHere) {
  LadderBench bench{{.renditions = kTwo}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 100ms);
  bench.ask_for_key_frame("video_src_0", 1s, 1);
  ASSERT_TRUE(bench.end());
  EXPECT_TRUE(bench.in().upstream("GstForceKeyUnit").empty());
}

TEST(AbrLadderFlow, LatencyIsThatOfTheSource) {
  LadderBench bench{{.renditions = kTwo, .is_live = true}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 200ms);
  ASSERT_TRUE(bench.out().wait_for_buffers(1));
  const auto query = GstPtr<GstQuery>::adopt(gst_query_new_latency());
  ASSERT_TRUE(gst_pad_peer_query(bench.out().recorder(), query.get()));
  gboolean is_live = FALSE;
  GstClockTime least = 0;
  gst_query_parse_latency(query.get(), &is_live, &least, nullptr);
  EXPECT_TRUE(is_live);
  EXPECT_EQ(least, ns(7ms));  // encoders hold nothing back
}

// ---- passthrough

std::vector<GstPtr<GstSample>> layer(int width, int height) {
  std::vector<std::pair<Duration, Luma>> pictures;
  for (int i = 0; i < 30; ++i)
    pictures.emplace_back(i * 33ms, scene(width, height, i * 33ms));
  return encode(pictures, 10);
}

TEST(AbrLadderPassthrough, LayersComeOutAsTheyAre) {
  LadderBench bench{{.properties = "mode=passthrough",
                     .sinks = {"video_0", "video_1"},
                     .srcs = {"video_src_0", "video_src_1"}}};
  const auto large = layer(64, 48);
  const auto small = layer(32, 24);
  for (const auto* in : {"video_0", "video_1"})
    bench.in(in).open_stream(kCoded);
  for (std::size_t i = 0; i < large.size(); ++i)
    for (const auto& [in, sample] :
         {std::pair{"video_0", large[i].get()}, std::pair{"video_1", small[i].get()}})
      ASSERT_EQ(bench.in(in).push_buffer(GstPtr<GstBuffer>::share(gst_sample_get_buffer(sample))),
                GST_FLOW_OK);
  ASSERT_TRUE(bench.end());
  for (const auto& [out, width] : {std::pair{"video_src_0", 64}, std::pair{"video_src_1", 32}}) {
    SCOPED_TRACE(out);
    const auto frames = bench.coded(out);
    ASSERT_EQ(frames.size(), 30u);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i].is_key, i % 10 == 0) << i;
      EXPECT_EQ(frames[i].parameter_set().empty(), !frames[i].is_key) << i;
    }
    EXPECT_EQ(bench.decoded(out).front().luma.width, width);
  }
}

TEST(AbrLadderPassthrough, ALayerThatIsNotSentIsRepeatedByTheNext) {
  LadderBench bench{{.properties = "mode=passthrough",
                     .sinks = {"video_0", "video_1"},
                     .srcs = {"video_src_0", "video_src_1"}}};
  const auto large = layer(64, 48);
  const auto small = layer(32, 24);
  bench.in("video_0").open_stream(kCoded);
  bench.in("video_1").open_stream(kCoded);
  const auto push = [&](const char* in, const GstPtr<GstSample>& sample, Duration later) {
    auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_copy(gst_sample_get_buffer(sample.get())));
    GST_BUFFER_PTS(buffer.get()) += ns(later);
    bench.clock().set_time(Duration{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer.get()))});
    ASSERT_EQ(bench.in(in).push_buffer(std::move(buffer)), GST_FLOW_OK);
  };
  // Three seconds; the large one is missing in the middle one.
  for (const auto later : {0s, 1s, 2s}) {
    for (std::size_t i = 0; i < 30; ++i) {
      push("video_1", small[i], later);
      if (later != 1s)
        push("video_0", large[i], later);
    }
  }
  ASSERT_TRUE(bench.end());
  const auto frames = bench.coded("video_src_0");
  EXPECT_TRUE(std::is_sorted(frames.begin(), frames.end(),
                             [](const Coded& a, const Coded& b) { return a.at < b.at; }));
  // A key frame each 330 ms: one more than half a second after the last of the large ones.
  std::set<int> widths;
  for (const auto& [at, luma] : bench.decoded("video_src_0")) {
    const bool is_large = at < 1s || at > 2s;  // at 2 s both are
    EXPECT_EQ(luma.width, is_large ? 64 : 32) << in_ms(at);
    EXPECT_FALSE(at > 1s && at < 1660ms) << in_ms(at);
    widths.insert(luma.width);
  }
  EXPECT_EQ(widths.size(), 2u);
  EXPECT_EQ(bench.coded("video_src_1").size(), 90u);
  EXPECT_EQ(bench.in("video_1").upstream("GstForceKeyUnit").size(), 1u) << "to go on with it";
  EXPECT_EQ(bench.in("video_0").upstream("GstForceKeyUnit").size(), 0u);
}

TEST(AbrLadderPassthrough, ARequestOfOneRenditionGoesToAllLayersOnce) {
  LadderBench bench{{.properties = "mode=passthrough",
                     .sinks = {"video_0", "video_1"},
                     .srcs = {"video_src_0", "video_src_1"}}};
  for (const auto* in : {"video_0", "video_1"})
    bench.in(in).open_stream(kCoded);
  const auto count = [&](const char* in) {
    return bench.in(in).upstream("GstForceKeyUnit").size();
  };
  bench.ask_for_key_frame("video_src_0", std::nullopt, 7);
  EXPECT_EQ(count("video_0"), 1u);
  EXPECT_EQ(count("video_1"), 1u);
  bench.ask_for_key_frame("video_src_1", std::nullopt, 7);  // it is on its way
  EXPECT_EQ(count("video_1"), 1u);
  bench.ask_for_key_frame("video_src_1", std::nullopt, 7);  // it did not come
  EXPECT_EQ(count("video_0"), 1u);
  EXPECT_EQ(count("video_1"), 2u);
  bench.ask_for_key_frame("video_src_1", std::nullopt, 8);
  EXPECT_EQ(count("video_0"), 2u);
  EXPECT_EQ(count("video_1"), 3u);
}

}  // namespace
}  // namespace onair::test
