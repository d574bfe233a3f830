// SPDX-License-Identifier: LGPL-2.1-or-later
// rtplistensrc and publishers that come, fall silent, are replaced and leave, on a clock that the test moves.
#include <string>

#include <gtest/gtest.h>

#include "forwarded.hpp"

namespace onair::test {
namespace {

using Strings = std::vector<std::string>;

constexpr bool kOnTestClock = true;

TEST(RtpListenSrcSessions, BeginWithTheFirstStreamBeforeItsPad) {
  Forwarded live;
  live.send_video(2);
  const auto offered = live.rtp.wait_for_session("offered");
  ASSERT_TRUE(offered);
  EXPECT_EQ(text_field(offered.get(), "session-id").size(), 32u);
  EXPECT_EQ(text_field(offered.get(), "remote-address"), "127.0.0.1");
  EXPECT_TRUE(gst_structure_has_field(offered.get(), "user-agent"));
  for (const char* kind : {"audio", "video"}) {
    gboolean is_received = FALSE;
    EXPECT_TRUE(gst_structure_get_boolean(offered.get(), kind, &is_received));
    EXPECT_TRUE(is_received);
  }
  EXPECT_EQ(live.rtp.next_session_message(), "connected");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_EQ(live.rtp.pad_history(), Strings{"+video_0"});
}

TEST(RtpListenSrcSessions, EndAfterTheIdleTimeout) {
  Forwarded live{"idle-timeout=3000000000", {}, kOnTestClock};
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  EXPECT_EQ(live.rtp.next_session_message(), "offered");
  EXPECT_EQ(live.rtp.next_session_message(), "connected");
  live.rtp.advance_clock(3 * GST_SECOND);
  live.send_audio();
  EXPECT_PACKETS(audio, 3u);
  live.rtp.advance_clock(3 * GST_SECOND + 1);
  EXPECT_EQ(live.rtp.next_session_message(), "ended: idle-timeout");
  EXPECT_TRUE(live.rtp.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.rtp.wait_until_gone("video_0"));
  EXPECT_FALSE(audio->seen().has_eos);
  // The same publisher is welcome again.
  live.send_video(2);
  EXPECT_EQ(live.rtp.next_session_message(), "offered");
  REQUIRE_PAD(again, live.rtp, "video_0");
  EXPECT_PACKETS(again, 2u);
}

TEST(RtpListenSrcSessions, SilenceIsToldAndItsEnd) {
  Forwarded live{"silence-time=500000000", {}, kOnTestClock};
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 2u);
  EXPECT_PACKETS(video, 2u);  // what comes after the clock has moved is no silence
  ASSERT_TRUE(live.rtp.wait_for_session("connected"));
  live.rtp.advance_clock(500 * GST_MSECOND + 1);
  EXPECT_EQ(live.rtp.next_session_message(), "silent");
  live.send_audio();
  EXPECT_EQ(live.rtp.next_session_message(), "resumed");
}

TEST(RtpListenSrcSessions, AnotherPublisherBeginsASessionWhenBothStreamsAreSilent) {
  Forwarded live{"send-eos=true", {}, kOnTestClock};
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 2u);
  EXPECT_PACKETS(video, 2u);
  const auto first = live.rtp.wait_for_session("connected");
  RtpSender next{RtpSender::video(0x3333)};
  live.rtp.advance_clock(GST_SECOND);
  next.send(live.rtp.port_of("video"), 3);
  EXPECT_TRUE(live.rtp.wait_until_refused("ssrc", 3));
  live.rtp.advance_clock(1);
  next.send(live.rtp.port_of("video"), 3);
  EXPECT_EQ(live.rtp.next_session_message(), "ended: replaced");
  const auto second = live.rtp.wait_for_session("offered");
  ASSERT_TRUE(second);
  EXPECT_NE(text_field(second.get(), "session-id"), text_field(first.get(), "session-id"));
  EXPECT_TRUE(audio->wait([](const auto& seen) { return seen.has_eos; }));
  EXPECT_TRUE(video->wait([](const auto& seen) { return seen.has_eos; }));
  EXPECT_TRUE(live.rtp.wait_until_gone("audio_0"));
}

// A camera that is changed: the pad stays, and what comes behind the jitter buffer knows of it by DISCONT.
TEST(RtpListenSrcSessions, StreamIsReplacedOnItsPadWhileTheOtherIsHeard) {
  Forwarded live{"", {}, kOnTestClock};
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  live.rtp.advance_clock(GST_SECOND + 1);
  live.send_audio();
  EXPECT_PACKETS(audio, 3u);
  Kept kept{video->pad()};
  live.video.become(0x3333, 103);
  live.send_video(10);
  EXPECT_PACKETS(video, 12u);
  const auto buffers = kept.buffers();
  ASSERT_EQ(buffers.size(), 10u);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(buffers[0].get(), GST_BUFFER_FLAG_DISCONT));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(buffers[0].get(), GST_BUFFER_FLAG_RESYNC));
  EXPECT_NE(video->seen().caps.find("payload=(int)103"), std::string::npos) << video->seen().caps;
  EXPECT_EQ(live.rtp.pad_history().size(), 2u);
  const auto stats = live.rtp.stats();
  EXPECT_EQ(uint64_field(stats.get(), "sessions"), 1u);
  const auto* stream = gst_value_get_structure(gst_structure_get_value(stats.get(), "video"));
  EXPECT_EQ(uint64_field(stream, "packets"), 12u);
}

TEST(RtpListenSrcSessions, WhoIsEndedByTheApplicationBeginsNoneByGoingOn) {
  Forwarded live{"", {}, kOnTestClock};
  live.send(2);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  ASSERT_TRUE(live.rtp.wait_for_session("connected"));
  g_signal_emit_by_name(live.rtp.element(), "end-session");
  EXPECT_EQ(live.rtp.next_session_message(), "ended: application");
  EXPECT_TRUE(live.rtp.wait_until_gone("video_0"));
  live.send_video(4);
  EXPECT_TRUE(live.rtp.wait_until_refused("ended", 4));
  live.video.become(0x3333, 102);
  live.send_video(2);
  EXPECT_EQ(live.rtp.next_session_message(), "offered");
  REQUIRE_PAD(again, live.rtp, "video_0");
}

TEST(RtpListenSrcSessions, EosEndsThemAndNobodyComesAnyMore) {
  Forwarded live;
  live.send(2);
  REQUIRE_PAD(audio, live.rtp, "audio_0");
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(audio, 2u);
  EXPECT_PACKETS(video, 2u);
  gst_element_send_event(live.rtp.pipeline(), gst_event_new_eos());
  const auto ended = live.rtp.wait_for_session("ended");
  EXPECT_EQ(text_field(ended.get(), "reason"), "stopped");
  EXPECT_TRUE(audio->wait([](const auto& seen) { return seen.has_eos; }));
  EXPECT_TRUE(video->wait([](const auto& seen) { return seen.has_eos; }));
  live.send(3);
  EXPECT_TRUE(live.rtp.wait_until_refused("ended", 6));
}

TEST(RtpListenSrcSessions, StopEndsThemAndTheNextStartBeginsAnew) {
  Forwarded live;
  for (unsigned round = 0; round < 3; ++round) {
    live.send(3);
    REQUIRE_PAD(audio, live.rtp, "audio_0");
    REQUIRE_PAD(video, live.rtp, "video_0");
    EXPECT_PACKETS(video, 3u);
    live.rtp.reach(GST_STATE_READY);  // at NULL, a pipeline's messages are gone
    const auto ended = live.rtp.wait_for_session("ended");
    EXPECT_EQ(text_field(ended.get(), "reason"), "stopped");
    EXPECT_TRUE(live.rtp.wait_until_gone("audio_0"));
    EXPECT_TRUE(live.rtp.wait_until_gone("video_0"));
    live.rtp.reach(GST_STATE_PLAYING);
  }
}

TEST(RtpListenSrcSessions, StatsMayBeReadWhereverTheApplicationIsCalled) {
  Forwarded live;
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(live.rtp.pipeline()));
  const auto on_message = +[](GstBus*, GstMessage* message, gpointer data) -> GstBusSyncReply {
    (void)static_cast<Forwarded*>(data)->rtp.stats();
    return gst_message_has_name(message, "rtp-session") ? GST_BUS_PASS : GST_BUS_DROP;
  };
  gst_bus_set_sync_handler(bus.get(), on_message, &live, nullptr);
  live.send(5);
  REQUIRE_PAD(video, live.rtp, "video_0");
  EXPECT_PACKETS(video, 5u);
  g_signal_emit_by_name(live.rtp.element(), "end-session");
  EXPECT_TRUE(live.rtp.wait_for_session("ended"));
  live.rtp.reach(GST_STATE_NULL);
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

}  // namespace
}  // namespace onair::test
