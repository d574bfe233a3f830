// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer: events, queries, flushes, ends, states, and what downstream makes of them.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "rtpadaptivejitterbuffer_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kPaced = "release=paced adaptive=false latency=200";
constexpr const char* kEager = "release=eager adaptive=false latency=200";
constexpr const char* kOpening = "stream-start caps segment";

std::string after_opening(const std::string& names) {
  return std::string{kOpening} + " " + names;
}

GstPtr<GstCaps> caps_of(const char* text) {
  return GstPtr<GstCaps>::adopt(gst_caps_from_string(text));
}

// ---- serialized events

TEST(RtpAdaptiveJitterBufferEvents, SerializedEventsKeepTheirPlaceBetweenPackets) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 1);
  bench.push_custom("first");
  bench.push_custom("second");
  bench.push(2);
  bench.push_event(gst_event_new_gap(0, GST_MSECOND));
  bench.push_event(gst_event_new_tag(gst_tag_list_new_empty()));
  bench.push(3);
  for (int n = 0; n <= 3; ++n) {
    bench.crank();
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(n)));
  }
  EXPECT_EQ(bench.order(), after_opening("#0 #1 first second #2 gap tag #3"));
}

TEST(RtpAdaptiveJitterBufferEvents, AnEventWithoutPacketsBeforeItPassesAtOnce) {
  JitterBufferBench bench{kPaced};
  bench.push_custom("alone");
  ASSERT_TRUE(bench.wait_for("alone"));
  EXPECT_EQ(bench.order(), after_opening("alone"));
}

TEST(RtpAdaptiveJitterBufferEvents, AnEventBehindAHoleWaitsForWhatMayFillIt) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 1);
  bench.push(3);
  bench.push_custom("behind");
  bench.push(RtpPacket{2}.late(50ms));
  ASSERT_TRUE(bench.wait_for("behind"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2 #3 behind"));
}

TEST(RtpAdaptiveJitterBufferEvents, AnEventBehindPaddingGoesOutToo) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push(RtpPacket{1}.padding_only());
  bench.push_custom("behind");
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.crank();
  EXPECT_TRUE(bench.wait_for("behind"));
}

TEST(RtpAdaptiveJitterBufferEvents, ChangedCapsStayInOrderAndTheirClockRateHoldsAtOnce) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 1);
  bench.push_event(
      gst_event_new_caps(caps_of("application/x-rtp, clock-rate=(int)8000, payload=(int)0").get()));
  for (std::int64_t n = 2; n < 4; ++n) {
    auto packet = RtpPacket{n}.type(0);
    packet.rtp_time = RtpPacket{1}.rtp_time + static_cast<guint32>((n - 1) * 160);
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 caps #2 #3"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[3].buffer.get()), ns(3 * kSpacing));
}

TEST(RtpAdaptiveJitterBufferEvents, ASegmentThatIsNotOfTimeIsReplacedByOneThatIs) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PLAYING);
  bench.push_event(gst_event_new_stream_start("stream"));
  bench.push_event(gst_event_new_caps(caps_of(JitterBufferBench::kCaps).get()));
  GstSegment bytes;
  gst_segment_init(&bytes, GST_FORMAT_BYTES);
  GstEvent* event = gst_event_new_segment(&bytes);
  const guint32 seqnum = gst_event_get_seqnum(event);
  bench.push_event(event);
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  const auto segment = bench.items()[2];
  ASSERT_EQ(segment.name, "segment");
  const GstSegment* replaced = nullptr;
  gst_event_parse_segment(segment.event.get(), &replaced);
  EXPECT_EQ(replaced->format, GST_FORMAT_TIME);
  EXPECT_EQ(replaced->start, 0u);
  EXPECT_EQ(gst_event_get_seqnum(segment.event.get()), seqnum);
}

TEST(RtpAdaptiveJitterBufferEvents, ASegmentWithAnOffsetShiftsRunningTime) {
  JitterBufferBench bench{kPaced, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PLAYING);
  bench.push_event(gst_event_new_stream_start("stream"));
  bench.push_event(gst_event_new_caps(caps_of(JitterBufferBench::kCaps).get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 50 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  bench.push_event(gst_event_new_segment(&segment));
  bench.set_time(3s);
  auto packet = RtpPacket{0};
  packet.arrival = 50s;  // running time 3 s
  gst_pad_push(bench.feeder(), packet.make().release());
  EXPECT_EQ(bench.crank(), 3s + 200ms);
  ASSERT_TRUE(bench.wait_for("#0"));
  GstBuffer* buffer = bench.buffers()[0].buffer.get();
  EXPECT_EQ(GST_BUFFER_PTS(buffer), 50 * GST_SECOND);
  EXPECT_EQ(reference_timestamp(buffer, "timestamp/x-arrival"), 3 * GST_SECOND);
}

TEST(RtpAdaptiveJitterBufferEvents, EventsOutOfBandOvertakeThePackets) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
                                        gst_structure_new_empty("out-of-band")));
  ASSERT_TRUE(bench.wait_for("out-of-band"));
  EXPECT_TRUE(bench.buffers().empty());
}

TEST(RtpAdaptiveJitterBufferEvents, UpstreamEventsPass) {
  JitterBufferBench bench{kEager};
  EXPECT_TRUE(gst_pad_push_event(
      bench.recorder(),
      gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty("upwards"))));
  EXPECT_TRUE(bench.wait_for_upstream("upwards"));
}

// ---- serialized queries

GstQuery* new_query() {
  return gst_query_new_allocation(nullptr, FALSE);
}

TEST(RtpAdaptiveJitterBufferQueries, ASerializedQueryIsAnsweredWhenThePacketsBeforeItHaveGone) {
  JitterBufferBench bench{kPaced};
  bench.answer_query = [](GstQuery* query) {
    gst_query_add_allocation_pool(query, nullptr, 77, 1, 2);
    return true;
  };
  bench.push_all(0, 1);
  auto asked = on_a_thread([&] {
    GstQuery* query = new_query();
    const bool answered = gst_pad_peer_query(bench.feeder(), query);
    const bool is_downstreams = gst_query_get_n_allocation_pools(query) == 1;
    gst_query_unref(query);
    return answered && is_downstreams;
  });
  EXPECT_EQ(bench.crank(), 200ms);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(bench.wait_for_deadline(), kSpacing + 200ms);
  EXPECT_EQ(bench.order(), after_opening("#0"));
  bench.crank();
  EXPECT_TRUE(asked.get());
  EXPECT_EQ(bench.order(), after_opening("#0 #1 query"));
}

TEST(RtpAdaptiveJitterBufferQueries, ARefusalIsHandedBack) {
  JitterBufferBench bench{kEager};
  bench.answer_query = [](GstQuery*) { return false; };
  GstQuery* query = new_query();
  EXPECT_FALSE(gst_pad_peer_query(bench.feeder(), query));
  EXPECT_TRUE(bench.wait_for("query"));
  gst_query_unref(query);
}

TEST(RtpAdaptiveJitterBufferQueries, AFlushReleasesAQueryThatWaits) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  auto asked = on_a_thread([&] {
    GstQuery* query = new_query();
    const bool answered = gst_pad_peer_query(bench.feeder(), query);
    gst_query_unref(query);
    return answered;
  });
  bench.wait_for_deadline();
  bench.push_event(gst_event_new_flush_start());
  EXPECT_FALSE(asked.get());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open();
  bench.push(0);
  bench.crank();
  EXPECT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(bench.order().find("query"), std::string::npos);
}

TEST(RtpAdaptiveJitterBufferQueries, AStateChangeReleasesAQueryThatWaits) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  auto asked = on_a_thread([&] {
    GstQuery* query = new_query();
    const bool answered = gst_pad_peer_query(bench.feeder(), query);
    gst_query_unref(query);
    return answered;
  });
  bench.wait_for_deadline();
  bench.set_state(GST_STATE_READY);
  EXPECT_FALSE(asked.get());
}

TEST(RtpAdaptiveJitterBufferQueries, AnErrorDownstreamReleasesAQueryThatWaits) {
  JitterBufferBench bench{kPaced};
  bench.answer_buffers_with(GST_FLOW_ERROR);
  bench.push_all(0, 1);
  auto asked = on_a_thread([&] {
    GstQuery* query = new_query();
    const bool answered = gst_pad_peer_query(bench.feeder(), query);
    gst_query_unref(query);
    return answered;
  });
  bench.crank();
  EXPECT_FALSE(asked.get());
}

TEST(RtpAdaptiveJitterBufferQueries, LatencyIsUpstreamsPlusTheLargestOfOurs) {
  JitterBufferBench bench{"release=paced latency=100 max-latency=450"};
  const auto ask = [&] {
    GstQuery* query = gst_query_new_latency();
    EXPECT_TRUE(gst_pad_peer_query(bench.recorder(), query));
    gboolean live = FALSE;
    GstClockTime least = 0;
    GstClockTime most = 0;
    gst_query_parse_latency(query, &live, &least, &most);
    gst_query_unref(query);
    EXPECT_TRUE(live);
    EXPECT_EQ(most, GST_CLOCK_TIME_NONE);
    return least;
  };
  EXPECT_EQ(ask(), 457 * GST_MSECOND);
  bench.set("report-current-latency", "true");
  EXPECT_EQ(ask(), 107 * GST_MSECOND);
  bench.set("report-current-latency", "false");
  bench.set("adaptive", "false");
  EXPECT_EQ(ask(), 107 * GST_MSECOND) << "the largest of a fixed latency is the latency";
}

TEST(RtpAdaptiveJitterBufferQueries, CapsAreWhatBothNeighboursAndTheTemplateAllow) {
  JitterBufferBench bench{kEager};
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), "sink"));
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_query_caps(in.get(), nullptr));
  EXPECT_TRUE(gst_caps_is_equal(caps.get(), caps_of("application/x-rtp").get()));
  const auto accepts = [&](const char* text) {
    return gst_pad_query_accept_caps(in.get(), caps_of(text).get()) != FALSE;
  };
  EXPECT_TRUE(accepts("application/x-rtp, media=audio"));
  EXPECT_FALSE(accepts("audio/x-raw"));
}

TEST(RtpAdaptiveJitterBufferQueries, PositionIsThatOfTheLastPacketThatWentOut) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_for("#3"));
  gint64 position = 0;
  EXPECT_TRUE(gst_pad_peer_query_position(bench.recorder(), GST_FORMAT_TIME, &position));
  EXPECT_EQ(position, static_cast<gint64>(ns(3 * kSpacing)));
}

// ---- latency that is told

struct Notifications {
  explicit Notifications(GstElement* element) {
    g_signal_connect(element, "notify::current-latency", G_CALLBACK(on_notify), this);
  }
  static void on_notify(GstElement*, GParamSpec*, gpointer data) {
    ++static_cast<Notifications*>(data)->count;
  }
  std::atomic<int> count{0};
};

guint current_latency(JitterBufferBench& bench) {
  guint latency = 0;
  g_object_get(bench.element(), "current-latency", &latency, nullptr);
  return latency;
}

TEST(RtpAdaptiveJitterBufferLatency, TheLatencyThatIsSetIsTheOneToStartWithInPlayingToo) {
  JitterBufferBench bench{"release=paced"};
  EXPECT_EQ(current_latency(bench), 200u);
  Notifications notifications{bench.element()};
  bench.set("latency", "350");  // as rtpbin does, when the element plays already
  EXPECT_EQ(current_latency(bench), 350u);
  EXPECT_GE(notifications.count, 1);
  bench.push(0);
  EXPECT_EQ(bench.wait_for_deadline(), 350ms);
}

TEST(RtpAdaptiveJitterBufferLatency, TheLatencyToStartWithStaysWithinTheBounds) {
  JitterBufferBench above{"release=paced latency=900 max-latency=400"};
  EXPECT_EQ(current_latency(above), 400u);
  JitterBufferBench below{"release=paced latency=10 min-latency=50"};
  EXPECT_EQ(current_latency(below), 50u);
  JitterBufferBench eager{"latency=10 max-latency=400"};
  EXPECT_EQ(current_latency(eager), 10u);
  JitterBufferBench fixed{"latency=900 max-latency=400 adaptive=false"};
  EXPECT_EQ(current_latency(fixed), 900u) << "nothing moves it, so nothing bounds it";
}

TEST(RtpAdaptiveJitterBufferLatency, ALatePacketRaisesItWhichIsNotified) {
  JitterBufferBench bench{"release=paced latency=20"};
  Notifications notifications{bench.element()};
  bench.messages(GST_MESSAGE_LATENCY);
  bench.push_all(0, 9);
  bench.push(RtpPacket{10}.late(250ms));
  for (std::int64_t n = 11; n < 30; ++n)
    bench.push(RtpPacket{n}.late(250ms));
  EXPECT_GT(current_latency(bench), 20u);
  EXPECT_GE(notifications.count, 1);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_LATENCY).empty()) << "downstream has the largest already";
}

TEST(RtpAdaptiveJitterBufferLatency, AReportedCurrentLatencyIsFollowedByALatencyMessage) {
  JitterBufferBench bench{"release=paced latency=20 report-current-latency=true"};
  bench.messages(GST_MESSAGE_LATENCY);
  bench.push_all(0, 9);
  for (std::int64_t n = 10; n < 30; ++n)
    bench.push(RtpPacket{n}.late(250ms));
  EXPECT_GT(current_latency(bench), 20u);
  EXPECT_FALSE(bench.messages(GST_MESSAGE_LATENCY).empty());
}

TEST(RtpAdaptiveJitterBufferLatency, AnotherLargestLatencyIsToldByAMessage) {
  JitterBufferBench bench;
  bench.messages(GST_MESSAGE_LATENCY);
  bench.set("max-latency", "900");
  EXPECT_EQ(bench.messages(GST_MESSAGE_LATENCY).size(), 1u);
  bench.set("do-lost", "true");
  EXPECT_TRUE(bench.messages(GST_MESSAGE_LATENCY).empty());
}

TEST(RtpAdaptiveJitterBufferLatency, ElementsOfOneGroupShareTheLarger) {
  JitterBufferBench slow{"release=paced adaptive=false latency=300 group=a"};
  JitterBufferBench quick{"release=paced adaptive=false latency=50 group=a"};
  JitterBufferBench other{"release=paced adaptive=false latency=50 group=b"};
  slow.push(0);
  quick.push(0);
  other.push(0);
  EXPECT_EQ(quick.wait_for_deadline(), 300ms);
  EXPECT_EQ(current_latency(quick), 300u);
  EXPECT_EQ(other.wait_for_deadline(), 50ms);
  quick.set("group", "");
  quick.push(1);
  EXPECT_EQ(quick.wait_for_deadline(), 50ms);
  quick.set("group", "a");
  quick.push(2);
  EXPECT_EQ(current_latency(quick), 300u);
  slow.set("group", "elsewhere");
  quick.push(3);
  EXPECT_EQ(current_latency(quick), 50u);
}

// ---- flush

TEST(RtpAdaptiveJitterBufferFlush, DropsWhatWaitsAndThenANewStreamRuns) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 4);
  bench.push_custom("dropped");
  bench.wait_for_deadline();
  bench.push_event(gst_event_new_flush_start());
  EXPECT_EQ(bench.push(5), GST_FLOW_FLUSHING);
  bench.push_event(gst_event_new_flush_stop(TRUE));
  EXPECT_EQ(bench.stat("packets"), 0u);
  bench.forget();
  bench.open();
  bench.set_time(10s);
  for (std::int64_t n = 0; n < 3; ++n) {  // of another sender, if need be
    auto packet = RtpPacket{n}.of(kOtherSsrc);
    *packet.arrival += 10s;
    EXPECT_EQ(bench.push(packet), GST_FLOW_OK);
  }
  for (std::int64_t n = 0; n < 3; ++n) {
    EXPECT_EQ(bench.crank(), 10s + n * kSpacing + 200ms);
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(n)));
  }
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2"));
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(bench.buffers()[0].buffer.get()));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[0].buffer.get()), 10 * GST_SECOND);
}

TEST(RtpAdaptiveJitterBufferFlush, KeepsTheCapsThatThePadStillHas) {
  JitterBufferBench bench{kEager};
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  bench.push_event(gst_event_new_segment(&segment));
  EXPECT_EQ(bench.push(1), GST_FLOW_OK);
  EXPECT_TRUE(bench.wait_for("#1"));
}

TEST(RtpAdaptiveJitterBufferFlush, WhileDownstreamBlocksItIsTheWayOut) {
  JitterBufferBench bench{kEager};
  bench.block();
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_until_blocked());
  auto flushed = on_a_thread([&] { return bench.push_event(gst_event_new_flush_start()); });
  ASSERT_TRUE(bench.wait_for("flush-start")) << "it overtakes";
  bench.unblock();
  EXPECT_TRUE(flushed.get());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open();
  bench.push(10);
  EXPECT_TRUE(bench.wait_for("#10"));
  EXPECT_EQ(bench.buffers().size(), 2u) << "the one that was stuck, and the new one";
}

TEST(RtpAdaptiveJitterBufferFlush, ManyFlushesInARowLoseNothingButThePackets) {
  JitterBufferBench bench{kEager};
  for (std::int64_t round = 0; round < 100; ++round) {
    bench.push_event(gst_event_new_flush_start());
    bench.push_event(gst_event_new_flush_stop(TRUE));
    bench.open();
    bench.forget();
    EXPECT_EQ(bench.push(round), GST_FLOW_OK);
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(round)));
  }
}

TEST(RtpAdaptiveJitterBufferFlush, IsTheWayOutOfAnErrorAndOfTheEnd) {
  JitterBufferBench bench{kEager};
  bench.answer_buffers_with(GST_FLOW_EOS);
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  while (bench.push(1) == GST_FLOW_OK)
    std::this_thread::yield();
  bench.answer_buffers_with(GST_FLOW_OK);
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open();
  EXPECT_EQ(bench.push(2), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for("#2"));
  bench.push_event(gst_event_new_eos());
  ASSERT_TRUE(bench.wait_for("eos"));
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open();
  EXPECT_EQ(bench.push(3), GST_FLOW_OK);
  EXPECT_TRUE(bench.wait_for("#3"));
}

// ---- the end

TEST(RtpAdaptiveJitterBufferEos, GivesHolesUpAndFollowsTheLastPacket) {
  JitterBufferBench bench{std::string{kEager} + " do-lost=true"};
  bench.push_all(0, 2);
  bench.push_all(4, 5);
  bench.push_event(gst_event_new_eos());
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2 GstRTPPacketLost #4 #5 eos"));
}

TEST(RtpAdaptiveJitterBufferEos, PacedPacketsKeepTheirTimeAndTheEndComesLast) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 1);
  bench.push(3);
  bench.push_event(gst_event_new_eos());
  for (const std::int64_t n : {0, 1, 3}) {
    EXPECT_EQ(bench.crank(), n * kSpacing + 200ms);
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(n)));
  }
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #3 eos"));
}

TEST(RtpAdaptiveJitterBufferEos, PaddingAtTheEndDoesNotHoldItBack) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push(RtpPacket{1}.padding_only());
  bench.push_event(gst_event_new_eos());
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.crank();
  EXPECT_TRUE(bench.wait_for("eos"));
}

TEST(RtpAdaptiveJitterBufferEos, NothingIsTakenAfterwards) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push_event(gst_event_new_eos());
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), "sink"));
  EXPECT_EQ(gst_pad_chain(in.get(), RtpPacket{1}.make().release()), GST_FLOW_EOS);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(gst_pad_chain(in.get(), RtpPacket{2}.make().release()), GST_FLOW_EOS);
  EXPECT_FALSE(bench.push_custom("late"));
  EXPECT_EQ(bench.order(), after_opening("#0 eos"));
}

TEST(RtpAdaptiveJitterBufferEos, OfAStreamWithoutPacketsPasses) {
  JitterBufferBench bench{kEager};
  bench.push_event(gst_event_new_eos());
  EXPECT_TRUE(bench.wait_for("eos"));
}

// ---- the end of a range that caps name

// Of packets 0 to 4, less a rounding, at 10 s of normal play time.
const std::string kRange = std::string{JitterBufferBench::kCaps} + ", clock-base=(uint)" +
                           std::to_string(RtpPacket{0}.rtp_time) +
                           ", npt-start=(guint64)10000000000, npt-stop=(guint64)10099000000";

class RangeBench : public JitterBufferBench {
 public:
  explicit RangeBench(const std::string& caps = kRange)
      : JitterBufferBench{std::string{kEager} + " do-lost=true", Start::Ready} {
    g_signal_connect(element(), "on-npt-stop", G_CALLBACK(on_stop), this);
    set_state(GST_STATE_PLAYING);
    open_stream(caps);
  }
  std::atomic<int> stops{0};

 private:
  static void on_stop(GstElement*, gpointer data) { ++static_cast<RangeBench*>(data)->stops; }
};

TEST(RtpAdaptiveJitterBufferRange, EndsWithEosASecondAfterTheLastPacket) {
  RangeBench bench;
  bench.push_all(0, 4);
  ASSERT_TRUE(bench.wait_for("#4"));
  EXPECT_EQ(bench.wait_for_deadline(), 4 * kSpacing + 1s);
  bench.set_time(4 * kSpacing + 1s - 1ns);
  EXPECT_EQ(bench.wait_for_deadline(), 4 * kSpacing + 1s);
  EXPECT_EQ(bench.stops, 0);
  bench.set_time(4 * kSpacing + 1s);
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2 #3 #4 eos"));
  EXPECT_EQ(bench.stops, 1);
  EXPECT_EQ(gst_pad_push(bench.feeder(), RtpPacket{5}.make().release()), GST_FLOW_EOS);
  EXPECT_FALSE(bench.push_event(gst_event_new_eos())) << "the one is enough";
}

TEST(RtpAdaptiveJitterBufferRange, ItsEosIsOfTheSegment) {
  RangeBench bench;
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.crank();
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(gst_event_get_seqnum(bench.events("eos")[0].get()),
            gst_event_get_seqnum(bench.events("segment")[0].get()));
}

TEST(RtpAdaptiveJitterBufferRange, IsNotCutShortWhereMoreComesThanWasSaid) {
  RangeBench bench;
  bench.push_all(0, 4);
  ASSERT_TRUE(bench.wait_for("#4"));
  bench.wait_for_deadline();
  bench.push(RtpPacket{5}.late(900ms));
  ASSERT_TRUE(bench.wait_for("#5"));
  EXPECT_EQ(bench.crank(), 5 * kSpacing + 900ms + 1s);
  EXPECT_TRUE(bench.wait_for("eos"));
}

TEST(RtpAdaptiveJitterBufferRange, WhatStillWaitsGoesOutBeforeTheEos) {
  RangeBench bench;
  bench.set("latency", "3000");
  bench.push(0);
  bench.push_all(2, 4);
  EXPECT_EQ(bench.crank(), kSpacing + 3s) << "the hole";
  ASSERT_TRUE(bench.wait_for("#4"));
  EXPECT_EQ(bench.crank(), 99ms + 3s);
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.order(), after_opening("#0 GstRTPPacketLost #2 #3 #4 eos"));
}

TEST(RtpAdaptiveJitterBufferRange, EndsOnceThoughPacedPacketsAreDueLater) {
  RangeBench bench;
  bench.set("release", "paced");
  bench.set("latency", "2000");
  bench.push_all(0, 6);
  for (int n = 0; n <= 4; ++n)
    EXPECT_EQ(bench.crank(), n * kSpacing + 2s);
  EXPECT_EQ(bench.crank(), 99ms + 2s) << "the end";
  EXPECT_EQ(bench.crank(), 5 * kSpacing + 2s);
  EXPECT_EQ(bench.crank(), 6 * kSpacing + 2s);
  ASSERT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2 #3 #4 #5 #6 eos"));
  EXPECT_EQ(bench.stops, 1);
}

TEST(RtpAdaptiveJitterBufferRange, DoesNotEndInPaused) {
  RangeBench bench;
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.wait_for_deadline();
  bench.set_state(GST_STATE_PAUSED);
  bench.set_time(1h);
  bench.push(RtpPacket{1}.late(1h));
  EXPECT_EQ(bench.stops, 0);
  bench.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.wait_for_deadline(), 1h + kSpacing + 1s);
}

TEST(RtpAdaptiveJitterBufferRange, BehindAFlushAnotherOneMayFollow) {
  RangeBench bench;
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.crank();
  ASSERT_TRUE(bench.wait_for("eos"));
  bench.push_event(gst_event_new_flush_start());
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.forget();
  bench.push_segment();
  bench.push(RtpPacket{1}.late(5s));
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(bench.crank(), kSpacing + 6s);
  EXPECT_TRUE(bench.wait_for("eos"));
  EXPECT_EQ(bench.stops, 2);
}

TEST(RtpAdaptiveJitterBufferRange, HasNoEndWhereItIsNotPlayedAtItsNormalSpeed) {
  // What it waits for behind the first packet: the second, or an end between the two.
  const auto second_wait = [](const std::string& fields) {
    RangeBench bench{std::string{JitterBufferBench::kCaps} + ", clock-base=(uint)" +
                     std::to_string(RtpPacket{0}.rtp_time) + ", npt-stop=(guint64)10000000" +
                     fields};
    bench.set("release", "paced");
    bench.set("latency", "2000");
    bench.push_all(0, 1);
    EXPECT_EQ(bench.crank(), 2s);
    EXPECT_TRUE(bench.wait_for("#0"));
    return bench.wait_for_deadline();
  };
  EXPECT_EQ(second_wait(""), 2s + 10ms);
  EXPECT_EQ(second_wait(", play-speed=(double)1, play-scale=(double)1"), 2s + 10ms);
  EXPECT_EQ(second_wait(", play-speed=(double)2"), 2s + kSpacing);
  EXPECT_EQ(second_wait(", play-scale=(double)-1"), 2s + kSpacing);
  EXPECT_EQ(second_wait(", npt-start=(guint64)18446744073709551615"), 2s + 10ms) << "no time";
  for (const char* stop : {"18446744073709551615", "9223372036854775807", "4000000000000000000"})
    EXPECT_EQ(second_wait(std::string{", npt-stop=(guint64)"} + stop), 2s + kSpacing) << "no time";
  EXPECT_EQ(second_wait(", npt-start=(guint64)10000001"), 2s + kSpacing) << "behind its end";
}

TEST(RtpAdaptiveJitterBufferRange, PositionCountsFromItsBeginning) {
  RangeBench bench;
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_for("#3"));
  gint64 position = 0;
  EXPECT_TRUE(gst_pad_peer_query_position(bench.recorder(), GST_FORMAT_TIME, &position));
  EXPECT_EQ(position, static_cast<gint64>(ns(10s + 3 * kSpacing)));
}

// ---- states

TEST(RtpAdaptiveJitterBufferStates, ItIsLive) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  EXPECT_EQ(bench.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_EQ(bench.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(bench.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(bench.set_state(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

TEST(RtpAdaptiveJitterBufferStates, InPausedPacketsAreTakenAndGoOutInPlaying) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PAUSED);
  bench.open();
  bench.push_all(0, 3);
  EXPECT_EQ(bench.stat("packets"), 4u);
  EXPECT_EQ(bench.order(), "");
  bench.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(bench.order(), after_opening("#0 #1 #2 #3"));
}

TEST(RtpAdaptiveJitterBufferStates,
     WhatWasQueuedInPausedGoesOutInOrderThoughTheFirstPacketsWereReordered) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PAUSED);
  bench.open();
  ASSERT_EQ(RtpPacket{6}.sequence, 0) << "behind the wrap";
  bench.push(6);
  bench.push(RtpPacket{5}.late(30ms));
  bench.push_custom("behind");
  bench.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(bench.wait_for("behind"));
  EXPECT_EQ(bench.order(), after_opening("#5 #6 behind"));
}

TEST(RtpAdaptiveJitterBufferStates, EachCycleThroughReadyIsANewStream) {
  JitterBufferBench bench{kPaced};
  for (int cycle = 0; cycle < 5; ++cycle) {
    bench.forget();
    const Duration base = cycle * 10s;
    bench.set_time(base);
    for (std::int64_t n = 0; n < 3; ++n) {
      auto packet = RtpPacket{n};
      *packet.arrival += base;
      packet.sequence = static_cast<guint16>(packet.sequence + cycle * 10'000);
      packet.rtp_time += static_cast<guint32>(cycle) * 1'000'000'000;
      ASSERT_EQ(bench.push(packet), GST_FLOW_OK);
    }
    EXPECT_EQ(bench.crank(), base + 200ms);
    ASSERT_TRUE(bench.wait_for_buffers(1));
    EXPECT_TRUE(GST_BUFFER_IS_DISCONT(bench.buffers()[0].buffer.get()));
    EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[0].buffer.get()), ns(base));
    bench.set_state(GST_STATE_PAUSED);
    bench.set_state(GST_STATE_READY);
    EXPECT_EQ(bench.stat("packets"), 0u);
    EXPECT_EQ(bench.push(0), GST_FLOW_FLUSHING);
    bench.set_state(GST_STATE_PAUSED);
    bench.set_state(GST_STATE_PLAYING);
    gst_pad_set_active(bench.recorder(), FALSE);  // its sticky events are those of the last stream
    gst_pad_set_active(bench.recorder(), TRUE);
    bench.open();
  }
}

TEST(RtpAdaptiveJitterBufferStates, AfterReadyRunningTimeMayBeginAnew) {
  JitterBufferBench bench{kEager};
  for (std::int64_t n = 0; n < 3; ++n) {
    auto packet = RtpPacket{n};
    *packet.arrival += 1h;
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for("#2"));
  bench.set_state(GST_STATE_READY);
  bench.set_state(GST_STATE_PLAYING);
  bench.open();
  bench.forget();
  for (std::int64_t n = 0; n < 10; ++n) {
    auto packet = RtpPacket{n};
    if (n >= 5)
      packet.of(kOtherSsrc).rtp_time += 1'000'000'000;
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for_buffers(10));
  for (std::int64_t n = 0; n < 10; ++n)
    EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[static_cast<std::size_t>(n)].buffer.get()),
              ns(n * kSpacing));
}

TEST(RtpAdaptiveJitterBufferStates, ReadyWhileDownstreamBlocksWaitsForItAndThenDone) {
  JitterBufferBench bench{kEager};
  bench.block();
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_until_blocked());
  auto stopped = on_a_thread([&] { return bench.set_state(GST_STATE_READY); });
  bench.unblock();
  EXPECT_EQ(stopped.get(), GST_STATE_CHANGE_SUCCESS);
}

TEST(RtpAdaptiveJitterBufferStates, ReadyWhileItWaitsForTheClockIsImmediate) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 3);
  bench.wait_for_deadline();
  EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
}

TEST(RtpAdaptiveJitterBufferStates, PausedHoldsPacketsBack) {
  JitterBufferBench bench{kEager};
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.set_state(GST_STATE_PAUSED);
  bench.push_all(1, 2);
  EXPECT_EQ(bench.stat("packets"), 2u);
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(bench.wait_for("#2"));
}

// ---- what downstream answers

TEST(RtpAdaptiveJitterBufferErrors, ReachUpstreamWithTheNextPacket) {
  for (const GstFlowReturn flow : {GST_FLOW_NOT_LINKED, GST_FLOW_ERROR, GST_FLOW_EOS,
                                   GST_FLOW_NOT_NEGOTIATED, GST_FLOW_FLUSHING}) {
    JitterBufferBench bench{kPaced};
    bench.answer_buffers_with(flow);
    bench.push_all(0, 3);
    bench.crank();
    ASSERT_TRUE(bench.wait_for("#0"));
    GstFlowReturn seen = GST_FLOW_OK;
    std::int64_t n = 4;
    while (seen == GST_FLOW_OK) {  // the answer is on its way
      seen = gst_pad_push(bench.feeder(), RtpPacket{n++}.make().release());
      std::this_thread::yield();
    }
    EXPECT_EQ(seen, flow) << gst_flow_get_name(flow);
    EXPECT_EQ(bench.buffers().size(), 1u);
    EXPECT_FALSE(bench.push_custom("after"));
  }
}

TEST(RtpAdaptiveJitterBufferErrors, AnUnlinkedPadIsNotLinked) {
  JitterBufferBench bench{kEager};
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), "src"));
  gst_pad_unlink(out.get(), bench.recorder());
  GstFlowReturn seen = GST_FLOW_OK;
  for (std::int64_t n = 0; seen == GST_FLOW_OK; ++n) {
    seen = gst_pad_push(bench.feeder(), RtpPacket{n}.make().release());
    std::this_thread::yield();
  }
  EXPECT_EQ(seen, GST_FLOW_NOT_LINKED);
}

// ---- set-active

TEST(RtpAdaptiveJitterBufferActive, InactiveItHoldsPacketsAndThenGoesOnLater) {
  JitterBufferBench bench{kEager};
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  guint64 last = 0;
  g_signal_emit_by_name(bench.element(), "set-active", FALSE, guint64{0}, &last);
  EXPECT_EQ(last, 0u);
  bench.push_all(1, 2);
  EXPECT_EQ(bench.stat("packets"), 2u);
  g_signal_emit_by_name(bench.element(), "set-active", TRUE, GST_SECOND, &last);
  ASSERT_TRUE(bench.wait_for("#2"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[2].buffer.get()), GST_SECOND + ns(2 * kSpacing));
  g_signal_emit_by_name(bench.element(), "set-active", TRUE, 5 * GST_SECOND, &last);
  EXPECT_EQ(last, GST_SECOND + ns(2 * kSpacing));
  bench.push(3);
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[3].buffer.get()), GST_SECOND + ns(3 * kSpacing))
      << "an active one that is made active stays as it is";
}

// ---- many threads

TEST(RtpAdaptiveJitterBufferThreads, PropertiesStatisticsAndQueriesWhilePacketsFly) {
  for (const char* properties :
       {"release=paced latency=20 max-latency=60 do-retransmission=true do-lost=true",
        "release=eager latency=5 do-retransmission=true do-lost=true group=threads"}) {
    JitterBufferBench bench{properties, JitterBufferBench::Start::Ready};
    // The real one: nothing waits for the test here.
    const auto clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
    gst_element_set_clock(bench.element(), clock.get());
    gst_element_set_base_time(bench.element(), gst_clock_get_time(clock.get()));
    bench.set_state(GST_STATE_PLAYING);
    bench.open();
    std::atomic<bool> is_done{false};
    std::thread toggler{[&] {
      for (int round = 0; !is_done; ++round) {
        bench.set("latency", round % 2 == 0 ? "10" : "30");
        bench.set("release", round % 3 == 0 ? "paced" : "eager");
        bench.set("ts-offset", round % 2 == 0 ? "1000" : "-1000");
        bench.set("group", round % 5 == 0 ? "threads" : "others");
        bench.stats();
        GstQuery* query = gst_query_new_latency();
        gst_pad_peer_query(bench.recorder(), query);
        gst_query_unref(query);
      }
    }};
    std::int64_t n = 0;
    for (; n < 200; ++n) {  // four seconds of packets, as fast as they can be made
      auto packet = RtpPacket{n}.without_timestamps();
      if (n % 10 == 5)
        packet = RtpPacket{n + 1}.without_timestamps();
      else if (n % 10 == 6 && n % 20 == 6)
        packet = RtpPacket{n - 1}.without_timestamps();
      EXPECT_EQ(bench.push(packet), GST_FLOW_OK);
      if (n % 50 == 0)
        bench.push_custom("between");
    }
    bench.set("max-latency", "60");
    bench.push_event(gst_event_new_eos());
    EXPECT_TRUE(bench.wait_for("eos"));
    is_done = true;
    toggler.join();
    EXPECT_GT(bench.buffers().size(), 150u);
  }
}

}  // namespace
}  // namespace onair::test
