// SPDX-License-Identifier: LGPL-2.1-or-later
// flywheel: events, queries, flushes, ends, states, and what downstream makes of them.
#include <future>
#include <string>
#include <utility>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "flywheel_bench.hpp"

namespace onair::test {
namespace {

TEST(FlywheelFlow, SerializedEventsKeepTheirPlace) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 40ms);
  bench.push_custom("first");
  bench.push_sound(40ms);
  bench.push_custom("second");
  ASSERT_TRUE(bench.wait_until_idle());
  std::string names;
  for (const auto& item : bench.items())
    names += item.name + " ";
  EXPECT_EQ(names, "stream-start caps segment buffer buffer first buffer second ");
}

TEST(FlywheelFlow, SegmentsBecomeRunningTimeInOneThatNeverEnds) {
  FlywheelBench bench{{.is_open = false}};
  bench.push_event(gst_event_new_stream_start("stream"));
  bench.push_caps(FlywheelBench::kSound);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 50 * GST_SECOND;
  GstEvent* event = gst_event_new_segment(&segment);
  const guint32 seqnum = gst_event_get_seqnum(event);
  bench.push_event(event);
  const auto push_at = [&](Duration position, Duration arrival) {
    bench.set_time(arrival);
    auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 1920, nullptr));
    gst_buffer_memset(buffer.get(), 0, 0, 1920);
    GST_BUFFER_PTS(buffer.get()) = ns(position);
    return bench.push_buffer(std::move(buffer));
  };
  push_at(50s, 30ms);
  segment.start = segment.time = 7 * GST_SECOND;
  segment.base = 20 * GST_MSECOND;
  bench.push_event(gst_event_new_segment(&segment));
  push_at(7s, 50ms);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[0]), 0u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[1]), 20 * GST_MSECOND);
  const auto out = bench.items()[2];
  const GstSegment* sent = nullptr;
  gst_event_parse_segment(out.event.get(), &sent);
  EXPECT_EQ(sent->format, GST_FORMAT_TIME);
  EXPECT_EQ(sent->start, 0u);
  EXPECT_EQ(gst_event_get_seqnum(out.event.get()), seqnum);
}

TEST(FlywheelFlow, EosGoesOutBehindTheDataAndNothingFollowsIt) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  GstEvent* eos = gst_event_new_eos();
  const guint32 seqnum = gst_event_get_seqnum(eos);
  bench.push_event(eos);
  ASSERT_TRUE(bench.wait_for("eos"));
  bench.set_time(1h);
  EXPECT_EQ(bench.push_sound(1h), GST_FLOW_EOS);
  const auto items = bench.items();
  EXPECT_EQ(items.size(), 3u + 10u + 1u);
  EXPECT_EQ(items.back().name, "eos");
  EXPECT_EQ(gst_event_get_seqnum(items.back().event.get()), seqnum);
}

TEST(FlywheelFlow, AStreamBehindEosIsAnother) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 40ms);
  bench.push_event(gst_event_new_eos());
  bench.open_stream(FlywheelBench::kSound);
  EXPECT_EQ(bench.push_sound(1s), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for_buffers(3));
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment eos stream-start caps segment");
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[2]), GST_SECOND);
}

TEST(FlywheelFlow, AFlushForgetsTheStream) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1500ms);
  bench.push_event(gst_event_new_flush_start());
  EXPECT_EQ(bench.push_sound(1500ms), GST_FLOW_FLUSHING);
  bench.push_event(gst_event_new_flush_stop(TRUE));
  bench.open_stream(FlywheelBench::kSound);
  bench.set_time(1h);
  const auto before = bench.media().size();
  EXPECT_EQ(bench.push_sound(3600s), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for_buffers(before + 1));
  EXPECT_EQ(bench.media().size(), before + 1) << "nothing between";
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 3600 * GST_SECOND);
  EXPECT_EQ(bench.order_of_events(),
            "stream-start caps segment flush-start flush-stop stream-start caps segment");
}

TEST(FlywheelFlow, AFlushEndsAPushThatBlocks) {
  FlywheelBench bench{{.properties = "max-queue=40000000"}};
  bench.block();
  bench.push_sound(0ms);
  ASSERT_TRUE(bench.wait_until_blocked());
  bench.push_sounds(20ms, 80ms);  // 20, 40 and 60: 40 ms from first to last
  auto pushed = on_a_thread([&] { return bench.push_sound(80ms); });
  EXPECT_EQ(pushed.wait_for(50ms), std::future_status::timeout);
  auto flushed = on_a_thread([&] { return bench.push_event(gst_event_new_flush_start()); });
  EXPECT_EQ(pushed.get(), GST_FLOW_FLUSHING);
  bench.unblock();
  flushed.get();
}

TEST(FlywheelFlow, ABlockedDownstreamBlocksUpstreamUntilItIsFree) {
  FlywheelBench bench{{.properties = "max-queue=40000000"}};
  bench.block();
  bench.push_sound(0ms);
  ASSERT_TRUE(bench.wait_until_blocked());
  bench.push_sounds(20ms, 80ms);
  auto pushed = on_a_thread([&] { return bench.push_sound(80ms); });
  EXPECT_EQ(pushed.wait_for(50ms), std::future_status::timeout);
  bench.unblock();
  EXPECT_EQ(pushed.get(), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for_buffers(5));
  bench.expect_contiguous();
}

TEST(FlywheelFlow, AStateChangeEndsAPushThatBlocks) {
  FlywheelBench bench{{.properties = "max-queue=0"}};
  bench.block();
  bench.push_sound(0ms);
  ASSERT_TRUE(bench.wait_until_blocked());
  bench.push_sound(20ms);
  auto pushed = on_a_thread([&] { return bench.push_sound(40ms); });
  EXPECT_EQ(pushed.wait_for(50ms), std::future_status::timeout);
  auto stopped = on_a_thread([&] { return bench.set_state(GST_STATE_READY); });
  EXPECT_EQ(pushed.get(), GST_FLOW_FLUSHING);
  bench.unblock();
  EXPECT_EQ(stopped.get(), GST_STATE_CHANGE_SUCCESS);
}

TEST(FlywheelFlow, CanBeUsedAgainAfterReady) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1500ms);
  bench.set_state(GST_STATE_READY);
  EXPECT_EQ(bench.stat("filled-ms"), 300u) << "the numbers can still be read";
  EXPECT_EQ(bench.push_sound(1500ms), GST_FLOW_FLUSHING);
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(bench.stat("filled-ms"), 0u);
  gst_pad_set_active(bench.feeder(), FALSE);
  gst_pad_set_active(bench.feeder(), TRUE);
  bench.open_stream(FlywheelBench::kSound);
  const auto before = bench.media().size();
  bench.push_sounds(2s, 2100ms);
  ASSERT_TRUE(bench.wait_for_buffers(before + 5));
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[before]), 2 * GST_SECOND);
  EXPECT_EQ(bench.wait_for_deadline(), 2100ms + FlywheelBench::kLag + 1s);
}

TEST(FlywheelFlow, PausedStopsTheFillerAndPlayingGoesOnWithItsNewBaseTime) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1500ms);
  const auto before = bench.media().size();
  bench.set_state(GST_STATE_PAUSED);
  bench.set_time(11500ms);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.media().size(), before);
  // Ten seconds of pause: running time is 1.5 s again.
  gst_element_set_base_time(bench.element(),
                            gst_element_get_base_time(bench.element()) + 10 * GST_SECOND);
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(bench.wait_for_deadline(), 11510ms);
  bench.crank_until(11600ms);
  bench.expect_contiguous();
  EXPECT_EQ(bench.media().size(), before + 5);
}

TEST(FlywheelFlow, WithCapsItIsALiveSource) {
  FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kSound + "\"",
                       .is_open = false,
                       .state = GST_STATE_READY}};
  EXPECT_EQ(bench.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  FlywheelBench other{{.is_open = false, .state = GST_STATE_READY}};
  EXPECT_EQ(other.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
}

struct Latency {
  gboolean live;
  GstClockTime least;
  GstClockTime most;
};

Latency latency_of(FlywheelBench& bench) {
  Latency latency{};
  GstQuery* query = gst_query_new_latency();
  EXPECT_TRUE(gst_pad_peer_query(bench.recorder(), query));
  gst_query_parse_latency(query, &latency.live, &latency.least, &latency.most);
  gst_query_unref(query);
  return latency;
}

TEST(FlywheelFlow, LatencyIsUpstreamsPlusMaxWait) {
  FlywheelBench bench{{}};
  EXPECT_EQ(latency_of(bench).least, 1007 * GST_MSECOND);
  EXPECT_EQ(latency_of(bench).most, 1008 * GST_MSECOND);
  g_object_set(bench.element(), "max-wait", guint64{100} * GST_MSECOND, nullptr);
  EXPECT_EQ(latency_of(bench).least, 107 * GST_MSECOND);
  EXPECT_EQ(bench.messages(GST_MESSAGE_LATENCY).size(), 1u);
  FlywheelBench file{{.is_live = false}};
  EXPECT_FALSE(latency_of(file).live);
  EXPECT_EQ(latency_of(file).least, 0u);
}

// What is not linked to anything says that it is not live.
TEST(FlywheelFlow, WithCapsItIsLiveWhateverUpstreamSays) {
  FlywheelBench bench{
      {.properties = std::string{"max-wait=20000000 caps=\""} + FlywheelBench::kSound + "\"",
       .is_live = false,
       .is_open = false}};
  EXPECT_TRUE(latency_of(bench).live);
  EXPECT_EQ(latency_of(bench).least, 20 * GST_MSECOND);
  bench.crank_until(110ms);
  EXPECT_EQ(bench.media().size(), 5u);
}

TEST(FlywheelFlow, WithoutALiveSourceOnlyHolesAreFilled) {
  FlywheelBench bench{{.is_live = false}};
  bench.push_sounds(0ms, 200ms);
  bench.set_time(1h);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.media().size(), 10u);
  bench.push_sound(1min);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 60 * GST_SECOND);
  EXPECT_EQ(bench.stat("filled-ms"), 59'800u);
}

TEST(FlywheelFlow, AnErrorDownstreamStopsUpstream) {
  FlywheelBench bench{{}};
  bench.answer_buffers_with(GST_FLOW_ERROR);
  bench.push_sound(0ms);
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_FALSE(bench.wait_until_idle());
  EXPECT_EQ(bench.push_sound(20ms), GST_FLOW_ERROR);
}

TEST(FlywheelFlow, AnErrorDownstreamOfFillerIsPosted) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 40ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.answer_buffers_with(GST_FLOW_ERROR);
  bench.crank();
  ASSERT_TRUE(bench.wait_for_buffers(3));
  EXPECT_FALSE(bench.wait_until_idle());
  EXPECT_EQ(bench.messages(GST_MESSAGE_ERROR).size(), 1u);
}

TEST(FlywheelFlow, SoundDoesNotBecomePicture) {
  FlywheelBench bench{{}};
  bench.push_sound(0ms);
  bench.push_caps(FlywheelBench::kPicture);
  EXPECT_FALSE(bench.wait_until_idle());
  EXPECT_EQ(bench.messages(GST_MESSAGE_ERROR).size(), 1u);
  EXPECT_EQ(bench.push_sound(20ms), GST_FLOW_NOT_NEGOTIATED);
}

TEST(FlywheelFlow, EventsOutOfBandOvertake) {
  FlywheelBench bench{{}};
  bench.block();
  bench.push_sound(0ms);
  ASSERT_TRUE(bench.wait_until_blocked());
  bench.push_sound(20ms);
  bench.push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
                                        gst_structure_new_empty("out-of-band")));
  EXPECT_TRUE(bench.wait_for("out-of-band"));
  EXPECT_EQ(bench.media().size(), 1u);
}

}  // namespace
}  // namespace onair::test
