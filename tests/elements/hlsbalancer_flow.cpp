// SPDX-License-Identifier: LGPL-2.1-or-later
// hlsbalancer: pads, events, queries, timestamps, states and threads.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "busy.hpp"
#include "fatal_warnings.hpp"
#include "hlsbalancer_bench.hpp"

namespace onair::test {
namespace {

using Strings = std::vector<std::string>;

class HlsBalancerFlow : public FatalWarningsTest {};

// ---- pads

TEST_F(HlsBalancerFlow, PadsComeInPairsAndFindEachOther) {
  BalancerBench bench;
  auto& audio = bench.add("audio_%u");
  auto& video = bench.add("video_7");
  EXPECT_EQ(audio.name(), "audio_0");
  EXPECT_STREQ(GST_OBJECT_NAME(audio.out()), "audio_src_0");
  EXPECT_STREQ(GST_OBJECT_NAME(video.out()), "video_src_7");
  for (auto* stream : {&audio, &video})
    for (const bool from_sink : {true, false}) {
      auto* links = gst_pad_iterate_internal_links(from_sink ? stream->in() : stream->out());
      GValue value = G_VALUE_INIT;
      ASSERT_EQ(gst_iterator_next(links, &value), GST_ITERATOR_OK);
      EXPECT_EQ(g_value_get_object(&value), from_sink ? stream->out() : stream->in());
      g_value_unset(&value);
      gst_iterator_free(links);
    }
  EXPECT_EQ(gst_element_request_pad_simple(bench.element(), "video_07"), nullptr);
  bench.give_back(video);
  EXPECT_EQ(gst_element_get_static_pad(bench.element(), "video_src_7"), nullptr);
  EXPECT_EQ(bench.add("video_7").name(), "video_7");
}

TEST_F(HlsBalancerFlow, PicturesAreWholeFrames) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_query_caps(video.in(), nullptr));
  const auto nal = GstPtr<GstCaps>::adopt(gst_caps_from_string("video/x-h264,alignment=nal"));
  const auto au = GstPtr<GstCaps>::adopt(gst_caps_from_string("video/x-h264,alignment=au"));
  EXPECT_FALSE(gst_caps_can_intersect(caps.get(), nal.get()));
  EXPECT_TRUE(gst_caps_can_intersect(caps.get(), au.get()));
}

TEST_F(HlsBalancerFlow, WhoWaitsForAPadThatIsReleasedGoesOn) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  bench.wait_for_deadline();
  bench.give_back(video);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), Strings{"0@0 S0"});
}

TEST_F(HlsBalancerFlow, APadThatIsReleasedWhileItWaitsIsFlushing) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  bench.wait_for_deadline();
  bench.give_back(audio);
  EXPECT_EQ(sound.get(), GST_FLOW_FLUSHING);
}

TEST_F(HlsBalancerFlow, DownstreamsAnswerIsItsOwnStreams) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  video.answer_buffers_with(GST_FLOW_NOT_LINKED);
  auto picture = on_a_thread([&] { return video.key(0s); });
  EXPECT_EQ(audio.sound(0s), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_NOT_LINKED);
}

// ---- events and queries

TEST_F(HlsBalancerFlow, RequestsFromDownstreamEndHereAndSoDoTheEncodersAnnouncements) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(0s);
  const auto own = video.requests();
  gst_pad_push_event(video.recorder(),
                     gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 1));
  EXPECT_EQ(video.requests(), own);
  EXPECT_TRUE(video.push_event(
      gst_video_event_new_downstream_force_key_unit(40'000'000, 40'000'000, 40'000'000, TRUE, 7)));
  video.picture(40ms);
  EXPECT_EQ(video.out_order(), "|0@0 K0 D40");
}

TEST_F(HlsBalancerFlow, OtherEventsPassInTheirPlaces) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(0s);
  video.push_custom("theirs");
  video.picture(40ms);
  video.push_caps("video/x-h264, stream-format=byte-stream, alignment=au, width=320");
  video.picture(80ms);
  video.push_event(gst_event_new_gap(120 * GST_MSECOND, 40 * GST_MSECOND));
  video.push_event(gst_event_new_eos());
  EXPECT_EQ(video.order(),
            "stream-start caps segment GstForceKeyUnit K0 theirs D40 caps D80 gap eos");
  gst_pad_push_event(video.recorder(), gst_event_new_qos(GST_QOS_TYPE_OVERFLOW, 1.0, 0, 0));
  EXPECT_EQ(video.upstream("qos").size(), 1u);
}

TEST_F(HlsBalancerFlow, LatencyIsUpstreams) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  const auto query = GstPtr<GstQuery>::adopt(gst_query_new_latency());
  ASSERT_TRUE(gst_pad_peer_query(video.recorder(), query.get()));
  gboolean is_live = FALSE;
  GstClockTime least = 0;
  gst_query_parse_latency(query.get(), &is_live, &least, nullptr);
  EXPECT_TRUE(is_live);
  EXPECT_EQ(least, 7 * GST_MSECOND);
}

TEST_F(HlsBalancerFlow, AStreamThatEndsIsNotWaitedFor) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto picture = on_a_thread([&] { return video.key(0s); });
  EXPECT_EQ(audio.sounds(0s, 1s), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  auto sound = on_a_thread([&] { return audio.sounds(1008ms, 2100ms); });
  video.push_event(gst_event_new_eos());
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992"}));
  EXPECT_EQ(video.order_of_events(), "stream-start caps segment GstForceKeyUnit eos");
}

TEST_F(HlsBalancerFlow, AFlushEndsTheWaitAndBeginsANewLine) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto picture = on_a_thread([&] { return video.key(100s); });
  EXPECT_EQ(audio.sounds(99'984ms, 100'900ms), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  auto sound = on_a_thread([&] { return audio.sounds(100'920ms, 103s); });
  bench.wait_for_deadline();
  for (auto* stream : {&audio, &video})
    stream->push_event(gst_event_new_flush_start());
  EXPECT_EQ(sound.get(), GST_FLOW_FLUSHING);
  for (auto* stream : {&audio, &video}) {
    stream->push_event(gst_event_new_flush_stop(TRUE));
    stream->push_segment();
    stream->forget();
  }
  picture = on_a_thread([&] { return video.key(0s); });
  EXPECT_EQ(audio.sounds(0s, 500ms), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), Strings{"1@0 S0!"});
  EXPECT_EQ(video.cuts(), Strings{"1@0 K0!"});
}

TEST_F(HlsBalancerFlow, TimesInASegmentAreMovedAsInRunningTime) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  // Running time 0 is at 1000 s in the one, at 50 s in the other.
  audio.push_segment(ns(1000s));
  video.push_segment(ns(50s));
  auto sound = on_a_thread([&] { return audio.sounds(1000s, 1002s); });
  video.key(50s);
  video.picture(50'100ms);
  video.key(51s);
  EXPECT_EQ(video.cuts(), (Strings{"0@0 K50000", "1@1008 K51008"}));
  video.key(52s);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S1000000", "1@1008 S1001008", "2@1992 S1001992"}));
}

// ---- timestamps

TEST_F(HlsBalancerFlow, ABufferWithoutATimeIsHandedOn) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(0s);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 20, nullptr));
  EXPECT_EQ(video.push_buffer(std::move(buffer)), GST_FLOW_OK);
  EXPECT_EQ(video.buffers().size(), 2u);
}

TEST_F(HlsBalancerFlow, EachPictureHasADecodingTimeThatRisesAndIsNotBehindItsOwn) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(1s, Duration{GST_CLOCK_TIME_NONE});  // none
  video.picture(1100ms, 1200ms);                 // behind
  video.picture(1300ms, 1050ms);                 // back
  video.picture(1200ms, 1150ms);                 // reordered
  video.picture(900ms, 1160ms);                  // shown in front of the key frame
  GstClockTime last = 0;
  for (const auto& item : video.buffers()) {
    const auto* buffer = item.buffer.get();
    ASSERT_TRUE(GST_BUFFER_DTS_IS_VALID(buffer));
    EXPECT_LE(GST_BUFFER_DTS(buffer), GST_BUFFER_PTS(buffer)) << item.name;
    EXPECT_GT(GST_BUFFER_DTS(buffer), last) << item.name;
    EXPECT_GE(GST_BUFFER_PTS(buffer), ns(1s));
    last = GST_BUFFER_DTS(buffer);
  }
}

TEST_F(HlsBalancerFlow, ASharedBufferIsCopiedAndOneThatStaysAsItIsIsNot) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(0s);
  const auto make = [](Duration pts, bool is_delta) {
    auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 20, nullptr));
    GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = ns(pts);
    if (is_delta)
      GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return buffer;
  };
  const auto plain = make(40ms, true);
  const auto key = make(80ms, false);
  video.push_buffer(plain);
  video.push_buffer(key);
  const auto out = video.buffers();
  EXPECT_EQ(out[1].buffer.get(), plain.get());
  EXPECT_NE(out[2].buffer.get(), key.get());
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(key.get(), GST_BUFFER_FLAG_DELTA_UNIT));
}

TEST_F(HlsBalancerFlow, SoundWithoutDurationsIsCountedByItsCodec) {
  struct Case {
    const char* caps;
    double frame_ms;
  };
  for (const auto& [caps, frame_ms] :
       {Case{"audio/mpeg, mpegversion=1, layer=3, rate=48000, channels=2", 24},
        Case{"audio/mpeg, mpegversion=1, layer=3, rate=24000, channels=2", 24},
        Case{"audio/mpeg, mpegversion=1, layer=2, rate=32000, channels=2", 36},
        Case{"audio/mpeg, mpegversion=4, rate=32000, channels=2", 32}}) {
    BalancerBench bench;
    auto& audio = bench.add("audio_0", caps);
    const auto frame =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>{frame_ms});
    for (Duration pts{0}; pts < 1100ms; pts += frame) {
      auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 20, nullptr));
      GST_BUFFER_PTS(buffer.get()) = ns(pts);
      audio.push_buffer(std::move(buffer));
    }
    const auto nearest = (1000ms + frame / 2) / frame * frame / 1ms;
    ASSERT_EQ(audio.cuts().size(), 2u) << caps;
    EXPECT_EQ(audio.cuts()[1], "1@" + std::to_string(nearest) + " S" + std::to_string(nearest))
        << caps;
    for (const auto& out : audio.buffers())
      EXPECT_EQ(GST_BUFFER_DURATION(out.buffer.get()), ns(frame)) << caps;
  }
}

// ---- states

TEST_F(HlsBalancerFlow, WhoWaitsIsLetGoWhenTheElementStops) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  bench.wait_for_deadline();
  bench.set_state(GST_STATE_READY);
  EXPECT_EQ(sound.get(), GST_FLOW_FLUSHING);
}

TEST_F(HlsBalancerFlow, AfterReadyItBeginsAnew) {
  BalancerBench bench{"target-duration=500000000"};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  EXPECT_EQ(bench.stat("boundaries"), 3u);
  bench.set_state(GST_STATE_READY);
  bench.set("target-duration", "1000000000");
  bench.set_state(GST_STATE_PLAYING);
  audio.forget();
  audio.open();
  EXPECT_EQ(audio.sounds(50s, 51'100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@50000 S50000", "1@51008 S51008"}));
}

TEST_F(HlsBalancerFlow, PropertiesAreWhatTheyAreSetTo) {
  BalancerBench bench{"", GST_STATE_READY};
  const auto number = [&](const char* name) {
    guint64 value = 0;
    g_object_get(bench.element(), name, &value, nullptr);
    return value;
  };
  EXPECT_EQ(number("target-duration"), GST_SECOND);
  EXPECT_EQ(number("max-wait"), 2 * GST_SECOND);
  EXPECT_EQ(number("request-ahead"), 3 * GST_SECOND);
  for (const char* name : {"target-duration", "max-wait", "request-ahead"}) {
    bench.set(name, "1234567890");
    EXPECT_EQ(number(name), 1'234'567'890u) << name;
  }
  for (const auto& [name, value] :
       {std::pair{"mode", "passthrough"}, std::pair{"anchor", "epoch"}}) {
    bench.set(name, value);
    gint set = 0;
    g_object_get(bench.element(), name, &set, nullptr);
    EXPECT_EQ(set, 1) << name;
  }
  for (const char* name : {"snap", "configure-sink"}) {
    gboolean value = FALSE;
    g_object_get(bench.element(), name, &value, nullptr);
    EXPECT_TRUE(value) << name;
    bench.set(name, "false");
    g_object_get(bench.element(), name, &value, nullptr);
    EXPECT_FALSE(value) << name;
  }
}

// ---- threads

TEST_F(HlsBalancerFlow, PadsComeAndGoWhileOtherStreamsFlow) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  std::atomic<std::int64_t> newest{0};
  {
    const Busy sound{[&](std::int64_t n) {
      bench.set_time(n * kSoundFrame);
      EXPECT_EQ(audio.sound(n * kSoundFrame), GST_FLOW_OK);
      newest = n;
    }};
    for (int round = 0; round < 40; ++round) {
      auto& video = bench.add("video_1");
      {
        std::atomic<int> pushed{0};
        const Busy picture{[&](std::int64_t n) {
          n % 10 == 0 ? video.key(newest.load() * kSoundFrame)
                      : video.picture(newest.load() * kSoundFrame);
          ++pushed;
        }};
        while (pushed < 3)
          std::this_thread::yield();
        gst_structure_free(bench.stats().release());
        bench.give_back(video);
      }
    }
    const auto before = newest.load();
    while (newest < before + 100)
      std::this_thread::yield();
  }
  std::int64_t last = -1;
  for (const auto& cut : audio.cuts()) {
    EXPECT_GT(std::stoll(cut), last);
    last = std::stoll(cut);
  }
  EXPECT_GT(last, 0);
}

}  // namespace
}  // namespace onair::test
