// SPDX-License-Identifier: LGPL-2.1-or-later
// avaligner: events and queries, flushes, ends, states, errors, and who waits for whom.
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "avaligner_bench.hpp"
#include "fatal_warnings.hpp"

namespace onair::test {
namespace {

constexpr const char* kOpened = "stream-start caps segment onair-timeline ";

std::string after_opening(const std::string& rest) {
  return kOpened + rest;
}

GstEvent* new_gap(Duration at, Duration duration) {
  return gst_event_new_gap(ns(at), ns(duration));
}

class AvAlignerEvents : public FatalWarningsTest {};
class AvAlignerTimeline : public FatalWarningsTest {};
class AvAlignerUpstream : public FatalWarningsTest {};
class AvAlignerQueries : public FatalWarningsTest {};
class AvAlignerFlush : public FatalWarningsTest {};
class AvAlignerEos : public FatalWarningsTest {};
class AvAlignerStates : public FatalWarningsTest {};
class AvAlignerErrors : public FatalWarningsTest {};
class AvAlignerPressure : public FatalWarningsTest {};

// ---- events

TEST_F(AvAlignerEvents, TheSegmentIsItsOwnWhateverComes) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_segment(100 * GST_SECOND, GST_SECOND);
  for (std::int64_t n = 50; n < 100; ++n) {
    auto unit = audio.unit(n).without_metas();
    unit.pts = 99 * GST_SECOND + ns(n * kAudioSpacing);  // running time n * 20 ms
    audio.push(unit);
  }
  ASSERT_TRUE(audio.wait_for("#99"));
  EXPECT_EQ(audio.pts(50), 50 * kAudioSpacing);
  EXPECT_EQ(audio.pts(99), 99 * kAudioSpacing);
  const auto segments = audio.events("segment");
  ASSERT_EQ(segments.size(), 1u);
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(segments[0].get(), &segment);
  GstSegment plain;
  gst_segment_init(&plain, GST_FORMAT_TIME);
  EXPECT_TRUE(gst_segment_is_equal(segment, &plain));
}

TEST_F(AvAlignerEvents, AnotherSegmentMidStreamChangesNothingForTheMedia) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 49);
  audio.push_segment(1000 * GST_SECOND, GST_SECOND);
  for (std::int64_t n = 50; n < 100; ++n) {
    auto unit = audio.unit(n);
    unit.pts += 999 * GST_SECOND;
    audio.push(unit);
  }
  ASSERT_TRUE(audio.wait_for("#99"));
  for (std::int64_t n = 0; n < 100; ++n)
    EXPECT_EQ(audio.pts(n), n * kAudioSpacing);
  EXPECT_EQ(audio.events("segment").size(), 1u);
}

TEST_F(AvAlignerEvents, ASegmentOfBytesIsTakenForOneOfTime) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  segment.start = segment.position = 5;
  audio.push_event(gst_event_new_segment(&segment));
  audio.push_all(0, 50);
  ASSERT_TRUE(audio.wait_for("#50"));
  EXPECT_EQ(audio.pts(50), 50 * kAudioSpacing);
}

TEST_F(AvAlignerEvents, KeepTheirPlacesBetweenBuffers) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  video.push_all(0, 1);
  video.push_custom("first");
  video.push_caps("video/x-h264, stream-format=(string)avc");
  video.push_event(gst_event_new_tag(gst_tag_list_new_empty()));
  video.push_all(2, 3);
  video.push_custom("last");
  EXPECT_EQ(video.buffers().size(), 0u);
  bench.crank();
  ASSERT_TRUE(video.wait_for("last"));
  EXPECT_EQ(video.order(), after_opening("#0 #1 first caps tag #2 #3 last"));
}

TEST_F(AvAlignerEvents, OutOfBandOnesOvertake) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  video.push_all(0, 1);
  ASSERT_TRUE(video.wait_for("caps"));
  video.push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, gst_structure_new_empty("overtakes")));
  EXPECT_EQ(video.order(), "stream-start caps overtakes");
}

TEST_F(AvAlignerEvents, HolesMoveWithTheMediaAroundThem) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 50; n < 100; ++n) {
    auto unit = audio.unit(n);
    unit.pts += 300 * GST_MSECOND;
    audio.push(unit);
  }
  auto* gap = new_gap(100 * kAudioSpacing + 300ms, kAudioSpacing);
  gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
  const auto number = gst_event_get_seqnum(gap);
  audio.push_event(gap);
  audio.push_event(gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("GstRTPPacketLost", "seqnum", G_TYPE_UINT, 7, "timestamp", G_TYPE_UINT64,
                        ns(101 * kAudioSpacing + 300ms), "duration", G_TYPE_UINT64,
                        ns(kAudioSpacing), nullptr)));
  audio.push(102);
  ASSERT_TRUE(audio.wait_for("#102"));
  const auto gaps = audio.events("gap");
  ASSERT_EQ(gaps.size(), 1u);
  GstClockTime start = 0;
  GstClockTime duration = 0;
  GstGapFlags flags{};
  gst_event_parse_gap(gaps[0].get(), &start, &duration);
  gst_event_parse_gap_flags(gaps[0].get(), &flags);
  EXPECT_EQ(start, ns(100 * kAudioSpacing));
  EXPECT_EQ(duration, ns(kAudioSpacing));
  EXPECT_EQ(flags, GST_GAP_FLAG_MISSING_DATA);
  EXPECT_EQ(gst_event_get_seqnum(gaps[0].get()), number);
  const auto lost = audio.events("GstRTPPacketLost");
  ASSERT_EQ(lost.size(), 1u);
  const GstStructure* structure = gst_event_get_structure(lost[0].get());
  EXPECT_EQ(uint64_of(structure, "timestamp"), ns(101 * kAudioSpacing));
  EXPECT_EQ(uint64_of(structure, "duration"), ns(kAudioSpacing));
  EXPECT_EQ(gst_structure_n_fields(structure), 3);
}

TEST_F(AvAlignerEvents, AHoleIsOfTheSegmentThatItCameIn) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 10);
  audio.push_event(new_gap(11 * kAudioSpacing, kAudioSpacing));
  audio.push_segment(1000 * GST_SECOND, 0);
  bench.crank();
  ASSERT_TRUE(audio.wait_for("gap"));
  GstClockTime start = 0;
  gst_event_parse_gap(audio.events("gap")[0].get(), &start, nullptr);
  EXPECT_EQ(start, ns(11 * kAudioSpacing));
}

TEST_F(AvAlignerEvents, AHoleBeforeTheFirstBufferHasASegment) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_event(new_gap(0ms, kAudioSpacing));
  ASSERT_TRUE(audio.wait_for("gap"));
  EXPECT_EQ(audio.order(), "stream-start caps segment gap");
  audio.push_all(1, 41);
  ASSERT_TRUE(audio.wait_for("#41"));
  EXPECT_EQ(audio.order().substr(0, 49), "stream-start caps segment gap onair-timeline #1 #");
}

TEST_F(AvAlignerEvents, AKeyUnitThatIsAnnouncedMovesWithItsFrame) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  for (std::int64_t n = 25; n < 50; ++n) {
    auto unit = video.unit(n);
    unit.pts += 300 * GST_MSECOND;
    video.push(unit);
  }
  const guint64 at = ns(50 * kVideoSpacing + 300ms);
  video.push_event(gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("GstForceKeyUnit", "timestamp", G_TYPE_UINT64, at, "stream-time",
                        G_TYPE_UINT64, at, "running-time", G_TYPE_UINT64, at, "all-headers",
                        G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 3, nullptr)));
  ASSERT_TRUE(video.wait_for("GstForceKeyUnit"));
  const auto announced = video.events("GstForceKeyUnit");
  const GstStructure* structure = gst_event_get_structure(announced[0].get());
  for (const char* field : {"timestamp", "stream-time", "running-time"})
    EXPECT_EQ(uint64_of(structure, field), ns(50 * kVideoSpacing)) << field;
  EXPECT_TRUE(flag_of(structure, "all-headers"));
}

TEST_F(AvAlignerEvents, AStreamThatBeginsAnewBehindItsEndGoesOn) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 50);
  audio.push_event(gst_event_new_eos());
  ASSERT_TRUE(audio.wait_for("eos"));
  audio.forget();
  audio.open();
  audio.push_all(51, 60);
  ASSERT_TRUE(audio.wait_for("#60"));
  EXPECT_EQ(audio.pts(60), 60 * kAudioSpacing);
}

// ---- onair-timeline

TEST_F(AvAlignerTimeline, GoesWithTheFirstBufferAndEachTenSeconds) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  const auto before = static_cast<guint64>(g_get_real_time()) * GST_USECOND;
  for (std::int64_t n = 0; n < 1100; ++n) {
    auto unit = audio.unit(n).late(30ms);
    unit.ntp = 3'900'000'000s + n * kAudioSpacing + n / 50 * 2us;
    audio.push(unit);
    if (n >= 40) {
      ASSERT_TRUE(audio.wait_for("#" + std::to_string(n)));
    }
  }
  const auto after = static_cast<guint64>(g_get_real_time()) * GST_USECOND;
  const auto lines = audio.events("onair-timeline");
  ASSERT_EQ(lines.size(), 3u);
  Duration expected = 40 * kAudioSpacing + 30ms;
  for (const auto& line : lines) {
    EXPECT_EQ(GST_EVENT_TYPE(line.get()), GST_EVENT_CUSTOM_DOWNSTREAM_STICKY);
    const GstStructure* structure = gst_event_get_structure(line.get());
    EXPECT_EQ(gst_structure_n_fields(structure), 3);
    EXPECT_EQ(uint64_of(structure, "running-time"), ns(expected));
    EXPECT_GE(uint64_of(structure, "unix-time"), before);
    EXPECT_LE(uint64_of(structure, "unix-time"), after);
    EXPECT_NEAR(static_cast<double>(uint64_of(structure, "ntp-time")),
                3.9e18 + static_cast<double>((expected - 30ms).count()), 1e6);
    expected += 10s;
  }
  const auto sticky = GstPtr<GstEvent>::adopt(
      gst_pad_get_sticky_event(audio.recorder(), GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, 0));
  EXPECT_TRUE(sticky);
}

TEST_F(AvAlignerTimeline, HasNoSendersTimeWithoutReports) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_for("#40"));
  const auto lines = audio.events("onair-timeline");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_FALSE(gst_structure_has_field(gst_event_get_structure(lines[0].get()), "ntp-time"));
}

// ---- upstream

TEST_F(AvAlignerUpstream, WhatDownstreamSaysOfTimeIsOfUpstreamsTime) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  for (std::int64_t n = 25; n < 60; ++n) {
    auto unit = video.unit(n);
    unit.pts += 300 * GST_MSECOND;
    video.push(unit);
  }
  ASSERT_TRUE(video.wait_for("#59"));
  ASSERT_EQ(video.pts(59), 59 * kVideoSpacing);
  gst_pad_push_event(video.recorder(),
                     gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, -7, ns(59 * kVideoSpacing)));
  gst_pad_push_event(
      video.recorder(),
      gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                           gst_structure_new("GstForceKeyUnit", "running-time", G_TYPE_UINT64,
                                             5 * GST_SECOND, "all-headers", G_TYPE_BOOLEAN, TRUE,
                                             "count", G_TYPE_UINT, 3, nullptr)));
  gst_pad_push_event(
      video.recorder(),
      gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                           gst_structure_new("GstForceKeyUnit", "running-time", G_TYPE_UINT64,
                                             GST_CLOCK_TIME_NONE, nullptr)));
  const auto qos = video.upstream("qos");
  ASSERT_EQ(qos.size(), 1u);
  GstQOSType type{};
  gdouble proportion = 0;
  GstClockTimeDiff late = 0;
  GstClockTime time = 0;
  gst_event_parse_qos(qos[0].get(), &type, &proportion, &late, &time);
  EXPECT_EQ(type, GST_QOS_TYPE_UNDERFLOW);
  EXPECT_EQ(proportion, 1.5);
  EXPECT_EQ(late, -7);
  EXPECT_EQ(time, ns(59 * kVideoSpacing + 300ms));
  const auto asked = video.upstream("GstForceKeyUnit");
  ASSERT_EQ(asked.size(), 2u);
  const GstStructure* structure = gst_event_get_structure(asked[0].get());
  EXPECT_EQ(uint64_of(structure, "running-time"), 5 * GST_SECOND + ns(300ms));
  EXPECT_TRUE(flag_of(structure, "all-headers"));
  EXPECT_EQ(uint64_of(gst_event_get_structure(asked[1].get()), "running-time"),
            GST_CLOCK_TIME_NONE);
}

TEST_F(AvAlignerUpstream, OtherEventsGoToTheirOwnStreamOnly) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  gst_pad_push_event(video.recorder(), gst_event_new_navigation(gst_structure_new_empty("click")));
  EXPECT_EQ(video.upstream("navigation").size(), 1u);
  EXPECT_EQ(audio.upstream("navigation").size(), 0u);
}

// ---- queries

TEST_F(AvAlignerQueries, TheLatencyIsUpstreamsAndASecond) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_pad_peer_query(audio.recorder(), query));
  gboolean live = FALSE;
  GstClockTime least = 0;
  GstClockTime most = 0;
  gst_query_parse_latency(query, &live, &least, &most);
  EXPECT_TRUE(live);
  EXPECT_EQ(least, 7 * GST_MSECOND + ns(kLatency));
  EXPECT_EQ(most, 8 * GST_MSECOND + ns(kLatency));
  gst_query_unref(query);
}

TEST_F(AvAlignerQueries, CapsAreThoseOfTheOtherSide) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  const auto asked = GstPtr<GstCaps>::adopt(gst_pad_peer_query_caps(audio.feeder(), nullptr));
  EXPECT_TRUE(gst_caps_is_any(asked.get()));
  gst_pad_use_fixed_caps(audio.recorder());
  ASSERT_TRUE(audio.wait_for("caps"));
  const auto fixed = GstPtr<GstCaps>::adopt(gst_pad_peer_query_caps(audio.feeder(), nullptr));
  EXPECT_TRUE(gst_structure_has_name(gst_caps_get_structure(fixed.get(), 0), "audio/x-opus"));
}

GstQuery* allocation() {
  const auto caps =
      GstPtr<GstCaps>::adopt(gst_caps_from_string("video/x-raw, format=(string)I420"));
  return gst_query_new_allocation(caps.get(), TRUE);
}

TEST_F(AvAlignerQueries, AllocationIsDownstreamsWithoutItsPools) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  video.answer_query = [](GstQuery* query) {
    gst_query_add_allocation_pool(query, nullptr, 100, 2, 0);
    gst_query_add_allocation_meta(query, GST_REFERENCE_TIMESTAMP_META_API_TYPE, nullptr);
    return true;
  };
  GstQuery* query = allocation();
  EXPECT_TRUE(gst_pad_peer_query(video.feeder(), query)) << "directly behind the caps";
  EXPECT_NE(video.order().find("caps"), std::string::npos) << "which are there before it";
  EXPECT_EQ(gst_query_get_n_allocation_pools(query), 0u);
  EXPECT_EQ(gst_query_get_n_allocation_metas(query), 1u);
  gst_query_unref(query);
}

TEST_F(AvAlignerQueries, AllocationIsNotAnsweredWhileFramesAreHeld) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  video.answer_query = [](GstQuery*) { return true; };
  video.push_all(0, 1);
  GstQuery* query = allocation();
  EXPECT_FALSE(gst_pad_peer_query(video.feeder(), query));
  gst_query_unref(query);
}

// ---- flush

TEST_F(AvAlignerFlush, DropsWhatIsHeldAndThenANewStreamRuns) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 10);
  audio.push_custom("dropped");
  bench.wait_for_deadline();
  audio.push_event(gst_event_new_flush_start());
  EXPECT_EQ(audio.push(11), GST_FLOW_FLUSHING);
  EXPECT_FALSE(audio.push_custom("refused"));
  audio.push_event(gst_event_new_flush_stop(TRUE));
  EXPECT_EQ(bench.count(audio, "held"), 0u);
  audio.forget();
  audio.open();
  for (std::int64_t n = 20; n < 70; ++n)
    EXPECT_EQ(audio.push(audio.unit(n).of(kOtherSsrc)), GST_FLOW_OK);
  ASSERT_TRUE(audio.wait_for("#69"));
  EXPECT_EQ(audio.order().substr(0, 45), after_opening("#20 "));
  EXPECT_EQ(audio.pts(69), 69 * kAudioSpacing);
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(audio.buffer(20).get()));
}

// Upstream does not send them again.
TEST_F(AvAlignerFlush, KeepsStickyEventsThatWaitBehindBuffers) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push(0);
  audio.push_caps("audio/x-opus, channel-mapping-family=(int)1");
  audio.push_custom("dropped");
  audio.push_event(gst_event_new_flush_start());
  audio.push_event(gst_event_new_flush_stop(TRUE));
  audio.push_segment(0, 0);
  audio.push_all(1, 60);
  ASSERT_TRUE(audio.wait_for("#60"));
  EXPECT_EQ(audio.order().find("dropped"), std::string::npos);
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(audio.recorder()));
  gint family = 0;
  gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "channel-mapping-family", &family);
  EXPECT_EQ(family, 1);
}

TEST_F(AvAlignerFlush, WhileDownstreamBlocksItIsTheWayOut) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  audio.push_all(0, 45);
  ASSERT_TRUE(audio.wait_until_blocked());
  auto flushed = on_a_thread([&] { return audio.push_event(gst_event_new_flush_start()); });
  ASSERT_TRUE(audio.wait_for("flush-start")) << "it overtakes";
  audio.unblock();
  EXPECT_TRUE(flushed.get());
  audio.push_event(gst_event_new_flush_stop(TRUE));
  audio.forget();
  audio.open();
  audio.push_all(50, 100);
  EXPECT_TRUE(audio.wait_for("#100"));
  EXPECT_EQ(audio.buffers().size(), 51u);
}

TEST_F(AvAlignerFlush, IsTheWayOutForUpstreamThatWaits) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  auto pushed = on_a_thread([&] {
    GstFlowReturn flow = GST_FLOW_OK;
    for (std::int64_t n = 0; flow == GST_FLOW_OK; ++n)
      flow = audio.push_now(audio.unit(n));
    return flow;
  });
  ASSERT_TRUE(audio.wait_until_blocked());
  auto flushed = on_a_thread([&] { return audio.push_event(gst_event_new_flush_start()); });
  EXPECT_EQ(pushed.get(), GST_FLOW_FLUSHING);
  audio.unblock();
  flushed.get();
}

TEST_F(AvAlignerFlush, OfOneStreamLeavesTheOtherAlone) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 50; ++n) {
    audio.push(2 * n);
    video.push(n);
    audio.push(2 * n + 1);
  }
  video.push_event(gst_event_new_flush_start());
  video.push_event(gst_event_new_flush_stop(FALSE));
  video.push_segment(0, 0);
  for (std::int64_t n = 50; n < 100; ++n) {
    audio.push(2 * n);
    video.push(n);
    audio.push(2 * n + 1);
  }
  ASSERT_TRUE(video.wait_for("#99"));
  ASSERT_TRUE(audio.wait_for("#199"));
  EXPECT_EQ(audio.buffers().size(), 200u);
  EXPECT_EQ(video.pts(99), 99 * kVideoSpacing);
}

// As a seek makes it, in all streams.
TEST_F(AvAlignerFlush, AfterItRunningTimeMayBeginAnew) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 500; ++n) {
    audio.push(2 * n);
    video.push(n);
  }
  for (auto* stream : {&audio, &video})
    stream->push_event(gst_event_new_flush_start());
  // The pipeline's base time is set anew.
  gst_element_set_base_time(bench.element(),
                            gst_element_get_base_time(bench.element()) + 20 * GST_SECOND);
  for (auto* stream : {&audio, &video}) {
    stream->push_event(gst_event_new_flush_stop(TRUE));
    stream->forget();
    stream->open();
  }
  for (std::int64_t n = 0; n < 50; ++n) {
    audio.push_now(audio.unit(2 * n));
    video.push_now(video.unit(n));
  }
  ASSERT_TRUE(audio.wait_for("#98"));
  ASSERT_TRUE(video.wait_for("#49"));
  EXPECT_EQ(audio.pts(98), 98 * kAudioSpacing);
  EXPECT_EQ(video.pts(49), 49 * kVideoSpacing);
}

TEST_F(AvAlignerFlush, ManyInARowLoseNothingButTheBuffers) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  for (std::int64_t round = 0; round < 100; ++round) {
    audio.push_event(gst_event_new_flush_start());
    audio.push_event(gst_event_new_flush_stop(TRUE));
    audio.open();
    audio.forget();
    audio.push(round * 50);
    bench.crank();
    ASSERT_TRUE(audio.wait_for("#" + std::to_string(round * 50)));
  }
}

// ---- the end

TEST_F(AvAlignerEos, DrainsWhatIsHeldAndComesLast) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 5);
  audio.push_event(gst_event_new_eos());
  ASSERT_TRUE(audio.wait_for("eos"));
  EXPECT_EQ(audio.order(), after_opening("#0 #1 #2 #3 #4 #5 eos"));
  EXPECT_EQ(audio.pts(5), 5 * kAudioSpacing);
}

TEST_F(AvAlignerEos, DrainsWhatIsHeldForABreak) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 49);
  auto unit = audio.unit(50);
  unit.media += 1h;
  audio.push(unit);
  audio.push_event(gst_event_new_eos());
  ASSERT_TRUE(audio.wait_for("eos"));
  EXPECT_EQ(audio.buffers().size(), 51u);
  EXPECT_EQ(audio.order().substr(audio.order().size() - 11), "#49 #50 eos");
}

TEST_F(AvAlignerEos, NothingIsTakenAfterwards) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push(0);
  audio.push_event(gst_event_new_eos());
  EXPECT_EQ(gst_pad_chain(audio.in(), gst_buffer_new()), GST_FLOW_EOS);
  ASSERT_TRUE(audio.wait_for("eos"));
  EXPECT_FALSE(audio.push_custom("late"));
  EXPECT_EQ(audio.order(), after_opening("#0 eos"));
}

TEST_F(AvAlignerEos, OfAStreamWithoutBuffersPasses) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_event(gst_event_new_eos());
  ASSERT_TRUE(audio.wait_for("eos"));
  EXPECT_EQ(audio.order(), "stream-start caps segment eos");
}

TEST_F(AvAlignerEos, OfOneStreamLeavesTheOtherAlone) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  audio.push_all(0, 50);
  audio.push_event(gst_event_new_eos());
  for (std::int64_t n = 26; n < 60; ++n)
    video.push(n);
  ASSERT_TRUE(video.wait_for("#59"));
  EXPECT_EQ(video.pts(59), 59 * kVideoSpacing);
  EXPECT_EQ(video.order().find("eos"), std::string::npos);
}

// ---- states

TEST_F(AvAlignerStates, EachCycleThroughReadyIsANewStream) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t cycle = 0; cycle < 5; ++cycle) {
    const std::int64_t first = cycle * 1000;
    for (std::int64_t n = first; n < first + 30; ++n) {
      for (auto* stream : {&audio, &video}) {
        auto unit = stream->unit(n);
        unit.media = 5h + cycle * 1h + n * 40ms;
        unit.arrival = n * 40ms;
        ASSERT_EQ(stream->push(unit), GST_FLOW_OK);
      }
    }
    const auto last = "#" + std::to_string(first + 29);
    for (auto* stream : {&audio, &video}) {
      ASSERT_TRUE(stream->wait_for(last));
      EXPECT_TRUE(GST_BUFFER_IS_DISCONT(stream->buffers()[0].buffer.get()));
      EXPECT_EQ(stream->order().substr(0, std::string{kOpened}.size()), kOpened);
    }
    EXPECT_EQ(video.pts(first + 29), (first + 29) * 40ms);
    EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "avaligner-rebase").empty());
    bench.set_state(GST_STATE_PAUSED);
    bench.set_state(GST_STATE_READY);
    EXPECT_FALSE(flag_of(bench.stats(audio).get(), "placed")) << "nothing is left";
    EXPECT_EQ(audio.push(0), GST_FLOW_FLUSHING);
    bench.set_state(GST_STATE_PAUSED);
    bench.set_state(GST_STATE_PLAYING);
    for (auto* stream : {&audio, &video}) {
      gst_pad_set_active(stream->recorder(), FALSE);  // forgets its sticky events
      gst_pad_set_active(stream->recorder(), TRUE);
      stream->forget();
      stream->open();
    }
  }
}

TEST_F(AvAlignerStates, InPausedArrivalsTellTheTime) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  bench.set_state(GST_STATE_PAUSED);
  audio.open();
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_for("#40"));
  EXPECT_EQ(audio.pts(40), 40 * kAudioSpacing);
}

// A pipeline that plays a recording stays in PAUSED until its sinks have a buffer.
TEST_F(AvAlignerStates, InPausedTimestampsTellTheTimeWhereThereAreNoArrivals) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  bench.set_state(GST_STATE_PAUSED);
  audio.open();
  for (std::int64_t n = 0; n <= 40; ++n)
    audio.push_now(audio.unit(n).without_metas());
  ASSERT_TRUE(audio.wait_for("#40"));
  EXPECT_EQ(audio.pts(40), 40 * kAudioSpacing);
}

TEST_F(AvAlignerStates, WhatIsHeldInPausedGoesByTheClockInPlaying) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  bench.set_state(GST_STATE_PAUSED);
  audio.open();
  audio.push_all(0, 3);
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(bench.crank(), kStartHold);
  EXPECT_TRUE(audio.wait_for("#3"));
}

TEST_F(AvAlignerStates, WhatCameBeforeItWasStartedIsNotLost) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  audio.open();
  audio.push_all(0, 3);
  bench.set_state(GST_STATE_PLAYING);
  audio.push_all(4, 40);
  ASSERT_TRUE(audio.wait_for("#40"));
  EXPECT_EQ(audio.order().substr(0, 47), after_opening("#0 #1 "));
}

TEST_F(AvAlignerStates, InNullItTakesNothing) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  bench.set_state(GST_STATE_NULL);
  auto& audio = bench.add("audio_0");
  EXPECT_FALSE(audio.push_custom("early"));
  EXPECT_EQ(gst_pad_chain(audio.in(), gst_buffer_new()), GST_FLOW_FLUSHING);
  bench.set_state(GST_STATE_PLAYING);
  audio.open();
  audio.push_all(0, 40);
  EXPECT_TRUE(audio.wait_for("#40"));
}

TEST_F(AvAlignerStates, AnErrorOfBeforeItWasStartedIsForgotten) {
  AlignerBench bench{"", AlignerBench::Start::Ready};
  auto& audio = bench.add("audio_0");
  audio.answer_buffers_with(GST_FLOW_FLUSHING);  // downstream is not started either
  audio.open();
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_for("#0"));
  audio.answer_buffers_with(GST_FLOW_OK);
  bench.set_state(GST_STATE_PLAYING);
  audio.push_all(41, 90);
  EXPECT_TRUE(audio.wait_for("#90"));
}

TEST_F(AvAlignerStates, ReadyWhileDownstreamBlocksWaitsForItAndThenDone) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_until_blocked());
  auto stopped = on_a_thread([&] { return bench.set_state(GST_STATE_READY); });
  audio.unblock();
  EXPECT_EQ(stopped.get(), GST_STATE_CHANGE_SUCCESS);
}

TEST_F(AvAlignerStates, APadIsReleasedWhileDownstreamBlocksAndUpstreamWaits) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  auto pushed = on_a_thread([&] {
    GstFlowReturn flow = GST_FLOW_OK;
    for (std::int64_t n = 0; flow == GST_FLOW_OK; ++n)
      flow = audio.push_now(audio.unit(n));
    return flow;
  });
  ASSERT_TRUE(audio.wait_until_blocked());
  auto released = on_a_thread([&] { bench.give_back(audio); });
  EXPECT_EQ(pushed.get(), GST_FLOW_FLUSHING);
  audio.unblock();
  released.get();
}

TEST_F(AvAlignerStates, ReadyWhileItWaitsForTheClockIsImmediate) {
  AlignerBench bench;
  bench.add("audio_0").push_all(0, 3);
  bench.add("video_0").push_all(0, 3);
  bench.wait_for_deadline();
  EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
}

// ---- what downstream answers

TEST_F(AvAlignerErrors, ReachUpstreamWithTheNextBuffer) {
  for (const GstFlowReturn flow : {GST_FLOW_NOT_LINKED, GST_FLOW_ERROR, GST_FLOW_EOS,
                                   GST_FLOW_NOT_NEGOTIATED, GST_FLOW_FLUSHING}) {
    AlignerBench bench;
    auto& audio = bench.add("audio_0");
    audio.answer_buffers_with(flow);
    audio.push_all(0, 39);
    GstFlowReturn seen = GST_FLOW_OK;
    for (std::int64_t n = 40; seen == GST_FLOW_OK; ++n) {  // the answer is on its way
      seen = audio.push(n);
      std::this_thread::yield();
    }
    EXPECT_EQ(seen, flow) << gst_flow_get_name(flow);
    EXPECT_EQ(audio.buffers().size(), 1u);
    EXPECT_FALSE(audio.push_custom("after"));
  }
}

TEST_F(AvAlignerErrors, FreeUpstreamThatWaits) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  audio.answer_buffers_with(GST_FLOW_ERROR);
  auto pushed = on_a_thread([&] {
    GstFlowReturn flow = GST_FLOW_OK;
    for (std::int64_t n = 0; flow == GST_FLOW_OK; ++n)
      flow = audio.push_now(audio.unit(n));
    return flow;
  });
  ASSERT_TRUE(audio.wait_until_blocked());
  audio.unblock();
  EXPECT_EQ(pushed.get(), GST_FLOW_ERROR);
}

TEST_F(AvAlignerErrors, OfOneStreamLeaveTheOtherAlone) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  audio.answer_buffers_with(GST_FLOW_NOT_LINKED);
  for (std::int64_t n = 0; n < 60; ++n) {
    audio.push(2 * n);
    EXPECT_EQ(video.push(n), GST_FLOW_OK);
  }
  EXPECT_TRUE(video.wait_for("#59"));
}

// Nobody upstream is there any more to be told.
TEST_F(AvAlignerErrors, BehindTheEndAreTheElementsOwn) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.answer_buffers_with(GST_FLOW_NOT_LINKED);
  audio.push_all(0, 3);
  audio.push_event(gst_event_new_eos());
  ASSERT_TRUE(audio.wait_for("#0"));
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_ERROR));
}

TEST_F(AvAlignerErrors, AnUnlinkedStreamRunsOnceItIsLinked) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  ASSERT_TRUE(audio.wait_for("caps"));
  gst_pad_unlink(audio.out(), audio.recorder());
  GstFlowReturn seen = GST_FLOW_OK;
  std::int64_t n = 0;
  for (; seen == GST_FLOW_OK; ++n)
    seen = audio.push(n);
  EXPECT_EQ(seen, GST_FLOW_NOT_LINKED);
  audio.forget();
  gst_pad_link(audio.out(), audio.recorder());
  gst_pad_push_event(audio.recorder(), gst_event_new_reconfigure());
  EXPECT_EQ(audio.push(n), GST_FLOW_OK);
  EXPECT_TRUE(audio.wait_for("#" + std::to_string(n)));
}

// ---- who waits for whom

TEST_F(AvAlignerPressure, ABlockedDownstreamBlocksUpstreamAfterTwoSecondsOfMediaAndNothingIsLost) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.block();
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_until_blocked());
  // "#0" is out; from "#1" on they wait.
  const auto last = 1 + kMostWaiting / kAudioSpacing;
  std::atomic<std::int64_t> taken{40};
  auto pushed = on_a_thread([&] {
    for (std::int64_t n = 41; n < 400; ++n) {
      EXPECT_EQ(audio.push_now(audio.unit(n)), GST_FLOW_OK);
      taken = n;
    }
  });
  while (taken < last)
    std::this_thread::yield();
  EXPECT_EQ(pushed.wait_for(50ms), std::future_status::timeout);
  EXPECT_EQ(taken, last);
  audio.unblock();
  pushed.get();
  ASSERT_TRUE(audio.wait_for_buffers(400));
  for (std::int64_t n = 0; n < 400; ++n)
    EXPECT_EQ(audio.pts(n), n * kAudioSpacing);
}

TEST_F(AvAlignerPressure, ABlockedStreamDoesNotHoldTheOther) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  audio.block();
  auto pushed = on_a_thread([&] {
    for (std::int64_t n = 0; n < 400; ++n)
      EXPECT_EQ(audio.push_now(audio.unit(n)), GST_FLOW_OK);
  });
  ASSERT_TRUE(audio.wait_until_blocked());
  for (std::int64_t n = 0; n < 300; ++n)
    ASSERT_EQ(video.push(n), GST_FLOW_OK);
  ASSERT_TRUE(video.wait_for_buffers(300));
  audio.unblock();
  pushed.get();
  EXPECT_TRUE(audio.wait_for_buffers(400));
}

TEST_F(AvAlignerPressure, ABurstThatComesFasterThanItWasMadeIsNotHeldUp) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 250; ++n) {  // 10 s, all at once
    for (auto* stream : {&audio, &video}) {
      auto unit = stream->unit(n);
      unit.media = unit.media - n * (stream->is_audio() ? kAudioSpacing : kVideoSpacing) + n * 40ms;
      unit.arrival = 1s;
      ASSERT_EQ(stream->push(unit), GST_FLOW_OK);
    }
  }
  bench.crank();
  EXPECT_TRUE(audio.wait_for_buffers(250));
  EXPECT_TRUE(video.wait_for_buffers(250));
}

}  // namespace
}  // namespace onair::test
