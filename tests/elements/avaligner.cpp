// SPDX-License-Identifier: LGPL-2.1-or-later
// avaligner: its pads, its properties, and the times that it gives.
#include <chrono>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "avaligner_bench.hpp"
#include "fatal_warnings.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

class AvAlignerPads : public FatalWarningsTest {
 protected:
  static bool has_pad(AlignerBench& bench, const char* name) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), name));
    return static_cast<bool>(pad);
  }
  static std::string request(AlignerBench& bench, const char* name) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), name));
    return pad ? GST_OBJECT_NAME(pad.get()) : "";
  }
};
class AvAlignerProperties : public FatalWarningsTest {};
class AvAligner : public FatalWarningsTest {};
class AvAlignerFallback : public FatalWarningsTest {};
class AvAlignerReports : public FatalWarningsTest {};
class AvAlignerStats : public FatalWarningsTest {};
class AvAlignerFrames : public FatalWarningsTest {};

// ---- pads

TEST_F(AvAlignerPads, ComeInPairs) {
  AlignerBench bench;
  EXPECT_EQ(request(bench, "audio_0"), "audio_0");
  EXPECT_TRUE(has_pad(bench, "audio_src_0"));
  EXPECT_FALSE(has_pad(bench, "video_src_0"));
  EXPECT_EQ(request(bench, "video_7"), "video_7");
  EXPECT_TRUE(has_pad(bench, "video_src_7"));
}

TEST_F(AvAlignerPads, WithoutANumberTakeTheNextOneThatIsFree) {
  AlignerBench bench;
  EXPECT_EQ(request(bench, "audio_1"), "audio_1");
  EXPECT_EQ(request(bench, "audio_%u"), "audio_0");
  EXPECT_EQ(request(bench, "audio_%u"), "audio_2");
  EXPECT_EQ(request(bench, "video_%u"), "video_0");
}

TEST_F(AvAlignerPads, OfAnotherNameAreRefused) {
  AlignerBench bench;
  EXPECT_EQ(request(bench, "audio_0"), "audio_0");
  for (const char* wrong : {"audio_src_1", "audio_", "audio_x", "audio_-1", "audio_1x", "audio_00",
                            "audio_01", "audio_4294967296", "text_0", "sink"})
    EXPECT_EQ(request(bench, wrong), "") << wrong;
  EXPECT_EQ(request(bench, "audio_4294967295"), "audio_4294967295");
}

TEST_F(AvAlignerPads, OfTheOtherKindsTemplateAreRefused) {
  AlignerBench bench;
  GstPadTemplate* video = gst_element_get_pad_template(bench.element(), "video_%u");
  auto* klass =
      GST_ELEMENT_GET_CLASS(bench.element());  // GStreamer itself asks with good names only
  EXPECT_FALSE(klass->request_new_pad(bench.element(), video, "audio_0", nullptr));
}

TEST_F(AvAlignerPads, GoInPairsAndMayComeAgain) {
  AlignerBench bench;
  for (int round = 0; round < 3; ++round) {
    auto& stream = bench.add("video_0");
    bench.release(stream);
    EXPECT_FALSE(has_pad(bench, "video_0"));
    EXPECT_FALSE(has_pad(bench, "video_src_0"));
  }
}

TEST_F(AvAlignerPads, AreLinkedInside) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  bench.add("audio_1");
  for (auto [from, to] : {std::pair{audio.in(), audio.out()}, {audio.out(), audio.in()}}) {
    GstIterator* links = gst_pad_iterate_internal_links(from);
    GValue value = G_VALUE_INIT;
    ASSERT_EQ(gst_iterator_next(links, &value), GST_ITERATOR_OK);
    EXPECT_EQ(g_value_get_object(&value), to);
    g_value_reset(&value);
    EXPECT_EQ(gst_iterator_next(links, &value), GST_ITERATOR_DONE);
    g_value_unset(&value);
    gst_iterator_free(links);
  }
}

TEST_F(AvAlignerPads, ThatAreKeptAfterTheirReleaseAnswerNothing) {
  AlignerBench bench;
  const auto pad =
      GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "audio_0"));
  const auto out =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), "audio_src_0"));
  gst_element_release_request_pad(bench.element(), pad.get());
  for (GstPad* each : {pad.get(), out.get()}) {
    GstQuery* query = gst_query_new_latency();
    EXPECT_FALSE(gst_pad_query(each, query));
    gst_query_unref(query);
  }
  EXPECT_EQ(gst_pad_chain(pad.get(), gst_buffer_new()), GST_FLOW_FLUSHING);
}

TEST_F(AvAlignerPads, OutliveTheElement) {
  GstPtr<GstPad> in;
  GstPtr<GstPad> out;
  {
    AlignerBench bench;
    auto& stream = bench.add("audio_0");
    stream.push_all(0, 50);
    ASSERT_TRUE(stream.wait_for("#50"));
    in = GstPtr<GstPad>::share(stream.in());
    out = GstPtr<GstPad>::share(stream.out());
  }
  GstIterator* links = gst_pad_iterate_internal_links(in.get());
  if (links)
    gst_iterator_free(links);
  EXPECT_FALSE(gst_pad_is_active(in.get()));
  EXPECT_FALSE(gst_pad_is_active(out.get()));
}

TEST_F(AvAlignerPads, AreReleasedWhileTheirStreamIsHeld) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 10);
  bench.wait_for_deadline();
  bench.release(audio);
  EXPECT_EQ(gst_structure_n_fields(bench.stats().get()), 1) << "lead";
}

TEST_F(AvAlignerPads, AnElementWithPadsThatNeverPlayedIsDisposedOf) {
  for (int round = 0; round < 100; ++round) {
    const auto state = round % 2 == 0 ? GST_STATE_NULL : GST_STATE_READY;
    auto* element = gst_element_factory_make("avaligner", nullptr);
    ASSERT_TRUE(element);
    gst_object_ref_sink(element);
    gst_element_set_state(element, state);
    GstPad* pad = gst_element_request_pad_simple(element, "audio_0");
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(pad);
    gst_object_unref(element);
  }
}

// ---- properties

TEST_F(AvAlignerProperties, HaveTheirDefaultsAndRanges) {
  AlignerBench bench;
  auto* klass = G_OBJECT_GET_CLASS(bench.element());
  for (const char* name : {"audio-delay", "video-lag", "lead"}) {
    const auto* spec = G_PARAM_SPEC_INT64(g_object_class_find_property(klass, name));
    EXPECT_EQ(spec->default_value, 0) << name;
    EXPECT_EQ(spec->minimum, G_MININT64) << name;
    EXPECT_EQ(spec->maximum, G_MAXINT64) << name;
  }
  const auto* most = G_PARAM_SPEC_UINT64(g_object_class_find_property(klass, "max-disagreement"));
  EXPECT_EQ(most->default_value, 250 * GST_MSECOND);
  EXPECT_EQ(most->maximum, static_cast<guint64>(G_MAXINT64));
  const auto* frames = G_PARAM_SPEC_BOOLEAN(g_object_class_find_property(klass, "adjust-frames"));
  EXPECT_FALSE(frames->default_value);
  const auto* trust = G_PARAM_SPEC_ENUM(g_object_class_find_property(klass, "sr-trust"));
  EXPECT_STREQ(g_enum_get_value(trust->enum_class, trust->default_value)->value_nick, "auto");
  EXPECT_EQ(trust->enum_class->n_values, 3u);
  const auto* stats = g_object_class_find_property(klass, "stats");
  EXPECT_EQ(stats->value_type, GST_TYPE_STRUCTURE);
  EXPECT_FALSE(stats->flags & G_PARAM_WRITABLE);
  for (const char* name :
       {"audio-delay", "video-lag", "lead", "max-disagreement", "adjust-frames", "sr-trust"}) {
    const auto* spec = g_object_class_find_property(klass, name);
    EXPECT_TRUE(spec->flags & G_PARAM_WRITABLE) << name;
    EXPECT_TRUE(spec->flags & GST_PARAM_MUTABLE_PLAYING) << name;
  }
}

TEST_F(AvAlignerProperties, AreReadAsTheyWereWritten) {
  AlignerBench bench{
      "sr-trust=always audio-delay=-6500000 video-lag=40000000 "
      "max-disagreement=1 adjust-frames=true"};
  gint trust = 0;
  gint64 delay = 0;
  gint64 lag = 0;
  guint64 most = 0;
  gboolean adjusts = FALSE;
  g_object_get(bench.element(), "sr-trust", &trust, "audio-delay", &delay, "video-lag", &lag,
               "max-disagreement", &most, "adjust-frames", &adjusts, nullptr);
  EXPECT_EQ(trust, 2);
  EXPECT_EQ(delay, -6'500'000);
  EXPECT_EQ(lag, 40'000'000);
  EXPECT_EQ(most, 1u);
  EXPECT_TRUE(adjusts);
}

TEST_F(AvAlignerProperties, AtTheEndsOfTheirRangesHarmNobody) {
  for (const char* extreme : {"9223372036854775807", "-9223372036854775808"}) {
    AlignerBench bench{std::string{"video-lag="} + extreme + " audio-delay=" + extreme};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    for (std::int64_t n = 0; n < 50; ++n) {
      EXPECT_EQ(audio.push(2 * n), GST_FLOW_OK);
      EXPECT_EQ(video.push(n), GST_FLOW_OK);
      EXPECT_EQ(audio.push(2 * n + 1), GST_FLOW_OK);
    }
    EXPECT_TRUE(audio.wait_for_buffers(100));
    EXPECT_TRUE(video.wait_for_buffers(50));
  }
}

// ---- held at the start

TEST_F(AvAligner, HoldsAStreamAtItsStartForWhatArrivesInThatTime) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 39);  // 780 ms
  EXPECT_FALSE(flag_of(bench.stats(audio).get(), "placed"));
  EXPECT_EQ(bench.count(audio, "held"), 40u);
  auto last = audio.unit(40);
  last.arrival -= 1ns;
  audio.push(last);
  EXPECT_EQ(bench.count(audio, "held"), 41u) << "one nanosecond is missing";
  audio.push(41);
  ASSERT_TRUE(audio.wait_for_buffers(42));
  EXPECT_TRUE(flag_of(bench.stats(audio).get(), "placed"));
  EXPECT_EQ(bench.count(audio, "held"), 0u);
  EXPECT_EQ(audio.order().substr(0, 47), "stream-start caps segment onair-timeline #0 #1 ");
}

TEST_F(AvAligner, HoldsAStreamAtItsStartByTheClockWhenNothingMoreComes) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 2);
  EXPECT_EQ(bench.wait_for_deadline(), kStartHold);
  bench.set_time(kStartHold - 1ns);
  EXPECT_EQ(bench.wait_for_deadline(), kStartHold) << "it goes on waiting";
  EXPECT_EQ(audio.buffers().size(), 0u);
  bench.set_time(kStartHold);
  EXPECT_TRUE(audio.wait_for_buffers(3));
}

TEST_F(AvAligner, HoldsEachStreamFromItsOwnFirstUnitOn) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  audio.push_all(0, 25);   // to 500 ms
  video.push_all(13, 19);  // from 520 ms on
  audio.push_all(39, 40);
  ASSERT_TRUE(audio.wait_for("#40"));
  EXPECT_EQ(bench.count(video, "held"), 7u);
  EXPECT_EQ(bench.crank(), 13 * kVideoSpacing + kStartHold);
  EXPECT_TRUE(video.wait_for_buffers(7));
}

TEST_F(AvAligner, WhatFlowsPassesAtOnce) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 40);
  ASSERT_TRUE(audio.wait_for("#40"));
  for (std::int64_t n = 41; n < 60; ++n) {
    audio.push(n);
    ASSERT_TRUE(audio.wait_for("#" + std::to_string(n)));
  }
}

// ---- times

TEST_F(AvAligner, SoundIsContiguousWhateverTheArrivals) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 0; n < 200; ++n)
    audio.push(audio.unit(n).late(n * 7 % 13 * 10ms));  // up to 120 ms
  ASSERT_TRUE(audio.wait_for_buffers(200));
  for (std::int64_t n = 0; n < 200; ++n)
    ASSERT_EQ(audio.pts(n), n * kAudioSpacing) << n;
  EXPECT_EQ(audio.order().find("gap"), std::string::npos);
}

TEST_F(AvAligner, SoundAndPictureThatArriveTogetherGoOutTogether) {
  for (const char* caps : {"", "application/x-rtp, payload=(int)96",
                           "video/x-raw, format=(string)I420, width=(int)4, height=(int)4"}) {
    AlignerBench bench;
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0", caps);
    for (std::int64_t n = 0; n < 100; ++n) {
      audio.push(audio.unit(2 * n).late(n * 5 % 7 * 3ms));
      video.push(video.unit(n).late(n * 3 % 7 * 6ms));
      audio.push(audio.unit(2 * n + 1).late(n * 2 % 7 * 3ms));
    }
    ASSERT_TRUE(audio.wait_for_buffers(200));
    ASSERT_TRUE(video.wait_for_buffers(100));
    for (std::int64_t n = 0; n < 100; ++n) {
      ASSERT_EQ(audio.pts(2 * n), n * kVideoSpacing);
      ASSERT_EQ(video.pts(n), n * kVideoSpacing) << caps;
    }
    EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
  }
}

TEST_F(AvAligner, VideoLagSaysHowMuchLongerThePictureTakes) {
  AlignerBench bench{"video-lag=60000000"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 50; ++n) {
    audio.push(2 * n);
    video.push(video.unit(n + 2));  // those of before the first sound stay away
    audio.push(2 * n + 1);
  }
  ASSERT_TRUE(video.wait_for("#51"));
  EXPECT_EQ(audio.pts(10), 10 * kAudioSpacing);
  EXPECT_EQ(video.pts(12), 12 * kVideoSpacing - 60ms);
  EXPECT_EQ(video.pts(51), 51 * kVideoSpacing - 60ms);
}

TEST_F(AvAligner, AudioDelayMovesTheSoundAndCanBeChangedLive) {
  AlignerBench bench{"audio-delay=5000000"};
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 5; n < 60; ++n)
    audio.push(n);
  ASSERT_TRUE(audio.wait_for("#59"));
  EXPECT_EQ(audio.pts(59), 59 * kAudioSpacing - 5ms);
  bench.set("audio-delay", "25000000");
  audio.push(60);
  ASSERT_TRUE(audio.wait_for("#60"));
  EXPECT_EQ(audio.pts(60), 60 * kAudioSpacing - 25ms);
}

TEST_F(AvAligner, LeadBeginsTheTimeLineWhereAnotherHasGotTo) {
  AlignerBench bench{"audio-delay=5000000 lead=2000000000"};
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 5; n < 60; ++n)
    audio.push(n);
  ASSERT_TRUE(audio.wait_for("#59"));
  EXPECT_EQ(audio.pts(59), 59 * kAudioSpacing - 5ms + 2s);
  EXPECT_EQ(int64_of(bench.stats().get(), "lead"), (2s / 1ns));
}

TEST_F(AvAligner, PacketsOfOneFrameHaveOneTime) {
  AlignerBench bench;
  auto& video = bench.add("video_0", "application/x-rtp");
  for (std::int64_t n = 0; n < 90; ++n) {
    auto packet = video.unit(n / 3);
    packet.n = n;
    packet.arrival += n % 3 * 1ms;
    video.push(packet);
  }
  ASSERT_TRUE(video.wait_for("#89"));
  for (std::int64_t n = 0; n < 90; ++n)
    EXPECT_EQ(video.pts(n), n / 3 * kVideoSpacing);
}

TEST_F(AvAligner, DtsKeepsItsDistanceFromPts) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 30; ++n) {
    auto frame = video.unit(n + 10);
    frame.pts = ns(frame.arrival + 70ms);  // whatever it was
    frame.dts = frame.pts - 30 * GST_MSECOND;
    video.push(frame);
  }
  ASSERT_TRUE(video.wait_for("#39"));
  for (std::int64_t n = 10; n < 40; ++n) {
    EXPECT_EQ(video.pts(n), n * kVideoSpacing);
    EXPECT_EQ(GST_BUFFER_DTS(video.buffer(n).get()), ns(n * kVideoSpacing - 30ms));
  }
}

TEST_F(AvAligner, ADtsWithoutPtsIsThePtsAndNoneIsNone) {
  AlignerBench bench;
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 30; ++n) {
    auto frame = video.unit(n);
    frame.pts = GST_CLOCK_TIME_NONE;
    frame.dts = n % 2 == 0 ? 5 * GST_SECOND : GST_CLOCK_TIME_NONE;
    video.push(frame);
  }
  ASSERT_TRUE(video.wait_for("#29"));
  EXPECT_EQ(GST_BUFFER_PTS(video.buffer(28).get()), ns(28 * kVideoSpacing));
  EXPECT_EQ(GST_BUFFER_DTS(video.buffer(28).get()), ns(28 * kVideoSpacing));
  EXPECT_EQ(GST_BUFFER_PTS(video.buffer(29).get()), ns(29 * kVideoSpacing));
  EXPECT_EQ(GST_BUFFER_DTS(video.buffer(29).get()), GST_CLOCK_TIME_NONE);
}

TEST_F(AvAligner, ABufferThatIsSharedIsCopiedAndNotChanged) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  const auto mine = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  GST_BUFFER_OFFSET(mine.get()) = 0;
  RtpMetas metas;
  metas.add_times(mine.get(), 1, 48'000, MediaTime{kAudioMedia}, RunningTime{300ms});
  gst_pad_push(audio.feeder(), gst_buffer_ref(mine.get()));
  bench.crank();
  ASSERT_TRUE(audio.wait_for_buffers(1));
  EXPECT_EQ(GST_BUFFER_PTS(mine.get()), GST_CLOCK_TIME_NONE);
  EXPECT_EQ(audio.pts(0), 300ms);
}

TEST_F(AvAligner, TheFirstBufferIsADiscontinuityAndThenOnesBehindABreak) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 99);
  for (std::int64_t n = 100; n < 200; ++n) {
    auto unit = audio.unit(n).of(kOtherSsrc);
    unit.media += 1h;
    audio.push(unit);
  }
  ASSERT_TRUE(audio.wait_for_buffers(200));
  for (std::int64_t n = 0; n < 200; ++n) {
    EXPECT_EQ(GST_BUFFER_IS_DISCONT(audio.buffer(n).get()) != FALSE, n == 0 || n == 100) << n;
    EXPECT_EQ(audio.pts(n), n * kAudioSpacing) << "it goes on where the old one would be";
  }
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "avaligner-rebase");
  ASSERT_EQ(told.size(), 1u);
  const GstStructure* rebase = gst_message_get_structure(told[0].get());
  EXPECT_EQ(text_of(rebase, "pad"), "audio_0");
  EXPECT_EQ(int64_of(rebase, "by"), -Duration{1h}.count());
  EXPECT_EQ(bench.count(audio, "rebases"), 1u);
}

TEST_F(AvAligner, WhatIsHeldForABreakGoesByTheClockWhenNothingMoreComes) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  audio.push_all(0, 49);
  auto unit = audio.unit(50);
  unit.media += 1h;
  audio.push(unit);
  ASSERT_TRUE(audio.wait_for("#49"));
  EXPECT_EQ(bench.count(audio, "held"), 1u);
  EXPECT_EQ(bench.crank(), 50 * kAudioSpacing + kLatency);
  ASSERT_TRUE(audio.wait_for("#50"));
  EXPECT_EQ(audio.pts(50), 50 * kAudioSpacing);
}

TEST_F(AvAligner, TwoRenditionsOfOneSourceStayTogether) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& high = bench.add("video_0");
  auto& low = bench.add("video_1");
  for (std::int64_t n = 0; n < 100; ++n) {
    audio.push(2 * n);
    high.push(high.unit(n).late(n * 3 % 7 * 6ms));
    low.push(low.unit(n).late(n * 2 % 7 * 6ms));
    audio.push(2 * n + 1);
  }
  ASSERT_TRUE(high.wait_for("#99"));
  ASSERT_TRUE(low.wait_for("#99"));
  for (std::int64_t n = 0; n < 100; ++n)
    EXPECT_EQ(high.pts(n), low.pts(n)) << n;
}

// ---- without metas

TEST_F(AvAlignerFallback, GoesByTimestampsAndSaysSoOnce) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 100; ++n) {
    audio.push(audio.unit(n).without_metas());
    if (n % 2 == 0)
      video.push(n / 2);
  }
  ASSERT_TRUE(audio.wait_for("#99"));
  for (std::int64_t n = 0; n < 100; ++n)
    EXPECT_EQ(audio.pts(n), n * kAudioSpacing);
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "avaligner-source");
  ASSERT_EQ(told.size(), 1u);
  const GstStructure* source = gst_message_get_structure(told[0].get());
  EXPECT_EQ(text_of(source, "source"), "timestamp");
  EXPECT_EQ(text_of(source, "pad"), "audio_0");
  EXPECT_EQ(text_of(bench.stats(audio).get(), "source"), "timestamp");
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
}

TEST_F(AvAlignerFallback, BuffersWithoutTimestampsAreTimedByTheirComing) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 0; n < 60; ++n) {
    auto unit = audio.unit(n).without_metas();
    unit.pts = GST_CLOCK_TIME_NONE;
    audio.push(unit);
  }
  ASSERT_TRUE(audio.wait_for("#59"));
  EXPECT_EQ(audio.pts(59), 59 * kAudioSpacing);
}

// As a decoder makes them that conceals a loss.
TEST_F(AvAlignerFallback, ABufferWithoutMetasAmongOthersKeepsItsDistanceFromThem) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  for (std::int64_t n = 0; n < 200; ++n) {
    auto unit = audio.unit(n);
    unit.pts += 123 * GST_MSECOND;
    if (n % 20 == 7 || (n > 100 && n < 110))
      unit.without_metas();
    audio.push(unit);
  }
  ASSERT_TRUE(audio.wait_for("#199"));
  ASSERT_EQ(audio.buffers().size(), 200u);
  for (std::int64_t n = 0; n < 200; ++n) {
    EXPECT_EQ(audio.pts(n), n * kAudioSpacing) << n;
    EXPECT_EQ(GST_BUFFER_IS_DISCONT(audio.buffer(n).get()) != FALSE, n == 0) << n;
  }
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "avaligner-source").empty());
  EXPECT_EQ(bench.count(audio, "rebases"), 0u);
}

// What a stock jitter buffer held when the element found it has no arrival times.
TEST_F(AvAlignerFallback, TheFirstBuffersMayBeWithoutMetas) {
  for (const std::int64_t without : {1, 3, 4, 10, 60}) {
    AlignerBench bench;
    auto& audio = bench.add("audio_0");
    for (std::int64_t n = 0; n < 200; ++n) {
      auto unit = audio.unit(n);
      if (n < without)
        unit.without_metas();
      audio.push(unit);
    }
    ASSERT_TRUE(audio.wait_for("#199"));
    ASSERT_EQ(audio.buffers().size(), 200u);
    for (std::int64_t n = 0; n < 200; ++n)
      ASSERT_EQ(audio.pts(n), n * kAudioSpacing) << n << ", without: " << without;
  }
}

// ---- sender reports

// Where the sound's clock is zero it is 3,900,000,000 s since 1900.
constexpr Duration kCentury{3'900'000'000s};

struct Call {
  // The picture was captured `lag` earlier than its arrival says.
  static void talk(AlignerStream& audio, AlignerStream& video, std::int64_t from, std::int64_t to,
                   Duration lag) {
    for (std::int64_t n = from; n <= to; ++n) {
      auto first = audio.unit(2 * n);
      auto frame = video.unit(n);
      auto second = audio.unit(2 * n + 1);
      const auto report_every_second = n / 25 * 1us * 2;  // else it is no new one
      first.ntp = kCentury + first.arrival + report_every_second;
      second.ntp = kCentury + second.arrival + report_every_second;
      frame.ntp = kCentury + frame.arrival - lag + report_every_second;
      audio.push(first);
      video.push(frame);
      audio.push(second);
    }
  }
};

TEST_F(AvAlignerReports, PlaceThePictureWhereItWasCaptured) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  Call::talk(audio, video, 0, 499, 50ms);
  ASSERT_TRUE(video.wait_for("#499"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "report");
  EXPECT_NEAR(static_cast<double>(video.pts(499).count()),
              static_cast<double>((499 * kVideoSpacing - 50ms).count()), 1e6);
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "avaligner-source");
  ASSERT_GE(told.size(), 1u);
  EXPECT_EQ(text_of(gst_message_get_structure(told[0].get()), "source"), "report");
  EXPECT_EQ(text_of(gst_message_get_structure(told[0].get()), "pad"), "video_0");
  EXPECT_GT(bench.count(video, "reports"), 10u);
  EXPECT_NEAR(static_cast<double>(int64_of(bench.stats(video).get(), "learned-lag")), 50e6, 1e6);
}

TEST_F(AvAlignerReports, HaveTaughtTheNextPadOfItsSenderToo) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  Call::talk(audio, video, 0, 499, 50ms);
  ASSERT_TRUE(video.wait_for("#499"));
  bench.release(video);
  auto& next = bench.add("video_1");
  for (std::int64_t n = 500; n < 550; ++n) {
    audio.push(2 * n);
    next.push(next.unit(n).of(kOtherSsrc));
    audio.push(2 * n + 1);
  }
  ASSERT_TRUE(next.wait_for("#549"));
  EXPECT_EQ(text_of(bench.stats(next).get(), "source"), "arrival");
  for (const std::int64_t n : {500, 549})
    EXPECT_NEAR(static_cast<double>(next.pts(n).count()),
                static_cast<double>((n * kVideoSpacing - 50ms).count()), 1e6);
}

TEST_F(AvAlignerReports, CaptureTimesInPacketsPlaceItTooAndSaySo) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  for (std::int64_t n = 0; n < 500; ++n) {
    for (auto unit : {audio.unit(2 * n), audio.unit(2 * n + 1)}) {
      unit.ntp = kCentury + unit.arrival;
      unit.ntp_source = RtpMetas::NtpSource::CaptureTime;
      audio.push(unit);
    }
    auto frame = video.unit(n);
    frame.ntp = kCentury + frame.arrival - 50ms;
    frame.ntp_source = RtpMetas::NtpSource::CaptureTime;
    video.push(frame);
  }
  ASSERT_TRUE(video.wait_for("#499"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "capture");
  EXPECT_NEAR(static_cast<double>(video.pts(499).count()),
              static_cast<double>((499 * kVideoSpacing - 50ms).count()), 1e6);
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "avaligner-source");
  ASSERT_GE(told.size(), 1u);
  EXPECT_EQ(text_of(gst_message_get_structure(told.back().get()), "source"), "capture");
}

TEST_F(AvAlignerReports, AreIgnoredWhereTheyDisagreeTooMuch) {
  AlignerBench bench{"max-disagreement=100000000"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  Call::talk(audio, video, 10, 300, 150ms);
  ASSERT_TRUE(video.wait_for("#300"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
  EXPECT_EQ(video.pts(300), 300 * kVideoSpacing);
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "avaligner-disagreement");
  ASSERT_GE(told.size(), 1u);
  EXPECT_NEAR(static_cast<double>(int64_of(gst_message_get_structure(told.back().get()), "by")),
              -150e6, 1e6);
  EXPECT_NEAR(static_cast<double>(int64_of(bench.stats(video).get(), "disagreement")), -150e6, 1e6);
}

TEST_F(AvAlignerReports, AreTrustedOrNotAsTheApplicationSaysWhileTheyCome) {
  AlignerBench bench{"sr-trust=never"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  Call::talk(audio, video, 10, 200, 50ms);
  ASSERT_TRUE(video.wait_for("#200"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
  EXPECT_EQ(video.pts(200), 200 * kVideoSpacing);
  bench.set("sr-trust", "always");
  Call::talk(audio, video, 201, 400, 50ms);
  ASSERT_TRUE(video.wait_for("#400"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "report");
  EXPECT_NEAR(static_cast<double>(video.pts(400).count()),
              static_cast<double>((400 * kVideoSpacing - 50ms).count()), 1e6);
  bench.set("sr-trust", "never");
  Call::talk(audio, video, 401, 402, 50ms);
  ASSERT_TRUE(video.wait_for("#402"));
  EXPECT_EQ(text_of(bench.stats(video).get(), "source"), "arrival");
}

// ---- stats

TEST_F(AvAlignerStats, HaveTheFieldsAndTypesThatAreDocumented) {
  AlignerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_3");
  EXPECT_STREQ(gst_structure_get_name(bench.stats().get()), "application/x-avaligner-stats");
  EXPECT_EQ(gst_structure_n_fields(bench.stats().get()), 3) << "nothing is placed";
  Call::talk(audio, video, 0, 200, 50ms);
  ASSERT_TRUE(video.wait_for("#200"));
  const auto stats = bench.stats();
  const auto expect = [](const GstStructure* structure,
                         std::vector<std::pair<const char*, GType>> fields) {
    for (const auto& [name, type] : fields)
      EXPECT_EQ(gst_structure_get_field_type(structure, name), type) << name;
    EXPECT_EQ(static_cast<std::size_t>(gst_structure_n_fields(structure)), fields.size());
  };
  expect(stats.get(), {{"lead", G_TYPE_INT64},
                       {"running-time", G_TYPE_INT64},
                       {"receiver-running-time", G_TYPE_INT64},
                       {"ntp-time", G_TYPE_UINT64},
                       {"audio_0", GST_TYPE_STRUCTURE},
                       {"video_3", GST_TYPE_STRUCTURE}});
  expect(bench.stats(video).get(), {{"ssrc", G_TYPE_UINT},
                                    {"placed", G_TYPE_BOOLEAN},
                                    {"master", G_TYPE_BOOLEAN},
                                    {"source", G_TYPE_STRING},
                                    {"offset", G_TYPE_INT64},
                                    {"delay", G_TYPE_INT64},
                                    {"confidence", G_TYPE_UINT64},
                                    {"rate-ppm", G_TYPE_DOUBLE},
                                    {"rate-deviation-ppm", G_TYPE_DOUBLE},
                                    {"learned-lag", G_TYPE_INT64},
                                    {"reports", G_TYPE_UINT64},
                                    {"report-scatter", G_TYPE_UINT64},
                                    {"disagreement", G_TYPE_INT64},
                                    {"rebases", G_TYPE_UINT64},
                                    {"slews", G_TYPE_UINT64},
                                    {"steps", G_TYPE_UINT64},
                                    {"squeezed", G_TYPE_UINT64},
                                    {"dropped", G_TYPE_UINT64},
                                    {"held", G_TYPE_UINT64}});
  EXPECT_TRUE(flag_of(bench.stats(audio).get(), "master"));
  EXPECT_FALSE(flag_of(bench.stats(video).get(), "master"));
  guint ssrc = 0;
  EXPECT_TRUE(gst_structure_get_uint(bench.stats(video).get(), "ssrc", &ssrc));
  EXPECT_EQ(ssrc, kVideoSsrc);
  EXPECT_EQ(int64_of(bench.stats(audio).get(), "offset"), -kAudioMedia.count());
  EXPECT_EQ(int64_of(stats.get(), "receiver-running-time"), (401 * kAudioSpacing).count());
  EXPECT_EQ(int64_of(stats.get(), "running-time"), (401 * kAudioSpacing).count());
}

// ---- raw frames

constexpr const char* kRawCaps = "video/x-raw, format=(string)I420, width=(int)4, height=(int)4";

// The picture is 400 ms off for a while; then reports tell.
struct Step {
  static void make(AlignerBench& bench, AlignerStream& audio, AlignerStream& video, Duration by) {
    Call::talk(audio, video, 20, 100, by);
    bench.set("sr-trust", "always");
    Call::talk(audio, video, 101, 110, by);
  }
};

TEST_F(AvAlignerFrames, AreRepeatedIntoTheHoleThatAStepLeaves) {
  AlignerBench bench{"sr-trust=never adjust-frames=true"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kRawCaps);
  Step::make(bench, audio, video, -400ms);
  ASSERT_TRUE(video.wait_for("#110"));
  EXPECT_EQ(bench.count(video, "steps"), 1u);
  const auto frames = video.buffers();
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const auto interval =
        GST_BUFFER_PTS(frames[i].buffer.get()) - GST_BUFFER_PTS(frames[i - 1].buffer.get());
    EXPECT_NEAR(static_cast<double>(interval), 40e6, 1e3) << i << ": " << frames[i].name;
    EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(frames[i].buffer.get(), GST_BUFFER_FLAG_DISCONT));
  }
  EXPECT_EQ(frames.size(), 91u + 10u) << "400 ms are ten frames";
}

TEST_F(AvAlignerFrames, AreDroppedWhereThereIsNoRoom) {
  AlignerBench bench{"sr-trust=never adjust-frames=true"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kRawCaps);
  Call::talk(audio, video, 20, 100, 400ms);
  bench.set("sr-trust", "always");
  Call::talk(audio, video, 101, 130, 400ms);
  ASSERT_TRUE(video.wait_for("#130"));
  EXPECT_EQ(bench.count(video, "steps"), 1u);
  EXPECT_GT(bench.count(video, "squeezed"), 0u);
  const auto frames = video.buffers();
  for (std::size_t i = 1; i < frames.size(); ++i)
    EXPECT_GE(GST_BUFFER_PTS(frames[i].buffer.get()),
              GST_BUFFER_PTS(frames[i - 1].buffer.get()) + ns(kVideoSpacing / 2))
        << frames[i].name;
  EXPECT_EQ(frames.size(), 111u - bench.count(video, "squeezed"));
}

TEST_F(AvAlignerFrames, StayAsTheyAreUnlessThatIsWanted) {
  for (const char* caps : {kRawCaps, "video/x-h264"}) {
    const bool is_raw = caps == std::string{kRawCaps};
    AlignerBench bench{std::string{"sr-trust=never adjust-frames="} + (is_raw ? "false" : "true")};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0", caps);
    Step::make(bench, audio, video, -400ms);
    ASSERT_TRUE(video.wait_for("#110"));
    EXPECT_EQ(video.buffers().size(), 91u);
  }
}

// What is repeated is of the same size as what surrounds it.
TEST_F(AvAlignerFrames, OfOtherCapsAreNotRepeated) {
  AlignerBench bench{"sr-trust=never adjust-frames=true"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kRawCaps);
  Call::talk(audio, video, 20, 100, -400ms);
  bench.set("sr-trust", "always");
  video.push_caps("video/x-raw, format=(string)I420, width=(int)8, height=(int)8");
  Call::talk(audio, video, 101, 110, -400ms);
  ASSERT_TRUE(video.wait_for("#110"));
  EXPECT_EQ(video.buffers().size(), 91u);
}

TEST_F(AvAlignerFrames, OfBeforeItWasSwitchedOffAreNotRepeatedLater) {
  AlignerBench bench{"sr-trust=never adjust-frames=true"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kRawCaps);
  Call::talk(audio, video, 20, 80, -400ms);
  ASSERT_TRUE(video.wait_for("#80"));
  bench.set("adjust-frames", "false");
  Call::talk(audio, video, 81, 100, -400ms);
  ASSERT_TRUE(video.wait_for("#100"));
  bench.set("adjust-frames", "true");
  bench.set("sr-trust", "always");
  Call::talk(audio, video, 101, 110, -400ms);
  ASSERT_TRUE(video.wait_for("#110"));
  for (const auto& item : video.buffers())
    EXPECT_TRUE(item.name != "#80" || GST_BUFFER_PTS(item.buffer.get()) == ns(80 * kVideoSpacing));
}

}  // namespace
}  // namespace onair::test
