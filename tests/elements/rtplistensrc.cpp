// SPDX-License-Identifier: LGPL-2.1-or-later
// rtplistensrc with packets from UDP sockets: what comes out of its pads, and what does not.
#include <random>
#include <string>

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "forwarded.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

TEST(RtpListenSrc, AudioAndVideoFlowFromPadsOfTheirOwnFromTheFirstPacketOn) {
  Forwarded live;
  live.send(20);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  for (const auto& sink : {audio, video}) {
    EXPECT_PACKETS(sink, 20u);
    EXPECT_TRUE(sink->seen().has_stream_start);
    EXPECT_TRUE(sink->seen().has_segment);
    EXPECT_EQ(sink->seen().missing, 0);
  }
  EXPECT_EQ(live.rtp.refused(), 0u);
  EXPECT_TRUE(live.rtp.errors().empty());
}

TEST(RtpListenSrc, CapsAreThoseThatDepayloadersLookFor) {
  Forwarded live;
  live.send(3);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 1u);
  EXPECT_PACKETS(video, 1u);
  const auto expect_caps = [](const std::string& text, const char* wanted) {
    const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
    const auto pattern = GstPtr<GstCaps>::adopt(gst_caps_from_string(wanted));
    EXPECT_TRUE(gst_caps_is_subset(caps.get(), pattern.get())) << text;
  };
  expect_caps(audio->seen().caps,
              "application/x-rtp, media=(string)audio, encoding-name=(string)OPUS, "
              "clock-rate=(int)48000, payload=(int)111, ssrc=(uint)8738");
  expect_caps(video->seen().caps,
              "application/x-rtp, media=(string)video, encoding-name=(string)H264, "
              "clock-rate=(int)90000, payload=(int)102, ssrc=(uint)4369");
}

TEST(RtpListenSrc, PacketsCarryWhenTheyHaveArrived) {
  Forwarded live{"", {}, true};
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  Kept kept{video->pad()};
  live.rtp.advance_clock(40 * GST_MSECOND);
  live.send_video();
  EXPECT_PACKETS(video, 3u);
  const auto buffers = kept.buffers();
  ASSERT_EQ(buffers.size(), 1u);
  EXPECT_EQ(reference_timestamp(buffers[0].get(), "timestamp/x-arrival"), 40 * GST_MSECOND);
  EXPECT_TRUE(reference_timestamp(buffers[0].get(), "timestamp/x-rtp"));
  // 30 pictures a second on the sender's clock, whatever has arrived when.
  EXPECT_EQ(GST_BUFFER_PTS(buffers[0].get()), 66'666'667u);
}

TEST(RtpListenSrc, StreamThatIsNotReceivedHasNoPort) {
  Forwarded live{"audio-port=-1"};
  EXPECT_EQ(live.rtp.port_of("audio"), 0u);
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  const auto offered = live.rtp.wait_for_session("offered");
  ASSERT_TRUE(offered);
  gboolean has_audio = TRUE;
  gboolean has_video = FALSE;
  gst_structure_get(offered.get(), "audio", G_TYPE_BOOLEAN, &has_audio, "video", G_TYPE_BOOLEAN,
                    &has_video, nullptr);
  EXPECT_FALSE(has_audio);
  EXPECT_TRUE(has_video);
}

TEST(RtpListenSrc, StrayPacketsBeginNothing) {
  Forwarded live;
  live.video.send_bytes(live.rtp.port_of("video"), {});
  live.video.send_bytes(live.rtp.port_of("video"), {1, 2, 3});
  EXPECT_TRUE(live.rtp.wait_until_refused("not-rtp", 2));
  live.video.send_bytes(live.rtp.port_of("video"), {0x80, 200, 0, 1, 0, 0, 0, 1});
  EXPECT_TRUE(live.rtp.wait_until_refused("rtcp", 1));
  RtpSender{{.payload = {0x90, 0x80, 0x01, 0x50}}}.send(live.rtp.port_of("video"), 5);
  EXPECT_TRUE(live.rtp.wait_until_refused("payload", 5)) << "VP8";
  live.send_video();
  EXPECT_EQ(text_field(live.rtp.stats().get(), "state"), "idle");
  EXPECT_TRUE(live.rtp.pad_history().empty());
  live.send_video();
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  EXPECT_EQ(text_field(live.rtp.stats().get(), "state"), "connected");
  EXPECT_EQ(live.rtp.refused(), 8u);
}

TEST(RtpListenSrc, NothingThatAnybodyElseSendsGetsIn) {
  Forwarded live;
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  RtpSender other{RtpSender::video(0x9999)};
  other.send(live.rtp.port_of("video"), 4);
  EXPECT_TRUE(live.rtp.wait_until_refused("ssrc", 4));
  RtpSender imitator{RtpSender::video()};
  imitator.send(live.rtp.port_of("video"), 3);
  EXPECT_TRUE(live.rtp.wait_until_refused("sender", 3));
  live.video.become(0x1111, 63);
  live.send_video(2);
  EXPECT_TRUE(live.rtp.wait_until_refused("payload-type", 2));
  EXPECT_EQ(video->seen().buffers, 2u);
}

TEST(RtpListenSrc, OnlyTheSourceAddressMaySend) {
  Forwarded live{"source-address=127.0.0.2"};
  live.send_video(3);
  EXPECT_TRUE(live.rtp.wait_until_refused("source-address", 3));
  RtpSender allowed{{.address = "127.0.0.2"}};
  allowed.send(live.rtp.port_of("video"), 2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  const auto offered = live.rtp.wait_for_session("offered");
  EXPECT_EQ(text_field(offered.get(), "remote-address"), "127.0.0.2");
}

TEST(RtpListenSrc, WhatIsConfiguredIsNotLearned) {
  Forwarded live{"video-payload-type=96 audio-ssrc=7"};
  live.send(2);
  EXPECT_TRUE(live.rtp.wait_until_refused("payload-type", 2));
  EXPECT_TRUE(live.rtp.wait_until_refused("ssrc", 2));
  live.video.become(0x1111, 96);
  live.audio.become(7, 111);
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
}

// Seeded, each time the same.
TEST(RtpListenSrc, GarbageDoesNotHinderAnybody) {
  Forwarded live;
  live.send_video(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  std::mt19937 random{20'180'905};
  for (unsigned i = 0; i < 500; ++i) {
    RtpSender::Bytes bytes(random() % 60);
    for (auto& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    if (bytes.size() > 1 && i % 2 == 0)
      bytes[0] = static_cast<std::uint8_t>(0x80 | (bytes[0] & 0x3f));
    live.audio.send_bytes(live.rtp.port_of("audio"), bytes);
    live.video.send_bytes(live.rtp.port_of("video"), bytes);
    if (i % 50 == 0)
      live.send_video();
  }
  EXPECT_PACKETS(video, 12u);
  EXPECT_EQ(video->seen().missing, 0);
  EXPECT_TRUE(live.rtp.errors().empty());
}

TEST(RtpListenSrc, JitterBuffersOfASessionShareTheirLatency) {
  Forwarded live{"latency=345"};
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  GstIterator* all = gst_bin_iterate_all_by_element_factory_name(GST_BIN(live.rtp.element()),
                                                                 "rtpadaptivejitterbuffer");
  std::vector<std::string> groups;
  const auto note = [](const GValue* value, gpointer data) {
    gchar* group = nullptr;
    guint latency = 0;
    g_object_get(g_value_get_object(value), "group", &group, "max-latency", &latency, nullptr);
    EXPECT_EQ(latency, 345u);
    static_cast<std::vector<std::string>*>(data)->push_back(GMemory<char>{group}.get());
  };
  EXPECT_EQ(gst_iterator_foreach(all, note, &groups), GST_ITERATOR_DONE);
  gst_iterator_free(all);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_FALSE(groups[0].empty());
  EXPECT_EQ(groups[0], groups[1]);
}

TEST(RtpListenSrc, LatencyQueryTellsTheJitterBuffersLatency) {
  Forwarded live{"latency=345"};
  live.send_audio(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  EXPECT_PACKETS(audio, 1u);
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_pad_peer_query(audio->pad(), query));
  gboolean is_live = FALSE;
  GstClockTime min = 0;
  gst_query_parse_latency(query, &is_live, &min, nullptr);
  gst_query_unref(query);
  EXPECT_TRUE(is_live);
  EXPECT_EQ(min, 345 * GST_MSECOND);
}

TEST(RtpListenSrc, StockJitterBufferTakesItsPlace) {
  Forwarded live{"jitterbuffer=rtpjitterbuffer latency=77"};
  live.send(4);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 4u);
  EXPECT_PACKETS(video, 4u);
}

TEST(RtpListenSrc, JitterBufferThatIsNotInstalledIsNamedAtReady) {
  RtpPipeline rtp{"jitterbuffer=nosuchbuffer"};
  EXPECT_EQ(rtp.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(rtp.wait_for_error().find("nosuchbuffer"), std::string::npos);
}

TEST(RtpListenSrc, StatsCountWhatComes) {
  RtpPipeline idle;
  EXPECT_EQ(text_field(idle.stats().get(), "state"), "idle");
  Forwarded live;
  live.send(5);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 5u);
  EXPECT_PACKETS(video, 5u);
  const auto stats = live.rtp.stats();
  EXPECT_TRUE(gst_structure_has_name(stats.get(), "application/x-rtp-listen-stats"));
  EXPECT_EQ(uint64_field(stats.get(), "sessions"), 1u);
  for (const char* kind : {"audio", "video"}) {
    const auto* stream = gst_value_get_structure(gst_structure_get_value(stats.get(), kind));
    EXPECT_EQ(uint64_field(stream, "packets"), 5u);
    EXPECT_GT(uint64_field(stream, "media-time"), 0u);
    EXPECT_TRUE(gst_structure_has_field_typed(stream, "jitterbuffer", GST_TYPE_STRUCTURE));
  }
}

// There is no RTCP, so nobody has been asked.
TEST(RtpListenSrc, NoKeyFrameIsAskedForWhereNobodyHearsIt) {
  Forwarded live;
  live.send_video(5);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 5u);
  const auto stats = live.rtp.stats();
  guint requests = 1;
  EXPECT_TRUE(
      gst_structure_get_uint(gst_value_get_structure(gst_structure_get_value(stats.get(), "video")),
                             "keyframe-requests", &requests));
  EXPECT_EQ(requests, 0u);
}

TEST(RtpListenSrc, UnlinkedPadDoesNotDisturbTheOther) {
  Forwarded live{"send-eos=true", [](const std::string& name) {
                   return name.starts_with("audio") ? std::nullopt : std::optional{Manner::Takes};
                 }};
  live.send(10);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_TRUE(live.rtp.wait_for_appearance("audio_0"));
  EXPECT_PACKETS(video, 10u);
  EXPECT_TRUE(live.rtp.errors().empty());
}

TEST(RtpListenSrc, ConsumerThatFailsIsToldAndDoesNotStopTheOther) {
  Forwarded live{"", [](const std::string& name) {
                   return std::optional{name.starts_with("audio") ? Manner::Fails : Manner::Takes};
                 }};
  live.send(10);
  EXPECT_NE(live.rtp.wait_for_error().find("audio"), std::string::npos);
  live.send(10);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 20u);
}

}  // namespace
}  // namespace onair::test
