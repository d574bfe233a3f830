// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer: what becomes of packets, their order, their times and their number.
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "gst_environment.hpp"
#include "rtpadaptivejitterbuffer_bench.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr const char* kPaced = "release=paced adaptive=false latency=200";
constexpr const char* kEager = "release=eager adaptive=false latency=200";

// ---- when packets go out

TEST(RtpAdaptiveJitterBuffer, EagerPacketsInOrderGoOutAtOnce) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 20);  // the sequence number wraps with the sixth
  ASSERT_TRUE(bench.wait_for_buffers(21));
  const auto packets = bench.buffers();
  for (std::size_t n = 0; n < packets.size(); ++n)
    EXPECT_EQ(packets[n].name, "#" + std::to_string(n));
  EXPECT_EQ(bench.order().substr(0, 24), "stream-start caps segmen");
}

TEST(RtpAdaptiveJitterBuffer, IsEagerUnlessToldOtherwise) {
  JitterBufferBench bench;
  bench.push(0);
  EXPECT_TRUE(bench.wait_for_buffers(1));
}

TEST(RtpAdaptiveJitterBuffer, AnEagerHoleIsGivenUpAtTheMissingPacketsTimePlusLatency) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  bench.push_all(6, 8);
  ASSERT_TRUE(bench.wait_for_buffers(5));
  const Duration given_up_at = 5 * kSpacing + 200ms;
  EXPECT_EQ(bench.wait_for_deadline(), given_up_at);
  bench.set_time(given_up_at - 1ns);
  EXPECT_EQ(bench.wait_for_deadline(), given_up_at) << "it goes on waiting";
  EXPECT_EQ(bench.buffers().size(), 5u);
  bench.set_time(given_up_at);
  ASSERT_TRUE(bench.wait_for_buffers(8));
  EXPECT_EQ(bench.buffers()[5].when, ns(given_up_at));
}

TEST(RtpAdaptiveJitterBuffer, AReorderedPacketFillsItsHoleAtOnce) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  bench.push_all(6, 8);
  bench.push(RtpPacket{5}.late(70ms));
  ASSERT_TRUE(bench.wait_for("#8"));
  EXPECT_EQ(bench.buffers()[5].name, "#5");
  EXPECT_FALSE(GST_BUFFER_IS_DISCONT(bench.buffers()[6].buffer.get()));
}

TEST(RtpAdaptiveJitterBuffer, APacedPacketGoesOutExactlyWhenItIsDue) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 3);
  for (std::int64_t n = 0; n <= 3; ++n) {
    const Duration due = n * kSpacing + 200ms;
    EXPECT_EQ(bench.wait_for_deadline(), due);
    bench.set_time(due - 1ns);
    EXPECT_EQ(bench.wait_for_deadline(), due);
    EXPECT_EQ(bench.buffers().size(), static_cast<std::size_t>(n));
    bench.set_time(due);
    ASSERT_TRUE(bench.wait_for_buffers(static_cast<std::size_t>(n) + 1));
    EXPECT_EQ(bench.buffers().back().when, ns(due));
  }
}

TEST(RtpAdaptiveJitterBuffer, ALatePacedPacketWaitsForWhatIsLeftAndAVeryLateOneNotAtAll) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push(RtpPacket{1}.late(100ms));
  EXPECT_EQ(bench.crank(), 200ms);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(bench.crank(), kSpacing + 200ms) << "100 ms after it came";
  ASSERT_TRUE(bench.wait_for("#1"));
  bench.push(RtpPacket{2}.late(200ms));
  EXPECT_TRUE(bench.wait_for("#2"));
  bench.push(RtpPacket{3}.late(5s));
  EXPECT_TRUE(bench.wait_for("#3"));
}

TEST(RtpAdaptiveJitterBuffer, APacketThatIsDueEarlierThanTheOneWaitedForIsNotForgotten) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  bench.push(2);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(bench.wait_for_deadline(), 2 * kSpacing + 200ms);
  bench.push(RtpPacket{1}.late(190ms));  // the clock is at 210 ms: 10 ms before it is due
  EXPECT_EQ(bench.wait_for_deadline(), kSpacing + 200ms);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#1"));
  bench.crank();
  EXPECT_TRUE(bench.wait_for("#2"));
}

TEST(RtpAdaptiveJitterBuffer, AChangeOfReleaseHoldsForWhatWaits) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 3);
  bench.wait_for_deadline();
  bench.set("release", "eager");
  EXPECT_TRUE(bench.wait_for_buffers(4));
}

TEST(RtpAdaptiveJitterBuffer, AChangeOfAFixedLatencyHoldsForWhatWaits) {
  JitterBufferBench bench{kPaced};
  bench.push(0);
  EXPECT_EQ(bench.wait_for_deadline(), 200ms);
  bench.set("latency", "300");
  bench.push(1);  // latency never moves but with a packet
  bench.set_time(200ms);
  EXPECT_EQ(bench.crank(), 300ms);
  EXPECT_TRUE(bench.wait_for("#0"));
}

// ---- what they carry

TEST(RtpAdaptiveJitterBuffer, PtsFollowRtpTimeWhateverTheArrivals) {
  JitterBufferBench bench{kEager};
  bench.push(RtpPacket{0}.late(5ms));
  bench.push(RtpPacket{1}.late(150ms));
  bench.push(RtpPacket{2}.late(131ms));
  for (std::int64_t n = 3; n < 50; ++n)
    bench.push(RtpPacket{n}.late(n < 30 ? 200ms : 10min));
  ASSERT_TRUE(bench.wait_for_buffers(50));
  for (std::int64_t n = 0; n < 50; ++n) {
    const auto packet = bench.buffers()[static_cast<std::size_t>(n)];
    EXPECT_EQ(GST_BUFFER_PTS(packet.buffer.get()), ns(n * kSpacing + 5ms)) << n;
    EXPECT_EQ(GST_BUFFER_DTS(packet.buffer.get()), GST_CLOCK_TIME_NONE);
  }
}

TEST(RtpAdaptiveJitterBuffer, EveryBufferCarriesItsRtpTimeAndItsArrival) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 9);
  bench.push(RtpPacket{10}.late(3ms));
  ASSERT_TRUE(bench.wait_for("#10"));
  GstBuffer* buffer = bench.buffers().back().buffer.get();
  const guint64 ticks = (guint64{1} << 32) + 0xffff'f000 + 10 * kFrame;  // unrolled
  EXPECT_EQ(reference_timestamp(buffer, "timestamp/x-rtp"),
            gst_util_uint64_scale_round(ticks, GST_SECOND, kRate));
  EXPECT_EQ(reference_timestamp(buffer, "timestamp/x-arrival"), ns(10 * kSpacing + 3ms));
  EXPECT_FALSE(reference_timestamp(buffer, "timestamp/x-ntp"));
  const auto type = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-rtp"));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, type.get());
  EXPECT_EQ(uint_of(gst_caps_get_structure(meta->reference, 0), "ssrc"), kSsrc);
  EXPECT_EQ(uint_of(gst_caps_get_structure(meta->reference, 0), "clock-rate"), kRate);
}

TEST(RtpAdaptiveJitterBuffer, ABufferThatIsSharedIsCopiedAndNotChanged) {
  JitterBufferBench bench{kEager};
  const auto mine = RtpPacket{0}.make();
  gst_pad_push(bench.feeder(), gst_buffer_ref(mine.get()));
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_EQ(GST_BUFFER_DTS(mine.get()), 0u);
  EXPECT_EQ(GST_BUFFER_PTS(mine.get()), GST_CLOCK_TIME_NONE);
  EXPECT_FALSE(reference_timestamp(mine.get(), "timestamp/x-rtp"));
}

TEST(RtpAdaptiveJitterBuffer, TheFirstBufferIsADiscontinuityAndTheNextOnesAreNot) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 2);
  ASSERT_TRUE(bench.wait_for_buffers(3));
  const auto packets = bench.buffers();
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(packets[0].buffer.get()));
  for (const std::size_t n : {1u, 2u}) {
    EXPECT_FALSE(GST_BUFFER_IS_DISCONT(packets[n].buffer.get()));
    EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(packets[n].buffer.get(), GST_BUFFER_FLAG_RESYNC));
  }
}

TEST(RtpAdaptiveJitterBuffer, ANewSsrcIsADiscontinuityAndAResynchronisation) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  for (std::int64_t n = 5; n < 20; ++n) {
    auto packet = RtpPacket{n}.of(kOtherSsrc);
    packet.sequence = static_cast<guint16>(packet.sequence + 20'000);
    packet.rtp_time += 1'000'000'000;
    EXPECT_EQ(bench.push(packet), GST_FLOW_OK);
  }
  ASSERT_TRUE(bench.wait_for_buffers(20));
  const auto packets = bench.buffers();
  for (std::size_t n = 0; n < 20; ++n) {
    GstBuffer* buffer = packets[n].buffer.get();
    EXPECT_EQ(GST_BUFFER_IS_DISCONT(buffer) != FALSE, n == 0 || n == 5) << n;
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_RESYNC) != FALSE, n == 5) << n;
    EXPECT_EQ(GST_BUFFER_PTS(buffer), ns(static_cast<std::int64_t>(n) * kSpacing)) << n;
  }
  EXPECT_EQ(bench.stat("num-restarts"), 1u);
}

TEST(RtpAdaptiveJitterBuffer, ThePtsAreInTheSegmentThatTheyCameIn) {
  JitterBufferBench bench{kPaced};
  bench.push_all(0, 1);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.base = ns(2 * kSpacing);  // running time goes on where timestamps leap
  segment.start = segment.time = 100 * GST_SECOND;
  bench.push_event(gst_event_new_segment(&segment));
  for (std::int64_t n = 2; n < 4; ++n) {
    auto packet = RtpPacket{n};
    bench.set_time(*packet.arrival);
    packet.arrival = 100s + (n - 2) * kSpacing;
    gst_pad_push(bench.feeder(), packet.make().release());
  }
  for (int i = 0; i < 4; ++i) {
    bench.crank();
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(i)));
  }
  const auto packets = bench.buffers();
  EXPECT_EQ(GST_BUFFER_PTS(packets[0].buffer.get()), 0u);
  EXPECT_EQ(GST_BUFFER_PTS(packets[1].buffer.get()), ns(kSpacing)) << "of the segment before";
  EXPECT_EQ(GST_BUFFER_PTS(packets[2].buffer.get()), 100 * GST_SECOND);
  EXPECT_EQ(GST_BUFFER_PTS(packets[3].buffer.get()), 100 * GST_SECOND + ns(kSpacing));
  EXPECT_EQ(packets[2].when, ns(2 * kSpacing + 200ms)) << "due by running time";
}

TEST(RtpAdaptiveJitterBuffer, ArrivalIsTheDtsElseThePtsElseTheClocks) {
  const auto arrival_of = [](GstClockTime dts, GstClockTime pts) {
    JitterBufferBench bench{kEager};
    bench.set_time(5s);
    auto buffer = RtpPacket{0}.without_timestamps().make();
    GST_BUFFER_DTS(buffer.get()) = dts;
    GST_BUFFER_PTS(buffer.get()) = pts;
    gst_pad_push(bench.feeder(), buffer.release());
    EXPECT_TRUE(bench.wait_for_buffers(1));
    return reference_timestamp(bench.buffers()[0].buffer.get(), "timestamp/x-arrival");
  };
  EXPECT_EQ(arrival_of(GST_SECOND, 2 * GST_SECOND), GST_SECOND);
  EXPECT_EQ(arrival_of(GST_CLOCK_TIME_NONE, 2 * GST_SECOND), 2 * GST_SECOND);
  EXPECT_EQ(arrival_of(GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 5 * GST_SECOND);
}

TEST(RtpAdaptiveJitterBuffer, BuffersWithoutTimestampsAreTimedAndPacedAllTheSame) {
  JitterBufferBench bench{kPaced};
  for (std::int64_t n = 0; n < 5; ++n) {
    bench.set_time(n * kSpacing);
    bench.push(RtpPacket{n}.without_timestamps());
  }
  for (std::int64_t n = 0; n < 5; ++n) {
    EXPECT_EQ(bench.crank(), n * kSpacing + 200ms);
    ASSERT_TRUE(bench.wait_for("#" + std::to_string(n)));
    EXPECT_EQ(GST_BUFFER_PTS(bench.buffers().back().buffer.get()), ns(n * kSpacing));
  }
}

// ---- ts-offset

TEST(RtpAdaptiveJitterBuffer, TsOffsetMovesThePtsFromTheNextPacketOn) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 1);
  ASSERT_TRUE(bench.wait_for("#1"));
  bench.set("ts-offset", "30000000");
  bench.push_all(2, 3);
  ASSERT_TRUE(bench.wait_for("#3"));
  bench.set("ts-offset", "-1000000000");
  bench.push(4);
  ASSERT_TRUE(bench.wait_for("#4"));
  const auto packets = bench.buffers();
  const auto expect = [&](std::size_t n, GstClockTime pts, bool resync) {
    EXPECT_EQ(GST_BUFFER_PTS(packets[n].buffer.get()), pts) << n;
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(packets[n].buffer.get(), GST_BUFFER_FLAG_RESYNC) != FALSE,
              resync)
        << n;
  };
  expect(1, ns(kSpacing), false);
  expect(2, ns(2 * kSpacing + 30ms), true);
  expect(3, ns(3 * kSpacing + 30ms), false);
  expect(4, 0, true);  // it would be negative
}

TEST(RtpAdaptiveJitterBuffer, MaxTsOffsetAdjustmentMovesThePtsLittleByLittleWithEachFrame) {
  JitterBufferBench bench{std::string{kEager} + " max-ts-offset-adjustment=10000000"};
  bench.push(0);
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.set("ts-offset", "25000000");
  for (std::int64_t n = 1; n < 6; ++n)
    bench.push(n);
  auto same_frame = RtpPacket{6};
  same_frame.rtp_time = RtpPacket{5}.rtp_time;
  bench.push(same_frame);
  ASSERT_TRUE(bench.wait_for("#6"));
  const auto packets = bench.buffers();
  const Duration moved[] = {0ms, 10ms, 20ms, 25ms, 25ms, 25ms};
  for (std::int64_t n = 0; n < 6; ++n)
    EXPECT_EQ(GST_BUFFER_PTS(packets[static_cast<std::size_t>(n)].buffer.get()),
              ns(n * kSpacing + moved[n]))
        << n;
  EXPECT_EQ(GST_BUFFER_PTS(packets[6].buffer.get()), GST_BUFFER_PTS(packets[5].buffer.get()));
}

TEST(RtpAdaptiveJitterBuffer, ThePacketsOfAFrameMoveTogether) {
  JitterBufferBench bench{std::string{kEager} + " max-ts-offset-adjustment=1000000"};
  bench.push(0);
  auto second = RtpPacket{1};
  second.rtp_time = RtpPacket{0}.rtp_time;
  ASSERT_TRUE(bench.wait_for("#0"));
  bench.set("ts-offset", "5000000");
  bench.push(second);
  ASSERT_TRUE(bench.wait_for("#1"));
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[1].buffer.get()), 0u);
}

// ---- loss

TEST(RtpAdaptiveJitterBuffer, DoLostTellsDownstreamInItsPlace) {
  JitterBufferBench bench{std::string{kEager} + " do-lost=true ts-offset=1000000000"};
  bench.push_all(0, 4);
  bench.push_all(7, 8);
  bench.crank();
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#8"));
  EXPECT_EQ(bench.order(),
            "stream-start caps segment #0 #1 #2 #3 #4 GstRTPPacketLost GstRTPPacketLost #7 #8");
  const auto items = bench.items();
  for (const std::size_t i : {0u, 1u}) {
    GstEvent* event = items[8 + i].event.get();
    EXPECT_TRUE(GST_EVENT_IS_SERIALIZED(event));
    const GstStructure* lost = gst_event_get_structure(event);
    EXPECT_EQ(gst_structure_n_fields(lost), 4);
    EXPECT_EQ(uint_of(lost, "seqnum"), RtpPacket{5 + static_cast<std::int64_t>(i)}.sequence);
    EXPECT_EQ(uint64_of(lost, "timestamp"), ns((5 + static_cast<std::int64_t>(i)) * kSpacing + 1s));
    EXPECT_EQ(uint64_of(lost, "duration"), ns(kSpacing));
    EXPECT_EQ(uint_of(lost, "retry"), 0u);
  }
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(items[10].buffer.get()));
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(items[11].buffer.get(), GST_BUFFER_FLAG_DISCONT));
  EXPECT_EQ(bench.stat("num-lost"), 2u);
}

TEST(RtpAdaptiveJitterBuffer, LossIsNotToldOfUnlessItIsWanted) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  bench.push(6);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(bench.order(), "stream-start caps segment #0 #1 #2 #3 #4 #6");
  EXPECT_EQ(bench.stat("num-lost"), 1u);
}

TEST(RtpAdaptiveJitterBuffer, LatePacketsAndDuplicatesAreDroppedAndCounted) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  bench.push(6);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(bench.push(RtpPacket{5}.late(300ms)), GST_FLOW_OK);
  EXPECT_EQ(bench.push(RtpPacket{6}.late(300ms)), GST_FLOW_OK);
  bench.push(RtpPacket{7}.late(300ms));
  ASSERT_TRUE(bench.wait_for("#7"));
  EXPECT_EQ(bench.buffers().size(), 7u);
  EXPECT_EQ(bench.stat("num-late"), 1u);
  EXPECT_EQ(bench.stat("num-duplicates"), 1u);
  EXPECT_EQ(bench.stat("num-pushed"), 7u);
}

TEST(RtpAdaptiveJitterBuffer, PaddingOnlyPacketsAreSwallowedWithoutAHole) {
  JitterBufferBench bench{std::string{kEager} + " do-lost=true"};
  bench.push_all(0, 2);
  bench.push(RtpPacket{3}.padding_only());
  bench.push(4);
  ASSERT_TRUE(bench.wait_for("#4"));
  EXPECT_EQ(bench.order(), "stream-start caps segment #0 #1 #2 #4");
  EXPECT_FALSE(GST_BUFFER_IS_DISCONT(bench.buffers()[3].buffer.get()));
  EXPECT_EQ(bench.stat("num-empty"), 1u);
}

// ---- retransmission

TEST(RtpAdaptiveJitterBuffer, DoRetransmissionAsksUpstreamWithStocksFields) {
  JitterBufferBench bench{"adaptive=false latency=300 do-retransmission=true"};
  bench.push_all(0, 4);
  bench.push(6);
  ASSERT_TRUE(bench.wait_for_upstream("GstRTPRetransmissionRequest"));
  const auto first = bench.upstream("GstRTPRetransmissionRequest")[0];
  EXPECT_EQ(GST_EVENT_TYPE(first.get()), GST_EVENT_CUSTOM_UPSTREAM);
  const auto* request = gst_event_get_structure(first.get());
  EXPECT_EQ(gst_structure_n_fields(request), 9);
  EXPECT_EQ(uint_of(request, "seqnum"), RtpPacket{5}.sequence);
  EXPECT_EQ(uint64_of(request, "running-time"), ns(6 * kSpacing));
  EXPECT_EQ(uint_of(request, "delay"), 0u);
  EXPECT_EQ(uint_of(request, "retry"), 0u);
  EXPECT_EQ(uint_of(request, "frequency"), 120u);
  EXPECT_EQ(uint_of(request, "period"), 280u) << "until 400 ms, noticed at 120";
  EXPECT_EQ(uint_of(request, "deadline"), 300u);
  EXPECT_EQ(uint64_of(request, "packet-spacing"), ns(kSpacing));
  EXPECT_EQ(uint_of(request, "avg-rtt"), 0u);
  EXPECT_EQ(bench.stat("rtx-count"), 1u);
}

TEST(RtpAdaptiveJitterBuffer, ARequestIsRepeatedByTheClockUntilAnAnswerComes) {
  JitterBufferBench bench{"adaptive=false latency=400 do-retransmission=true do-lost=true"};
  bench.push_all(0, 4);
  bench.push(6);
  ASSERT_TRUE(bench.wait_for_upstream("GstRTPRetransmissionRequest"));
  EXPECT_EQ(bench.crank(), 6 * kSpacing + 120ms);
  ASSERT_TRUE(bench.wait_for_upstream("GstRTPRetransmissionRequest", 2));
  const auto again = bench.upstream("GstRTPRetransmissionRequest")[1];
  EXPECT_EQ(uint_of(gst_event_get_structure(again.get()), "retry"), 1u);
  EXPECT_EQ(uint_of(gst_event_get_structure(again.get()), "delay"), 120u);
  EXPECT_EQ(bench.wait_for_deadline(), 6 * kSpacing + 240ms);
  auto answer = RtpPacket{5}.repeated();
  answer.arrival = 6 * kSpacing + 180ms;
  bench.push(answer);
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_EQ(bench.buffers()[5].name, "#5");
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[5].buffer.get()), ns(5 * kSpacing));
  EXPECT_EQ(bench.stat("rtx-success-count"), 1u);
  EXPECT_EQ(bench.stat("avg-jitter"), 0u) << "its own arrival is no jitter";
}

TEST(RtpAdaptiveJitterBuffer, ALostEventSaysHowOftenItWasAskedFor) {
  JitterBufferBench bench{"adaptive=false latency=200 do-retransmission=true do-lost=true"};
  bench.push_all(0, 4);
  bench.push(6);
  EXPECT_EQ(bench.crank(), 6 * kSpacing + 120ms);
  EXPECT_EQ(bench.crank(), 5 * kSpacing + 200ms);
  ASSERT_TRUE(bench.wait_for("#6"));
  const auto items = bench.items();
  ASSERT_EQ(items[8].name, "GstRTPPacketLost");
  EXPECT_EQ(uint_of(gst_event_get_structure(items[8].event.get()), "retry"), 2u);
}

TEST(RtpAdaptiveJitterBuffer, NothingIsAskedForUnlessItIsWanted) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 4);
  bench.push(6);
  bench.crank();
  ASSERT_TRUE(bench.wait_for("#6"));
  EXPECT_TRUE(bench.upstream("GstRTPRetransmissionRequest").empty());
}

TEST(RtpAdaptiveJitterBuffer, RtxNextSeqnumAsksByTheClockBeforeALaterPacketComes) {
  JitterBufferBench bench{"adaptive=false latency=300 do-retransmission=true rtx-next-seqnum=true"};
  bench.push_all(0, 4);
  ASSERT_TRUE(bench.wait_for("#4"));
  EXPECT_EQ(bench.crank(), 5 * kSpacing + kSpacing / 2);
  ASSERT_TRUE(bench.wait_for_upstream("GstRTPRetransmissionRequest"));
  const auto event = bench.upstream("GstRTPRetransmissionRequest")[0];
  EXPECT_EQ(uint_of(gst_event_get_structure(event.get()), "seqnum"), RtpPacket{5}.sequence);
  EXPECT_EQ(uint_of(gst_event_get_structure(event.get()), "delay"), 10u);
}

// ---- lists, bounds, damage

TEST(RtpAdaptiveJitterBuffer, ABufferListIsTakenApart) {
  JitterBufferBench bench{kEager};
  GstBufferList* list = gst_buffer_list_new();
  for (const std::int64_t n : {0, 2, 1, 1, 3})
    gst_buffer_list_add(list, RtpPacket{n}.make().release());
  EXPECT_EQ(gst_pad_push_list(bench.feeder(), list), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(bench.order(), "stream-start caps segment #0 #1 #2 #3");
  EXPECT_EQ(bench.stat("num-duplicates"), 1u);
}

TEST(RtpAdaptiveJitterBuffer, ListsThatSomebodyElseHoldsStayAsTheyAre) {
  JitterBufferBench bench{kEager};
  GstBufferList* list = gst_buffer_list_new();
  gst_buffer_list_add(list, RtpPacket{0}.make().release());
  gst_buffer_list_ref(list);
  EXPECT_EQ(gst_pad_push_list(bench.feeder(), list), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for("#0"));
  EXPECT_EQ(GST_BUFFER_DTS(gst_buffer_list_get(list, 0)), 0u);
  EXPECT_FALSE(reference_timestamp(gst_buffer_list_get(list, 0), "timestamp/x-rtp"));
  gst_buffer_list_unref(list);
}

TEST(RtpAdaptiveJitterBuffer, WhatIsNoRtpIsDroppedAndCountedWithOneWarningASecond) {
  JitterBufferBench bench{kEager};
  bench.push(0);
  for (const gsize size : {0u, 1u, 11u, 12u}) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
    gst_buffer_memset(buffer, 0, 0, size);
    EXPECT_EQ(gst_pad_push(bench.feeder(), buffer), GST_FLOW_OK);
  }
  auto truncated = RtpPacket{1}.make();
  gst_buffer_memset(truncated.get(), 0, 0x8f, 1);  // 15 contributing sources that are not there
  EXPECT_EQ(gst_pad_push(bench.feeder(), truncated.release()), GST_FLOW_OK);
  EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 1u);
  EXPECT_EQ(bench.stat("num-invalid"), 5u);
  const auto push_empty = [&] { gst_pad_push(bench.feeder(), gst_buffer_new()); };
  bench.set_time(1s - 1ns);
  push_empty();
  EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 0u);
  bench.set_time(1s);
  push_empty();
  EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 1u);
  bench.push(1);
  EXPECT_TRUE(bench.wait_for("#1"));
}

TEST(RtpAdaptiveJitterBuffer, MaxPacketsDropsTheOldest) {
  JitterBufferBench bench{std::string{kPaced} + " max-packets=3"};
  bench.push_all(0, 4);
  EXPECT_EQ(bench.stat("num-overflowed"), 2u);
  EXPECT_EQ(bench.stat("packets"), 3u);
  EXPECT_EQ(bench.stat("bytes"), 3u * 32);
  bench.set_time(2 * kSpacing + 200ms);
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_EQ(bench.buffers()[0].name, "#2");
}

TEST(RtpAdaptiveJitterBuffer, DropMessagesTellOfLatePacketsAtMostOnceAnInterval) {
  JitterBufferBench bench{
      "adaptive=false latency=0 post-drop-messages=true drop-messages-interval=100"};
  bench.push_all(0, 4);
  bench.push(7);
  ASSERT_TRUE(bench.wait_for("#7"));
  bench.push(RtpPacket{5}.late(100ms));
  const auto first = bench.messages(GST_MESSAGE_ELEMENT, "drop-msg");
  ASSERT_EQ(first.size(), 1u);
  const auto* drop = gst_message_get_structure(first[0].get());
  EXPECT_EQ(uint_of(drop, "seqnum"), RtpPacket{5}.sequence);
  EXPECT_EQ(uint64_of(drop, "timestamp"), ns(5 * kSpacing + 100ms));
  EXPECT_STREQ(gst_structure_get_string(drop, "reason"), "too-late");
  EXPECT_EQ(uint_of(drop, "num-too-late"), 1u);
  EXPECT_EQ(uint_of(drop, "num-drop-on-latency"), 0u);
  bench.push(RtpPacket{5}.late(150ms));
  bench.push(RtpPacket{5}.late(200ms - 1ns));
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "drop-msg").empty()) << "too soon";
  bench.push(RtpPacket{6}.late(180ms));  // 100 ms after the first
  const auto second = bench.messages(GST_MESSAGE_ELEMENT, "drop-msg");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(uint_of(gst_message_get_structure(second[0].get()), "num-too-late"), 3u)
      << "all since the last message";
}

TEST(RtpAdaptiveJitterBuffer, DropMessagesTellOfWhatDropOnLatencyDropped) {
  JitterBufferBench slow{"group=drop release=paced adaptive=false latency=1000"};
  slow.push(0);
  JitterBufferBench bench{
      "group=drop release=paced adaptive=false latency=100 drop-on-latency=true "
      "post-drop-messages=true"};
  bench.push_all(0, 4);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "drop-msg").empty());
  bench.push(5);
  const auto messages = bench.messages(GST_MESSAGE_ELEMENT, "drop-msg");
  ASSERT_EQ(messages.size(), 1u);
  const auto* drop = gst_message_get_structure(messages[0].get());
  EXPECT_STREQ(gst_structure_get_string(drop, "reason"), "drop-on-latency");
  EXPECT_EQ(uint_of(drop, "num-drop-on-latency"), 1u);
}

TEST(RtpAdaptiveJitterBuffer, NobodyIsToldOfDropsUnlessItIsWanted) {
  JitterBufferBench bench{"adaptive=false latency=0"};
  bench.push_all(0, 4);
  bench.push(6);
  ASSERT_TRUE(bench.wait_for("#6"));
  bench.push(RtpPacket{5}.late(100ms));
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "drop-msg").empty());
}

// ---- payload types and their clocks

struct PtMap {
  std::vector<guint> asked;
  int rate = 0;

  static GstCaps* on_request(GstElement*, guint pt, gpointer data) {
    auto* self = static_cast<PtMap*>(data);
    self->asked.push_back(pt);
    if (self->rate < 0)
      return nullptr;
    return gst_caps_new_simple("application/x-rtp", "clock-rate", G_TYPE_INT, self->rate, nullptr);
  }
};

TEST(RtpAdaptiveJitterBuffer, AnUnknownPayloadTypeIsAskedForOnce) {
  JitterBufferBench bench{kEager};
  PtMap map{.rate = static_cast<int>(kRate)};
  g_signal_connect(bench.element(), "request-pt-map", G_CALLBACK(PtMap::on_request), &map);
  bench.push_all(0, 1);
  EXPECT_TRUE(map.asked.empty()) << "96 is in the caps";
  bench.push(RtpPacket{2}.type(97));
  bench.push(RtpPacket{3}.type(97));
  bench.push(4);
  ASSERT_TRUE(bench.wait_for("#4"));
  EXPECT_EQ(map.asked, std::vector<guint>{97});
  EXPECT_EQ(bench.buffers().size(), 5u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[4].buffer.get()), ns(4 * kSpacing));
}

TEST(RtpAdaptiveJitterBuffer, ClearPtMapForgetsWhatWasAnswered) {
  JitterBufferBench bench{kEager};
  PtMap map{.rate = static_cast<int>(kRate)};
  g_signal_connect(bench.element(), "request-pt-map", G_CALLBACK(PtMap::on_request), &map);
  bench.push(0);
  g_signal_emit_by_name(bench.element(), "clear-pt-map");
  bench.push_all(1, 2);
  ASSERT_TRUE(bench.wait_for("#2"));
  EXPECT_EQ(map.asked, std::vector<guint>{96});
}

TEST(RtpAdaptiveJitterBuffer, CapsWithoutAPayloadHoldForAllOfThem) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream("application/x-rtp, clock-rate=(int)48000");
  bench.push(RtpPacket{0}.type(3));
  bench.push(RtpPacket{1}.type(127));
  EXPECT_TRUE(bench.wait_for("#1"));
}

TEST(RtpAdaptiveJitterBuffer, PacketsWhoseClockRateNobodyKnowsAreDropped) {
  for (const char* caps : {"application/x-rtp", "application/x-rtp, clock-rate=(int)0",
                           "application/x-rtp, clock-rate=(int)-5", ""})
    for (const int answer : {-1, 0}) {
      SCOPED_TRACE(std::string{caps} + " and " + std::to_string(answer));
      JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
      PtMap map{.rate = answer};
      g_signal_connect(bench.element(), "request-pt-map", G_CALLBACK(PtMap::on_request), &map);
      bench.set_state(GST_STATE_PLAYING);
      bench.open_stream(caps);
      EXPECT_EQ(bench.push(0), GST_FLOW_OK);
      EXPECT_EQ(bench.push(1), GST_FLOW_OK);
      EXPECT_GE(map.asked.size(), 1u);
      EXPECT_EQ(bench.stat("packets"), 0u);
      map.rate = static_cast<int>(kRate);  // and then somebody does
      EXPECT_EQ(bench.push(2), GST_FLOW_OK);
      EXPECT_TRUE(bench.wait_for("#2"));
    }
}

TEST(RtpAdaptiveJitterBuffer, APayloadTypeWithAnotherClockRateBeginsANewTimeLine) {
  JitterBufferBench bench{kEager};
  PtMap map{.rate = 8000};
  g_signal_connect(bench.element(), "request-pt-map", G_CALLBACK(PtMap::on_request), &map);
  bench.push_all(0, 4);
  for (std::int64_t n = 5; n < 8; ++n) {
    auto packet = RtpPacket{n}.type(0);
    packet.rtp_time = RtpPacket{4}.rtp_time + static_cast<guint32>((n - 4) * 160);
    bench.push(packet);
  }
  ASSERT_TRUE(bench.wait_for("#7"));
  const auto packets = bench.buffers();
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(packets[5].buffer.get(), GST_BUFFER_FLAG_RESYNC));
  for (std::size_t n = 0; n < 8; ++n)
    EXPECT_EQ(GST_BUFFER_PTS(packets[n].buffer.get()), ns(static_cast<std::int64_t>(n) * kSpacing));
}

// ---- RTP-Info of RTSP, as fields of the caps

std::string named_first(std::int64_t n) {
  return std::string{JitterBufferBench::kCaps} + ", seqnum-base=(uint)" +
         std::to_string(RtpPacket{n}.sequence) + ", clock-base=(uint)" +
         std::to_string(RtpPacket{n}.rtp_time);
}

TEST(RtpAdaptiveJitterBufferRtpInfo, PacketsMissingBeforeTheFirstToArriveAreLost) {
  JitterBufferBench bench{std::string{kEager} + " do-lost=true", JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream(named_first(0));
  bench.push(2);
  EXPECT_EQ(bench.crank(), 200ms);
  EXPECT_EQ(bench.crank(), kSpacing + 200ms);
  ASSERT_TRUE(bench.wait_for("#2"));
  EXPECT_EQ(bench.order(), "stream-start caps segment GstRTPPacketLost GstRTPPacketLost #2");
  const auto* lost = gst_event_get_structure(bench.items()[4].event.get());
  EXPECT_EQ(uint_of(lost, "seqnum"), RtpPacket{1}.sequence);
  EXPECT_EQ(uint64_of(lost, "timestamp"), ns(kSpacing));
  EXPECT_EQ(uint64_of(lost, "duration"), ns(kSpacing));
  EXPECT_EQ(bench.stat("num-lost"), 2u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.buffers()[0].buffer.get()), ns(2 * kSpacing));
}

TEST(RtpAdaptiveJitterBufferRtpInfo, LeftoversFromBeforeDoNotComeOut) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream(named_first(2));
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_for("#3"));
  EXPECT_EQ(bench.order(), "stream-start caps segment #2 #3");
  EXPECT_EQ(bench.stat("num-refused"), 2u);
}

TEST(RtpAdaptiveJitterBufferRtpInfo, WhoeverAnswersRequestPtMapMayTellIt) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  g_signal_connect(bench.element(), "request-pt-map",
                   G_CALLBACK(+[](GstElement*, guint, gpointer) -> GstCaps* {
                     return gst_caps_from_string(named_first(0).c_str());
                   }),
                   nullptr);
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream("application/x-rtp");
  bench.push(1);
  EXPECT_EQ(bench.crank(), 200ms) << "it waits for the packet before";
  EXPECT_TRUE(bench.wait_for("#1"));
}

TEST(RtpAdaptiveJitterBufferRtpInfo, AnAnswerAboutAnotherPayloadTypeTakesNothingBack) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  PtMap map{.rate = static_cast<int>(kRate)};
  g_signal_connect(bench.element(), "request-pt-map", G_CALLBACK(PtMap::on_request), &map);
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream(named_first(0));
  bench.push(RtpPacket{1}.type(97));
  EXPECT_EQ(bench.crank(), 200ms);
  EXPECT_TRUE(bench.wait_for("#1"));
}

TEST(RtpAdaptiveJitterBufferRtpInfo, BehindAFlushItIsNotHeededAgainUnlessItIsNew) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  const auto flush = [&] {
    bench.push_event(gst_event_new_flush_start());
    bench.push_event(gst_event_new_flush_stop(TRUE));
    bench.push_segment();
  };
  bench.set_state(GST_STATE_PLAYING);
  bench.open_stream(named_first(0));
  bench.push_all(0, 3);
  ASSERT_TRUE(bench.wait_for("#3"));
  flush();
  bench.push(10);
  ASSERT_TRUE(bench.wait_for("#10")) << "at once: 0 was another stream's first";
  flush();
  bench.push_caps(named_first(19));
  bench.push(20);
  EXPECT_EQ(bench.crank(), 19 * kSpacing + 200ms);
  EXPECT_TRUE(bench.wait_for("#20"));
}

TEST(RtpAdaptiveJitterBufferRtpInfo, AfterReadyItIsHeededAgain) {
  JitterBufferBench bench{kEager, JitterBufferBench::Start::Ready};
  for (int cycle = 0; cycle < 2; ++cycle) {
    bench.set_state(GST_STATE_PLAYING);
    gst_pad_set_active(bench.recorder(), FALSE);  // its sticky events are those of the last stream
    gst_pad_set_active(bench.recorder(), TRUE);
    bench.forget();
    bench.open_stream(named_first(0));
    bench.push(RtpPacket{1}.late(cycle * 10s));
    EXPECT_EQ(bench.crank(), cycle * 10s + 200ms);
    EXPECT_TRUE(bench.wait_for("#1"));
    bench.set_state(GST_STATE_READY);
  }
}

// ---- statistics

TEST(RtpAdaptiveJitterBuffer, StatisticsHaveStocksNamesAndTypes) {
  JitterBufferBench bench;
  const auto stats = bench.stats();
  EXPECT_TRUE(gst_structure_has_name(stats.get(), "application/x-rtp-jitterbuffer-stats"));
  for (const char* field : {"num-pushed", "num-lost", "num-late", "num-duplicates", "avg-jitter",
                            "rtx-count", "rtx-success-count", "rtx-rtt"})
    EXPECT_EQ(gst_structure_get_field_type(stats.get(), field), G_TYPE_UINT64) << field;
  EXPECT_EQ(gst_structure_get_field_type(stats.get(), "rtx-per-packet"), G_TYPE_DOUBLE);
}

TEST(RtpAdaptiveJitterBuffer, JitterIsInNanoseconds) {
  JitterBufferBench bench{kEager};
  bench.push_all(0, 9);
  bench.push(RtpPacket{10}.late(16ms));
  EXPECT_EQ(bench.stat("avg-jitter"), GST_MSECOND);
}

}  // namespace
}  // namespace onair::test
