// SPDX-License-Identifier: LGPL-2.1-or-later
// whiplistensrc and consumers that are not linked, fail, block or go away.
#include <future>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broadcast.hpp"

namespace onair::test {
namespace {

TEST(WhipListenSrcConsumers, UnlinkedAudioPadDoesNotDisturbVideo) {
  Broadcast live{"", manners(std::nullopt, Manner::Takes)};
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(video->wait_for_more(2 * kPlenty));
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcConsumers, UnlinkedVideoPadDoesNotDisturbAudio) {
  Broadcast live{"", manners(Manner::Takes, std::nullopt)};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  EXPECT_TRUE(audio->wait_for_more(2 * kPlenty));
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcConsumers, PadThatIsLinkedLateStartsToFlow) {
  Broadcast live{"", manners(std::nullopt, Manner::Takes)};
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  const auto pad =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(live.whip.element(), "audio_0"));
  ASSERT_TRUE(pad);
  PadSink audio;
  ASSERT_EQ(gst_pad_link(pad.get(), audio.pad()), GST_PAD_LINK_OK);
  EXPECT_TRUE(audio.wait_for_more(kPlenty));
  EXPECT_TRUE(audio.seen().has_segment);
}

TEST(WhipListenSrcConsumers, ConsumerThatFailsOnAudioIsToldOnceAndDoesNotStopVideo) {
  Broadcast live{"", manners(Manner::Fails, Manner::Takes)};
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_NE(live.whip.wait_for_error().find("audio"), std::string::npos);
  EXPECT_TRUE(video->wait_for_more(2 * kPlenty));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_EQ(live.whip.errors().size(), 1u);
}

// A stock queue takes the time from the segment's start to its newest packet for what it holds, until its
// first packet has left.
TEST(WhipListenSrcConsumers, LatePublishersFirstPacketsAreNotLostWhileAConsumerGetsReady) {
  WhipPipeline whip{"", manners(Manner::Takes, Manner::Ponders)};
  whip.use_test_clock();
  whip.reach(GST_STATE_PLAYING);
  whip.advance_clock(60 * GST_SECOND);
  WhipPublisher publisher{{.url = whip.url()}};
  ASSERT_EQ(publisher.publish().status, 201u);
  REQUIRE_PAD(audio, whip, "audio_0");
  REQUIRE_PAD(video, whip, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.has_segment; }));
  ASSERT_TRUE(audio->wait_for_more(kPlenty));
  video->release();
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  publisher.mute();
  const auto received = [&] {
    const auto stats = whip.stats();
    return uint64_field(gst_value_get_structure(gst_structure_get_value(stats.get(), "video")),
                        "packets");
  };
  EXPECT_TRUE(video->wait([&](const auto& seen) { return seen.buffers == received(); }))
      << video->seen().buffers << " of " << received();
}

// A queue posts an error by itself when EOS comes to a pad that nobody took from; neither of the two
// below may hear of it.
TEST(WhipListenSrcConsumers, UnlinkedPadMakesNoErrorWhenTheSessionEndsWithEos) {
  Broadcast live{"send-eos=true", manners(std::nullopt, Manner::Takes)};
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_EQ(live.whip.errors(), std::vector<std::string>{});
}

TEST(WhipListenSrcConsumers, ConsumerThatFailsIsToldOnceAlsoWhenTheSessionEndsWithEos) {
  Broadcast live{"send-eos=true", manners(Manner::Fails, Manner::Takes)};
  EXPECT_NE(live.whip.wait_for_error(), "");
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_EQ(live.whip.errors().size(), 1u);
}

// An application takes its consumers down when it hears that the session has ended.
TEST(WhipListenSrcConsumers, ConsumerThatStopsWhileTheRestGoesOutLetsThePadGo) {
  Broadcast live{"", manners(Manner::Blocks, Manner::Takes)};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait([](const auto& seen) { return seen.is_blocking; }));
  ASSERT_TRUE(video->wait_for_more(kPlenty));  // so that something is queued for audio, too
  EXPECT_EQ(live.publisher->remove().status, 200u);
  ASSERT_TRUE(live.whip.wait_for_session("ended"));
  audio->stop();
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
}

TEST(WhipListenSrcConsumers, ConsumerThatIsUnlinkedWhileTheRestGoesOutLetsThePadGo) {
  Broadcast live{"", manners(Manner::Blocks, Manner::Takes)};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait([](const auto& seen) { return seen.is_blocking; }));
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  ASSERT_TRUE(live.whip.wait_for_session("ended"));
  const auto pad = GstPtr<GstPad>::adopt(gst_pad_get_peer(audio->pad()));
  ASSERT_TRUE(pad);
  gst_pad_unlink(pad.get(), audio->pad());
  audio->release();
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
}

TEST(WhipListenSrcConsumers, ConsumersThatBlockForEverHoldUpNeitherTheEndNorTheNextPublisher) {
  Broadcast live{"", manners(Manner::Blocks, Manner::Blocks)};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait([](const auto& seen) { return seen.is_blocking; }));
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.is_blocking; }));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_for_session("ended"));
  live.publish();
  REQUIRE_PAD(second, live.whip, "video_1");  // video_0 is still draining
  EXPECT_TRUE(second->wait([](const auto& seen) { return seen.is_blocking; }));
  audio->release();
  video->release();
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
}

TEST(WhipListenSrcConsumers, PipelineWithConsumersThatBlockGetsToNull) {
  Broadcast live{"",
                 {},
                 "whip.audio_0 ! appsink name=audio max-buffers=1 sync=false async=false "
                 "whip.video_0 ! appsink name=video max-buffers=1 sync=false async=false"};
  ASSERT_TRUE(live.whip.wait_for_session("connected"));
  for (const auto* name : {"audio", "video"}) {
    // After one that is pulled the sink is full and its streaming thread waits in it.
    const auto sink =
        GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(live.whip.pipeline()), name));
    GstSample* sample = nullptr;
    g_signal_emit_by_name(sink.get(), "pull-sample", &sample);
    ASSERT_TRUE(sample) << name;
    gst_sample_unref(sample);
  }
  EXPECT_EQ(live.whip.reach(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

void wait_for_flow(const WhipPipeline& whip, const char* sink_name) {
  const auto sink =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(whip.pipeline()), sink_name));
  std::promise<void> flowing;
  const auto once = +[](GstPad*, GstPadProbeInfo*, gpointer data) -> GstPadProbeReturn {
    static_cast<std::promise<void>*>(data)->set_value();
    return GST_PAD_PROBE_REMOVE;
  };
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, once, &flowing, nullptr);
  ASSERT_EQ(flowing.get_future().wait_for(kPatience), std::future_status::ready) << sink_name;
}

TEST(WhipListenSrcConsumers, EosFromTheApplicationReachesTheSinks) {
  Broadcast live{"",
                 {},
                 "whip.audio_0 ! fakesink sync=false async=false name=audio "
                 "whip.video_0 ! fakesink sync=false async=false name=video"};
  wait_for_flow(live.whip, "audio");
  wait_for_flow(live.whip, "video");
  gst_element_send_event(live.whip.pipeline(), gst_event_new_eos());
  EXPECT_TRUE(live.whip.wait_for_eos());
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcConsumers, EosFromTheApplicationReachesTheSinkBesideAnUnlinkedPad) {
  Broadcast live{"", manners(std::nullopt, std::nullopt),
                 "whip.video_0 ! fakesink sync=false async=false name=video"};
  wait_for_flow(live.whip, "video");
  EXPECT_TRUE(live.whip.wait_for_appearance("audio_0"));
  gst_element_send_event(live.whip.pipeline(), gst_event_new_eos());
  EXPECT_TRUE(live.whip.wait_for_eos());
  EXPECT_EQ(live.whip.errors(), std::vector<std::string>{});
}

}  // namespace
}  // namespace onair::test
