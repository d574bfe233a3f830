// SPDX-License-Identifier: LGPL-2.1-or-later
// whiplistensrc: how sessions begin and end, and what is left of them.
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include "broadcast.hpp"

namespace onair::test {
namespace {

TEST(WhipListenSrcSessions, SessionMessagesTellWhoComesAndGoes) {
  Broadcast live;
  const auto offered = live.whip.wait_for_session("offered");
  ASSERT_TRUE(offered);
  EXPECT_EQ("/whip/" + text_field(offered.get(), "session-id"),
            live.publisher->session_url().substr(live.whip.base_url().size()));
  EXPECT_EQ(text_field(offered.get(), "remote-address"), "127.0.0.1");
  for (const auto* name : {"audio", "video"}) {
    gboolean is_sent = FALSE;
    EXPECT_TRUE(gst_structure_get_boolean(offered.get(), name, &is_sent));
    EXPECT_TRUE(is_sent) << name;
  }
  EXPECT_FALSE(gst_structure_has_field(offered.get(), "reason"));
  EXPECT_EQ(live.whip.next_session_message(), "connected");
  EXPECT_EQ(live.publisher->remove().status, 200u);
  const auto ended = live.whip.wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(text_field(ended.get(), "reason"), "deleted");
  EXPECT_EQ(text_field(ended.get(), "session-id"), text_field(offered.get(), "session-id"));
  EXPECT_NE(text_field(ended.get(), "detail"), "");
}

TEST(WhipListenSrcSessions, PadsGoAwayWithoutEosWhenThePublisherLeaves) {
  Broadcast live;
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait_for_more(1));
  ASSERT_TRUE(video->wait_for_more(1));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_FALSE(audio->seen().has_eos);
  EXPECT_FALSE(video->seen().has_eos);
}

TEST(WhipListenSrcSessions, EosComesAfterTheLastPacketWhenItIsAskedFor) {
  Broadcast live{"send-eos=true"};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait_for_more(1));
  ASSERT_TRUE(video->wait_for_more(1));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  for (const auto& sink : {audio, video}) {
    EXPECT_TRUE(sink->wait([](const auto& seen) { return seen.has_eos; }));
    EXPECT_FALSE(sink->seen().has_buffer_after_eos);
  }
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcSessions, WhatABlockedConsumerHasNotTakenYetGoesOutBeforeTheEos) {
  Broadcast live{"send-eos=true", manners(Manner::Blocks, Manner::Takes)};
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(audio->wait([](const auto& seen) { return seen.is_blocking; }));
  ASSERT_TRUE(video->wait_for_more(kPlenty));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_FALSE(audio->seen().has_eos);
  audio->release();
  EXPECT_TRUE(audio->wait([](const auto& seen) { return seen.has_eos; }));
  EXPECT_GT(audio->seen().buffers, 1u);
  EXPECT_EQ(audio->seen().missing, 0);
  EXPECT_FALSE(audio->seen().has_buffer_after_eos);
  EXPECT_TRUE(live.whip.wait_until_gone("audio_0"));
}

TEST(WhipListenSrcSessions, NextPublisherIsTakenAndGetsTheSamePadNames) {
  Broadcast live;
  REQUIRE_PAD(first, live.whip, "video_0");
  ASSERT_TRUE(first->wait_for_more(1));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  ASSERT_TRUE(live.whip.wait_until_gone("video_0"));
  ASSERT_TRUE(live.whip.wait_until_gone("audio_0"));
  live.publish();
  REQUIRE_PAD(second, live.whip, "video_0");
  EXPECT_TRUE(second->wait([](const auto& seen) { return seen.idrs > 0; }));
  EXPECT_EQ(uint64_field(live.whip.stats().get(), "sessions"), 2u);
}

TEST(WhipListenSrcSessions, PublisherThatVanishesIsGivenUpAfterTheIdleTimeout) {
  Broadcast live{"idle-timeout=500000000"};
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.publisher->vanish();
  const auto ended = live.whip.wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(text_field(ended.get(), "reason"), "idle-timeout");
  ASSERT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_FALSE(video->seen().has_eos);
  ASSERT_TRUE(live.whip.wait_until_gone("audio_0"));
  live.publish();
  REQUIRE_PAD(second, live.whip, "video_0");
  EXPECT_TRUE(second->wait_for_more(1));
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcSessions, PublisherThatClosesWithoutDeleteIsGivenUpAfterTheIdleTimeout) {
  Broadcast live{"idle-timeout=500000000"};
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.publisher->close_without_delete();
  const auto ended = live.whip.wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(text_field(ended.get(), "reason"), "idle-timeout");
  ASSERT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_FALSE(video->seen().has_eos);
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcSessions, SilentPublisherLosesItsPlaceAfterTheTakeoverTimeAndNotBefore) {
  // Without latency, as the jitter buffer would wait for the clock.
  WhipPipeline whip{"takeover-time=2000000000 idle-timeout=0 latency=0"};
  whip.use_test_clock();
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher publisher{{.url = whip.url()}};
  ASSERT_EQ(publisher.publish().status, 201u);
  ASSERT_TRUE(publisher.wait_until_connected());
  REQUIRE_PAD(video, whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  publisher.vanish();
  EXPECT_EQ(post_offer(whip).status, 409u);
  whip.advance_clock(2 * GST_SECOND);
  EXPECT_EQ(post_offer(whip).status, 409u);
  whip.advance_clock(1);
  auto status = post_offer(whip).status;
  // A packet that was still on its way counts from when it came, so there may be a second time.
  if (status == 409u) {
    whip.advance_clock(2 * GST_SECOND + 1);
    status = post_offer(whip).status;
  }
  EXPECT_EQ(status, 201u);
  EXPECT_EQ(whip.next_session_message(), "offered");
  EXPECT_EQ(whip.next_session_message(), "connected");
  EXPECT_EQ(whip.next_session_message(), "ended: replaced");
  EXPECT_EQ(whip.next_session_message(), "offered");
}

TEST(WhipListenSrcSessions, SilenceIsToldBeforeThePublisherIsGivenUp) {
  Broadcast live{"silence-time=200000000 idle-timeout=1000000000"};
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.publisher->vanish();
  // A busy machine may have made it stutter before.
  std::string last;
  for (auto next = live.whip.next_session_message();
       next == "offered" || next == "connected" || next == "silent" || next == "resumed";
       next = live.whip.next_session_message())
    last = next;
  EXPECT_EQ(last, "silent");
  const auto stats = live.whip.stats();
  EXPECT_EQ(text_field(stats.get(), "state"), "idle");
}

TEST(WhipListenSrcSessions, WrongFingerprintEndsTheSessionAndNotThePipeline) {
  WhipPipeline whip;
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher impostor{{.url = whip.url(), .edit_offer = with_wrong_fingerprint}};
  ASSERT_EQ(impostor.publish().status, 201u);
  const auto ended = whip.wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(text_field(ended.get(), "reason"), "dtls-failed");
  EXPECT_TRUE(whip.errors().empty());
  WhipPublisher honest{{.url = whip.url()}};
  EXPECT_EQ(honest.publish().status, 201u);
  EXPECT_TRUE(honest.wait_until_connected());
}

TEST(WhipListenSrcSessions, NothingOfAPublisherWithAWrongFingerprintGetsOut) {
  WhipPipeline whip;
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher impostor{{.url = whip.url(), .edit_offer = with_wrong_fingerprint}};
  ASSERT_EQ(impostor.publish().status, 201u);
  ASSERT_TRUE(whip.wait_for_session("ended"));
  EXPECT_TRUE(whip.pad_history().empty());
}

TEST(WhipListenSrcSessions, PublisherWithoutANetworkPathFailsAfterTheConnectTimeout) {
  WhipPipeline whip{"connect-timeout=3000000000"};
  whip.use_test_clock();
  whip.reach(GST_STATE_PLAYING);
  ASSERT_EQ(post_offer(whip).status, 201u);  // its one candidate leads nowhere
  whip.advance_clock(3 * GST_SECOND + 1);
  EXPECT_EQ(whip.next_session_message(), "offered");
  EXPECT_EQ(whip.next_session_message(), "ended: ice-failed");
  EXPECT_EQ(post_offer(whip).status, 201u);
}

TEST(WhipListenSrcSessions, TrickledCandidatesConnect) {
  WhipPipeline whip;
  whip.reach(GST_STATE_PLAYING);
  WhipPublisher publisher{{.url = whip.url(), .is_trickling = true}};
  ASSERT_EQ(publisher.publish().status, 201u);
  EXPECT_EQ(publisher.trickle().status, 204u);
  EXPECT_TRUE(publisher.wait_until_connected());
  REQUIRE_PAD(audio, whip, "audio_0");
  EXPECT_TRUE(audio->wait_for_more(1));
}

TEST(WhipListenSrcSessions, MediaGoesOnAcrossAnIceRestart) {
  Broadcast live;
  REQUIRE_PAD(audio, live.whip, "audio_0");
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  ASSERT_TRUE(audio->wait_for_more(1));
  const auto old_etag = live.publisher->etag();
  const auto response = live.publisher->restart_ice();
  ASSERT_EQ(response.status, 200u) << response.body;
  EXPECT_NE(live.publisher->etag(), old_etag);
  EXPECT_TRUE(live.publisher->wait_until_reconnected());
  EXPECT_TRUE(audio->wait_for_more(kPlenty));
  EXPECT_TRUE(video->wait_for_more(kPlenty));
  const auto stats = live.whip.stats();
  EXPECT_EQ(text_field(stats.get(), "state"), "connected");
  EXPECT_EQ(uint64_field(stats.get(), "ice-restarts"), 1u);
  EXPECT_EQ(live.whip.pad_history().size(), 2u);
}

TEST(WhipListenSrcSessions, ElementServesAgainAfterReady) {
  Broadcast live;
  for (int round = 0; round < 3; ++round) {
    REQUIRE_PAD(video, live.whip, "video_0");
    EXPECT_TRUE(video->wait_for_more(1));
    live.whip.reach(GST_STATE_READY);
    EXPECT_EQ(live.whip.port(), 0u);
    EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
    live.whip.reach(GST_STATE_PLAYING);
    live.publish();
  }
}

TEST(WhipListenSrcSessions, GoingToReadyEndsTheSessionAsStopped) {
  Broadcast live;
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.whip.reach(GST_STATE_READY);
  EXPECT_EQ(live.whip.next_session_message(), "offered");
  EXPECT_EQ(live.whip.next_session_message(), "connected");
  EXPECT_EQ(live.whip.next_session_message(), "ended: stopped");
}

TEST(WhipListenSrcSessions, SessionLivesThroughAPause) {
  Broadcast live;
  REQUIRE_PAD(video, live.whip, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.whip.reach(GST_STATE_PAUSED);
  live.whip.reach(GST_STATE_PLAYING);
  EXPECT_TRUE(video->wait_for_more(kPlenty));
}

// An endpoint whose answers wait for a STUN server that is not there.
class WaitingOffer : public testing::Test {
 protected:
  WaitingOffer() {
    whip_.use_test_clock();
    whip_.reach(GST_STATE_PLAYING);
    const auto on_added = +[](GstBin*, GstBin*, GstElement* element, gpointer data) {
      if (g_str_has_prefix(GST_OBJECT_NAME(element), "webrtcbin"))
        static_cast<std::promise<void>*>(data)->set_value();
    };
    g_signal_connect(whip_.pipeline(), "deep-element-added", G_CALLBACK(on_added), &negotiating_);
  }
  bool wait_until_negotiating() {
    return negotiating_.get_future().wait_for(kPatience) == std::future_status::ready;
  }

  std::promise<void> negotiating_;  // outlives the pipeline
  WhipPipeline whip_{"stun-server=stun://127.0.0.1:9 gathering-timeout=1000000000"};
};

TEST_F(WaitingOffer, DoesNotHangTheElementWhenItStops) {
  auto response = std::async(std::launch::async, [&] { return post_offer(whip_); });
  ASSERT_TRUE(wait_until_negotiating());
  EXPECT_EQ(whip_.reach(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  ASSERT_EQ(response.wait_for(kPatience), std::future_status::ready);
  const auto status = response.get().status;
  EXPECT_TRUE(status == 0 || status >= 500) << status;
}

TEST_F(WaitingOffer, OfAPublisherThatHangsUpDoesNotHoldThePlace) {
  const auto offer = chromium_offer();
  http_send_and_hang_up("127.0.0.1", whip_.port(),
                        "POST /whip HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer secret\r\n"
                        "Content-Type: application/sdp\r\nContent-Length: " +
                            std::to_string(offer.size()) + "\r\n\r\n" + offer);
  ASSERT_TRUE(wait_until_negotiating());
  whip_.advance_clock(GST_SECOND + 1);
  EXPECT_EQ(whip_.next_session_message(), "ended: deleted");
}

// Counts the objects of a pipeline that are still alive.
struct Census {
  void enter(GObject* object) {
    {
      const std::lock_guard lock{mutex};
      ++alive;
      ++ever;
    }
    g_object_weak_ref(
        object,
        [](gpointer data, GObject*) {
          auto* self = static_cast<Census*>(data);
          {
            const std::lock_guard lock{self->mutex};
            --self->alive;
          }
          self->changed.notify_all();
        },
        this);
  }
  std::mutex mutex;
  std::condition_variable changed;
  int alive = 0;
  int ever = 0;
};

TEST(WhipListenSrcSessions, EverythingThatASessionMadeIsFreed) {
  Census census;
  const auto on_added = +[](GstBin*, GstBin*, GstElement* element, gpointer data) {
    static_cast<Census*>(data)->enter(G_OBJECT(element));
  };
  {
    WhipPipeline whip;
    g_signal_connect(whip.pipeline(), "deep-element-added", G_CALLBACK(on_added), &census);
    census.enter(G_OBJECT(whip.element()));
    whip.reach(GST_STATE_PLAYING);
    for (int round = 0; round < 2; ++round) {
      WhipPublisher publisher{{.url = whip.url()}};
      ASSERT_EQ(publisher.publish().status, 201u);
      REQUIRE_PAD(video, whip, "video_0");
      ASSERT_TRUE(video->wait_for_more(1));
      EXPECT_EQ(publisher.remove().status, 200u);
      ASSERT_TRUE(whip.wait_until_gone("video_0"));
      ASSERT_TRUE(whip.wait_until_gone("audio_0"));
    }
    // While the element lives on, nothing of former sessions does, except in messages on the bus.
    EXPECT_TRUE(whip.errors().empty());  // empties the bus
    std::unique_lock lock{census.mutex};
    EXPECT_GT(census.ever, 20);
    EXPECT_TRUE(census.changed.wait_for(lock, kPatience, [&] { return census.alive <= 1; }))
        << census.alive << " of " << census.ever << " elements are left";
  }
  std::unique_lock lock{census.mutex};
  EXPECT_TRUE(census.changed.wait_for(lock, kPatience, [&] { return census.alive == 0; }));
}

}  // namespace
}  // namespace onair::test
