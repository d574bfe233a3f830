// SPDX-License-Identifier: LGPL-2.1-or-later
// whiplistensrc with a real publisher: what comes out of its pads, and what can be set and read.
#include <atomic>
#include <memory>
#include <string>

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "broadcast.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

TEST(WhipListenSrc, AudioAndVideoFlowFromPadsOfTheirOwn) {
  Broadcast live;
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(audio->wait_for_more(kPlenty));
  EXPECT_TRUE(video->wait_for_more(kPlenty));
  for (const auto& sink : {audio, video}) {
    EXPECT_TRUE(sink->seen().has_stream_start);
    EXPECT_TRUE(sink->seen().has_segment);
    EXPECT_EQ(sink->seen().missing, 0);
  }
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrc, CapsAreThoseThatDepayloadersLookFor) {
  Broadcast live;
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait_for_more(1));
  ASSERT_TRUE(video->wait_for_more(1));
  const auto expect_caps = [](const std::string& text, const char* wanted) {
    const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
    const auto pattern = GstPtr<GstCaps>::adopt(gst_caps_from_string(wanted));
    EXPECT_TRUE(gst_caps_is_subset(caps.get(), pattern.get())) << text;
    EXPECT_EQ(text.find("video-orientation"), std::string::npos) << text;
  };
  expect_caps(audio->seen().caps,
              "application/x-rtp, media=(string)audio, encoding-name=(string)OPUS, "
              "clock-rate=(int)48000, payload=(int)111");
  expect_caps(video->seen().caps,
              "application/x-rtp, media=(string)video, encoding-name=(string)H264, "
              "clock-rate=(int)90000, payload=(int)102");
}

TEST(WhipListenSrc, KeyframeIsAskedForBecauseNoneComesByItself) {
  Broadcast live;
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  EXPECT_GE(live.publisher->keyframe_requests(), 1u);
  const auto stats = live.whip.stats();
  const GValue* field = gst_structure_get_value(stats.get(), "video");
  ASSERT_TRUE(field && GST_VALUE_HOLDS_STRUCTURE(field));
  guint requests = 0;
  EXPECT_TRUE(
      gst_structure_get_uint(gst_value_get_structure(field), "keyframe-requests", &requests));
  EXPECT_GE(requests, 1u);
}

TEST(WhipListenSrc, ConsumersKeyframeRequestReachesThePublisher) {
  Broadcast live;
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  const auto before = video->seen().idrs;
  // webrtcbin sends one FIR for what it takes for one request: ask until the answer is there.
  const auto ask = [&] {
    gst_pad_push_event(video->pad(),
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    return video->wait([before](const auto& seen) { return seen.idrs > before; },
                       std::chrono::seconds{2});
  };
  EXPECT_TRUE(ask() || ask() || ask());
}

TEST(WhipListenSrc, KeyframesComeAsOftenAsTheIntervalSays) {
  Broadcast live{"keyframe-interval=400000000"};
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(video->wait([](const auto& seen) { return seen.idrs >= 4; }));
}

TEST(WhipListenSrc, RetransmissionIsNegotiatedAndBringsLostPacketsBack) {
  Broadcast live{"latency=2000"};
  const auto& answer = live.publisher->answer();
  EXPECT_NE(answer.find("rtcp-fb:102 nack\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("rtcp-fb:102 nack pli"), std::string::npos) << answer;
  EXPECT_NE(answer.find("rtx/90000"), std::string::npos) << answer;
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  live.publisher->lose_every(7);
  EXPECT_TRUE(video->wait_for_more(2 * kPlenty));
  EXPECT_GE(live.publisher->lost(), 5u);
  EXPECT_EQ(video->seen().missing, 0);
}

TEST(WhipListenSrc, RetransmissionNeedsNoSsrcInTheOffer) {
  WhipPipeline whip{"latency=2000"};
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher publisher{{.url = whip.url(), .has_audio = false, .edit_offer = [](auto offer) {
                             return without_lines(offer, "a=ssrc");
                           }}};
  ASSERT_EQ(publisher.publish().status, 201u);
  REQUIRE_PAD(video, whip, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  publisher.lose_every(7);
  EXPECT_TRUE(video->wait_for_more(2 * kPlenty));
  EXPECT_GE(publisher.lost(), 5u);
  EXPECT_EQ(video->seen().missing, 0);
}

TEST(WhipListenSrc, PublisherIsToldWhenItsPacketsArriveSoThatItCanRaiseItsBitrate) {
  Broadcast live;
  EXPECT_TRUE(live.publisher->wait_for_congestion_feedback()) << live.publisher->answer();
}

TEST(WhipListenSrc, LatencyQueryTellsTheJitterBuffersLatency) {
  Broadcast live{"latency=345"};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  ASSERT_TRUE(audio->wait_for_more(1));
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_pad_peer_query(audio->pad(), query));
  gboolean is_live = FALSE;
  GstClockTime min = 0;
  gst_query_parse_latency(query, &is_live, &min, nullptr);
  gst_query_unref(query);
  EXPECT_TRUE(is_live);
  EXPECT_GE(min, 345 * GST_MSECOND);
}

TEST(WhipListenSrc, PublisherWithOnlyOneKindOfMediaIsTaken) {
  WhipPipeline whip;
  whip.reach(GST_STATE_PLAYING);
  for (const bool is_audio : {true, false}) {
    WhipPublisher publisher{{.url = whip.url(), .has_audio = is_audio, .has_video = !is_audio}};
    ASSERT_EQ(publisher.publish().status, 201u);
    const std::string name = is_audio ? "audio_0" : "video_0";
    REQUIRE_PAD(sink, whip, name);
    EXPECT_TRUE(sink->wait_for_more(1));
    EXPECT_EQ(publisher.remove().status, 200u);
    EXPECT_TRUE(whip.wait_until_gone(name));
  }
}

// A jitter buffer that is the stock one under another name, and counts its instances.
std::atomic<int> test_jitterbuffers = 0;

void register_test_jitterbuffer() {
  if (g_type_from_name("OnairTestJitterbuffer") != 0)
    return;  // with --gtest_repeat
  const auto factory =
      GstPtr<GstElementFactory>::adopt(gst_element_factory_find("rtpjitterbuffer"));
  ASSERT_TRUE(factory);
  const auto loaded =
      GstPtr<GstPluginFeature>::adopt(gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory.get())));
  const GType stock = gst_element_factory_get_element_type(GST_ELEMENT_FACTORY(loaded.get()));
  GTypeQuery query;
  g_type_query(stock, &query);
  const auto init = +[](GTypeInstance*, gpointer) { ++test_jitterbuffers; };
  const GType type =
      g_type_register_static_simple(stock, "OnairTestJitterbuffer", query.class_size, nullptr,
                                    query.instance_size, init, GTypeFlags{});
  ASSERT_TRUE(gst_element_register(nullptr, "onairtestjitterbuffer", GST_RANK_NONE, type));
}

TEST(WhipListenSrc, JitterBufferIsMadeByTheNamedFactoryForEachStream) {
  register_test_jitterbuffer();
  Broadcast live{"jitterbuffer=onairtestjitterbuffer latency=77"};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(audio->wait_for_more(kPlenty));
  EXPECT_TRUE(video->wait_for_more(kPlenty));
  EXPECT_GE(test_jitterbuffers, 2);
}

TEST(WhipListenSrc, JitterBufferThatIsNotInstalledIsNamedAtReady) {
  WhipPipeline whip{"jitterbuffer=nosuchbuffer"};
  EXPECT_EQ(whip.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(whip.wait_for_error().find("nosuchbuffer"), std::string::npos);
}

TEST(WhipListenSrc, PortThatIsInUseIsNamed) {
  WhipPipeline first;
  first.reach(GST_STATE_PLAYING);
  const auto port = std::to_string(first.port());
  WhipPipeline second{"port=" + port};
  EXPECT_EQ(second.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(second.wait_for_error().find(port), std::string::npos);
  EXPECT_EQ(second.port(), 0u);
  first.reach(GST_STATE_NULL);
  EXPECT_EQ(second.reach(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(second.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
}

TEST(WhipListenSrc, AddressThatIsNoneIsNamed) {
  WhipPipeline whip{"address=nowhere"};
  EXPECT_EQ(whip.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(whip.wait_for_error().find("nowhere"), std::string::npos);
}

TEST(WhipListenSrc, LiveSourceHasNoPreroll) {
  WhipPipeline whip;
  EXPECT_EQ(whip.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_NE(whip.port(), 0u);
}

TEST(WhipListenSrc, StatsMayBeReadWhereverTheApplicationIsCalled) {
  WhipPipeline* whip_of_handler = nullptr;
  std::atomic<unsigned> reads = 0;
  const auto read_stats = [&] {
    if (whip_of_handler && whip_of_handler->stats())
      ++reads;
  };
  WhipPipeline whip{"", [&](const std::string&) {
                      read_stats();
                      return std::optional{Manner::Takes};
                    }};
  whip_of_handler = &whip;
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(whip.pipeline()));
  const auto on_message = +[](GstBus*, GstMessage* message, gpointer data) -> GstBusSyncReply {
    if (gst_message_has_name(message, "whip-session"))
      (*static_cast<decltype(read_stats)*>(data))();
    return GST_BUS_PASS;
  };
  auto handler = read_stats;
  gst_bus_set_sync_handler(bus.get(), on_message, &handler, nullptr);
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher publisher{{.url = whip.url()}};
  ASSERT_EQ(publisher.publish().status, 201u);
  REQUIRE_PAD(audio, whip, "audio_0");
  REQUIRE_PAD(video, whip, "video_0");
  EXPECT_EQ(publisher.remove().status, 200u);
  ASSERT_TRUE(whip.wait_for_session("ended"));
  EXPECT_GE(reads, 5u);  // two pads, three turns of the session
  whip.reach(GST_STATE_NULL);
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

TEST(WhipListenSrc, StatsCountWhatComes) {
  WhipPipeline whip;
  EXPECT_EQ(text_field(whip.stats().get(), "state"), "idle");
  whip.reach(GST_STATE_PLAYING);
  EXPECT_EQ(post_offer(whip, "nonsense").status, 400u);
  WhipPublisher publisher{{.url = whip.url()}};
  ASSERT_EQ(publisher.publish().status, 201u);
  ASSERT_TRUE(whip.wait_for_session("connected"));
  REQUIRE_PAD(audio, whip, "audio_0");
  REQUIRE_PAD(video, whip, "video_0");
  ASSERT_TRUE(audio->wait_for_more(kPlenty));
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  const auto stats = whip.stats();
  EXPECT_STREQ(gst_structure_get_name(stats.get()), "application/x-whip-stats");
  EXPECT_EQ(text_field(stats.get(), "state"), "connected");
  EXPECT_TRUE(publisher.session_url().ends_with(text_field(stats.get(), "session-id")));
  EXPECT_EQ(uint64_field(stats.get(), "sessions"), 1u);
  EXPECT_EQ(uint64_field(stats.get(), "requests"), 2u);
  EXPECT_EQ(uint64_field(stats.get(), "refused-requests"), 1u);
  EXPECT_EQ(uint64_field(stats.get(), "ice-restarts"), 0u);
  for (const auto* name : {"audio", "video"}) {
    SCOPED_TRACE(name);
    const GValue* field = gst_structure_get_value(stats.get(), name);
    ASSERT_TRUE(field && GST_VALUE_HOLDS_STRUCTURE(field));
    const auto* stream = gst_value_get_structure(field);
    EXPECT_GE(uint64_field(stream, "packets"), kPlenty);
    EXPECT_GT(uint64_field(stream, "bytes"), kPlenty);
    // 30 packets of 20 ms of audio; of video, whose first frame takes several, more than ten frames.
    EXPECT_GT(uint64_field(stream, "media-time"), GST_SECOND / 3);
    gint64 lost = -1;
    EXPECT_TRUE(gst_structure_get_int64(stream, "lost", &lost));
    EXPECT_EQ(lost, 0);
  }
  EXPECT_EQ(publisher.remove().status, 200u);
  ASSERT_TRUE(whip.wait_for_session("ended"));
  EXPECT_TRUE(whip.wait_until_gone("audio_0"));
  EXPECT_EQ(text_field(whip.stats().get(), "state"), "idle");
  EXPECT_EQ(text_field(whip.stats().get(), "session-id"), "");
}

TEST(WhipListenSrc, EveryPropertyExplainsItself) {
  WhipPipeline whip;
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(whip.element()), &count);
  guint ours = 0;
  for (guint i = 0; i < count; ++i) {
    if (specs[i]->owner_type != G_OBJECT_TYPE(whip.element()))
      continue;
    ++ours;
    SCOPED_TRACE(specs[i]->name);
    const std::string blurb = g_param_spec_get_blurb(specs[i]);
    EXPECT_GE(blurb.size(), 20u);
    EXPECT_TRUE(g_ascii_isupper(blurb.front()));
    EXPECT_STRNE(g_param_spec_get_nick(specs[i]), specs[i]->name);
    // What is read when the element starts says so.
    const bool is_setting = (specs[i]->flags & G_PARAM_WRITABLE) != 0;
    EXPECT_EQ((specs[i]->flags & GST_PARAM_MUTABLE_READY) != 0, is_setting);
    // Defaults are what a new element has.
    GValue value = G_VALUE_INIT;
    g_value_init(&value, specs[i]->value_type);
    const auto fresh = GstPtr<GstElement>::sink(gst_element_factory_make("whiplistensrc", nullptr));
    g_object_get_property(G_OBJECT(fresh.get()), specs[i]->name, &value);
    EXPECT_TRUE(!is_setting || g_param_value_defaults(specs[i], &value));
    g_value_unset(&value);
  }
  g_free(specs);
  EXPECT_GE(ours, 18u);
}

TEST(WhipListenSrc, TwoEndpointsInOnePipelineServeTwoPublishers) {
  Broadcast live{"", {}, "whiplistensrc name=other port=0 token=secret"};
  const auto other =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(live.whip.pipeline()), "other"));
  guint port = 0;
  g_object_get(other.get(), "current-port", &port, nullptr);
  EXPECT_NE(port, live.whip.port());
  WhipPublisher second{{.url = "http://127.0.0.1:" + std::to_string(port) + "/whip"}};
  ASSERT_EQ(second.publish().status, 201u);
  EXPECT_TRUE(second.wait_until_connected());
  REQUIRE_PAD(video, live.whip, "video_0");
  EXPECT_TRUE(video->wait_for_more(kPlenty));
  EXPECT_EQ(second.remove().status, 200u);
  EXPECT_TRUE(video->wait_for_more(kPlenty));
}

TEST(WhipListenSrc, UpnpIsLeftAlone) {
  Broadcast live;
  const auto webrtc = +[](const GValue* item, gpointer data) {
    auto* element = GST_ELEMENT(g_value_get_object(item));
    GstElementFactory* factory = gst_element_get_factory(element);
    if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), "webrtcbin"))
      return;
    GObject* ice = nullptr;
    GObject* agent = nullptr;
    g_object_get(element, "ice-agent", &ice, nullptr);
    g_object_get(ice, "agent", &agent, nullptr);
    g_object_get(agent, "upnp", data, nullptr);
    g_object_unref(agent);
    g_object_unref(ice);
  };
  gboolean uses_upnp = TRUE;
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(live.whip.element()));
  gst_iterator_foreach(elements, webrtc, &uses_upnp);
  gst_iterator_free(elements);
  EXPECT_FALSE(uses_upnp);
}

}  // namespace
}  // namespace onair::test
