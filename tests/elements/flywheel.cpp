// SPDX-License-Identifier: LGPL-2.1-or-later
// flywheel: sound.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "flywheel_bench.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

bool is_silent(GstBuffer* buffer) {
  const auto samples = FlywheelBench::samples_of(buffer);
  return std::all_of(samples.begin(), samples.end(), [](auto value) { return value == 0; });
}

bool is_gap(GstBuffer* buffer) {
  return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP);
}

int largest_step(const std::vector<GstBuffer*>& buffers) {
  int step = 0;
  int last = 0;
  for (GstBuffer* buffer : buffers)
    for (const int value : FlywheelBench::samples_of(buffer)) {
      step = std::max(step, std::abs(value - last));
      last = value;
    }
  return step;
}

TEST(FlywheelSound, InTimeItIsHandedOnAsItIs) {
  FlywheelBench bench{{}};
  auto mine = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 1920, nullptr));
  gst_buffer_memset(mine.get(), 0, 7, 1920);
  GST_BUFFER_PTS(mine.get()) = 3;
  GstBuffer* const same = mine.get();
  bench.push_buffer(std::move(mine));
  bench.push_sounds(20ms, 400ms);
  ASSERT_TRUE(bench.wait_for_buffers(20));
  EXPECT_EQ(bench.media()[0], same) << "no copy";
  EXPECT_EQ(GST_BUFFER_PTS(same), 3u);
  EXPECT_EQ(GST_BUFFER_DURATION(same), 20 * GST_MSECOND);
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(same));
  for (std::size_t i = 1; i < 20; ++i)
    EXPECT_FALSE(GST_BUFFER_IS_DISCONT(bench.media()[i]));
  bench.expect_contiguous();
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 0u);
}

TEST(FlywheelSound, IsFilledAtItsUsualLagPlusMaxWaitAndNotBefore) {
  FlywheelBench bench{{.properties = "max-wait=300000000"}};
  bench.push_sounds(0ms, 200ms);
  ASSERT_TRUE(bench.wait_for_buffers(10));
  EXPECT_EQ(bench.wait_for_deadline(), 200ms + FlywheelBench::kLag + 300ms);
  bench.set_time(510ms - 1ns);
  EXPECT_EQ(bench.wait_for_deadline(), 510ms);
  EXPECT_EQ(bench.media().size(), 10u);
  bench.set_time(510ms);
  ASSERT_TRUE(bench.wait_for_buffers(11));
  EXPECT_EQ(bench.wait_for_deadline(), 530ms) << "and so on in real time";
  EXPECT_EQ(bench.media().size(), 11u);
}

TEST(FlywheelSound, GoesOnForSixtyMillisecondsAndThenIsSilent) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1500ms);
  const auto buffers = bench.media();
  ASSERT_EQ(buffers.size(), 25u) << "up to 500 ms";
  for (std::size_t i = 10; i < buffers.size(); ++i) {
    EXPECT_EQ(is_silent(buffers[i]), i >= 13) << i;
    EXPECT_EQ(is_gap(buffers[i]), i >= 13) << i;
  }
  bench.expect_contiguous();
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 300u);
  EXPECT_EQ(bench.stat("concealed-ms"), 60u);
  EXPECT_EQ(bench.stat("silence-ms"), 240u);
  EXPECT_EQ(bench.stat("filling-since"), 200 * GST_MSECOND);
}

TEST(FlywheelSound, JoinsWhereItBelongsWithoutAClick) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1600ms);
  bench.push_sounds(1800ms, 2s);  // the silence between is filled at once
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  const auto buffers = bench.media();
  EXPECT_EQ(GST_BUFFER_PTS(buffers.back()), 1980 * GST_MSECOND);
  EXPECT_FALSE(is_silent(buffers.back()));
  EXPECT_EQ(bench.stat("filled-ms"), 1600u);
  EXPECT_EQ(bench.stat("filling-since"), GST_CLOCK_TIME_NONE);
  // The tone itself moves by 262 in a sample.
  EXPECT_LE(largest_step(buffers), 400);
}

TEST(FlywheelSound, AShortHoleIsConcealedWithoutAClick) {
  FlywheelBench bench{{}};
  for (Duration start = 0ms; start < 2s; start += 20ms)
    if (start % 140ms != 60ms)
      bench.push_sound(start);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  EXPECT_LE(largest_step(bench.media()), 400);
  EXPECT_EQ(bench.stat("concealed-ms"), 280u);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT).empty()) << "that is no event";
}

TEST(FlywheelSound, ABufferThatIsSharedIsCopiedAndNotChanged) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  auto mine = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 1920, nullptr));
  gst_buffer_memset(mine.get(), 0, 5, 1920);
  GST_BUFFER_PTS(mine.get()) = 230 * GST_MSECOND + 1;
  const auto before = FlywheelBench::samples_of(mine.get());
  bench.set_time(260ms);
  bench.push_buffer(mine);
  ASSERT_TRUE(bench.wait_until_idle());
  ASSERT_EQ(bench.media().size(), 13u) << "30 ms of filler, in two pieces";
  EXPECT_NE(FlywheelBench::samples_of(bench.media().back()), before) << "it fades in";
  EXPECT_EQ(FlywheelBench::samples_of(mine.get()), before);
  EXPECT_EQ(GST_BUFFER_PTS(mine.get()), 230 * GST_MSECOND + 1);
}

TEST(FlywheelSound, LateSoundIsDroppedAndCounted) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1400ms);
  EXPECT_EQ(bench.push_sound(200ms), GST_FLOW_OK);
  EXPECT_EQ(bench.push_sound(370ms, 40ms), GST_FLOW_OK) << "30 ms of it are late";
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("late"), 1u);
  EXPECT_EQ(bench.stat("late-samples"), 960u);
  EXPECT_EQ(bench.stat("trimmed-samples"), 1440u);
  bench.expect_contiguous();
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 400 * GST_MSECOND);
}

TEST(FlywheelSound, APathThatHasBecomeLongerIsWaitedForAndThenHeard) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  // From now on everything comes 1.5 s later than before.
  std::size_t heard = 0;
  for (Duration start = 200ms; start < 3s; start += 20ms) {
    bench.crank_until(start + 20ms + 1510ms);
    const auto before = bench.media().size();
    ASSERT_EQ(bench.push_sound(start), GST_FLOW_OK);
    ASSERT_TRUE(bench.wait_until_idle());
    heard += bench.media().size() > before && !is_silent(bench.media().back()) ? 1 : 0;
  }
  bench.expect_contiguous();
  EXPECT_EQ(bench.stat("rebases"), 1u);
  gint64 lag = 0;
  gst_structure_get_int64(bench.stats().get(), "lag", &lag);
  EXPECT_EQ(lag, (1510ms / 1ns));
  // Half a second was behind, a second passed until that was clear, and half a second to catch up.
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 2980 * GST_MSECOND);
  EXPECT_NEAR(static_cast<double>(heard), (2800 - 1500) / 20, 2);
}

TEST(FlywheelSound, OverlappingSoundIsTrimmed) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.push_sound(195ms);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("trimmed-samples"), 240u);
  EXPECT_EQ(gst_buffer_get_size(bench.media().back()), 2 * 720u);
  bench.expect_contiguous();
}

TEST(FlywheelSound, ADeviationWithinToleranceGoesOutOnTheGrid) {
  FlywheelBench bench{{.properties = "tolerance=5000000"}};
  bench.push_sounds(0ms, 100ms);
  bench.push_sound(105ms);
  bench.push_sound(115ms);
  ASSERT_TRUE(bench.wait_for_buffers(7));
  bench.expect_contiguous();
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 0u);
  EXPECT_EQ(bench.stat("trimmed-samples"), 0u);
}

TEST(FlywheelSound, AGapEventIsFilledAtOnce) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.push_event(gst_event_new_gap(200 * GST_MSECOND, 400 * GST_MSECOND));
  ASSERT_TRUE(bench.wait_for_buffers(30));
  bench.expect_contiguous();
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment") << "it is a gap no more";
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 400u);
}

GstEvent* away() {
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("onair-away"));
}

TEST(FlywheelSound, WhatIsAwayIsWaitedForTwoHundredMillisecondsUntilItIsBack) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  ASSERT_TRUE(bench.wait_for_buffers(10));
  EXPECT_EQ(bench.wait_for_deadline(), 200ms + FlywheelBench::kLag + 1s);
  bench.push_event(away());
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.wait_for_deadline(), 200ms + FlywheelBench::kLag + 200ms);
  bench.crank_until(1s);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 780 * GST_MSECOND) << "1 s - 210 ms";
  EXPECT_EQ(bench.push_sound(700ms), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.wait_for_deadline(), 1010ms) << "what is late has not brought it back";
  bench.push_sounds(980ms, 1s);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.wait_for_deadline(), 1s + FlywheelBench::kLag + 1s);
  bench.expect_contiguous();
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment") << "nobody else needs to know";
}

TEST(FlywheelSound, AwayNeverMakesTheWaitLonger) {
  FlywheelBench bench{{.properties = "max-wait=100000000"}};
  bench.push_event(away());
  bench.push_sounds(0ms, 200ms);
  bench.push_event(away());
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.wait_for_deadline(), 200ms + FlywheelBench::kLag + 100ms);
}

TEST(FlywheelSound, AnotherStreamJoinsTheLineOfOneThatWentAway) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.push_event(away());
  bench.crank_until(4s);
  bench.open_stream(FlywheelBench::kSound);
  bench.push_sounds(4s, 4200ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 4180 * GST_MSECOND);
  EXPECT_FALSE(is_silent(bench.media().back()));
}

TEST(FlywheelSound, SilenceThatIsGivenIsNoFiller) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 20ms);
  auto silence = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 1920, nullptr));
  gst_buffer_memset(silence.get(), 0, 0, 1920);
  GST_BUFFER_PTS(silence.get()) = 20 * GST_MSECOND;
  GST_BUFFER_FLAG_SET(silence.get(), GST_BUFFER_FLAG_GAP);
  bench.push_buffer(std::move(silence));
  ASSERT_TRUE(bench.wait_for_buffers(2));
  EXPECT_TRUE(is_gap(bench.media()[1]));
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 0u);
}

TEST(FlywheelSound, WithCapsItBeginsInSilenceWithThePipeline) {
  FlywheelBench bench{
      {.properties = std::string{"caps=\""} + FlywheelBench::kSound + "\"", .is_open = false}};
  EXPECT_EQ(bench.wait_for_deadline(), 1s);
  bench.crank_until(2s);
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[0]), 0u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), GST_SECOND);
  EXPECT_TRUE(is_silent(bench.media().back()));
  bench.open_stream(FlywheelBench::kSound);
  bench.push_sounds(2s, 2200ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment") << "one stream that does not end";
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 2180 * GST_MSECOND);
}

TEST(FlywheelSound, WithCapsItMayBeAwayBeforeItBegins) {
  FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kSound + "\"",
                       .is_open = false,
                       .state = GST_STATE_PAUSED}};
  bench.push_event(away());
  ASSERT_TRUE(bench.wait_until_idle());
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(bench.wait_for_deadline(), 200ms);
}

TEST(FlywheelSound, WithCapsInAPipelineThatRunsItBeginsNow) {
  FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kSound + "\"",
                       .is_open = false,
                       .now = 1h}};
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[0]), ns(1h - 1s));
}

TEST(FlywheelSound, WithoutCapsNothingComesBeforeTheInput) {
  FlywheelBench bench{{}};
  bench.set_time(1h);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_TRUE(bench.media().empty());
}

TEST(FlywheelSound, AnotherRateGoesOnWithoutAHole) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.push_caps("audio/x-raw,format=S16LE,rate=44100,channels=1,layout=interleaved");
  for (Duration start = 200ms; start < 400ms; start += 20ms)
    bench.push_sound(start, 20ms, 44'100);
  ASSERT_TRUE(bench.wait_for_buffers(20));
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment caps");
  const auto buffers = bench.media();
  for (std::size_t i = 1; i < buffers.size(); ++i)
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i]),
              GST_BUFFER_PTS(buffers[i - 1]) + GST_BUFFER_DURATION(buffers[i - 1]));
  EXPECT_EQ(GST_BUFFER_PTS(buffers.back()), 380 * GST_MSECOND);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("filled-ms"), 0u);
}

TEST(FlywheelSound, TheSameCapsAgainAreSwallowed) {
  FlywheelBench bench{{}};
  bench.push_sound(0ms);
  bench.push_caps(FlywheelBench::kSound);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
}

TEST(FlywheelSound, FloatsAndManyChannelsAreFilledToo) {
  FlywheelBench bench{{.caps = "audio/x-raw,format=F32LE,rate=48000,channels=6,layout=interleaved,"
                               "channel-mask=(bitmask)0x3f"}};
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 960 * 24, nullptr));
  GstMapInfo map;
  gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE);
  std::fill_n(reinterpret_cast<float*>(map.data), 960 * 6, 0.5F);
  gst_buffer_unmap(buffer.get(), &map);
  GST_BUFFER_PTS(buffer.get()) = 0;
  bench.push_buffer(std::move(buffer));
  bench.crank_until(1100ms);
  bench.expect_contiguous(48'000, 24);
  ASSERT_GE(bench.media().size(), 4u);
  const auto bytes = FlywheelBench::bytes_of(bench.media()[1]);
  const auto* samples = reinterpret_cast<const float*>(bytes.data());
  EXPECT_NEAR(samples[0], 0.5F, 0.01F);
}

TEST(FlywheelSound, ATimeLineThatLeapsJoinsWithAMessage) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.set_time(220ms + FlywheelBench::kLag);
  auto leap = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 1920, nullptr));
  gst_buffer_memset(leap.get(), 0, 1, 1920);
  GST_BUFFER_PTS(leap.get()) = 5 * 3600 * GST_SECOND;
  bench.push_buffer(std::move(leap));
  ASSERT_TRUE(bench.wait_for_buffers(11));
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[10]), 200 * GST_MSECOND);
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(bench.media()[10]));
  bench.expect_contiguous();
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("leaps"), 1u);
  EXPECT_EQ(bench.messages(GST_MESSAGE_ELEMENT, "flywheel-leap").size(), 1u);
}

TEST(FlywheelSound, HalfASecondOfFillerIsPostedAndSoIsItsEnd) {
  FlywheelBench bench{{}};
  bench.push_sounds(0ms, 200ms);
  bench.crank_until(1670ms);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT).empty()) << "480 ms";
  bench.crank_until(1690ms);
  ASSERT_TRUE(bench.wait_until_idle());
  const auto began = bench.messages(GST_MESSAGE_ELEMENT, "flywheel-filling");
  ASSERT_EQ(began.size(), 1u);
  guint64 since = 0;
  const GstStructure* fields = gst_message_get_structure(began[0].get());
  EXPECT_TRUE(gst_structure_get_uint64(fields, "since", &since));
  EXPECT_EQ(since, 200 * GST_MSECOND);
  EXPECT_STREQ(gst_structure_get_string(fields, "media"), "audio");
  bench.push_sound(1700ms);
  ASSERT_TRUE(bench.wait_until_idle());
  const auto ended = bench.messages(GST_MESSAGE_ELEMENT, "flywheel-joined");
  ASSERT_EQ(ended.size(), 1u);
  guint64 filled = 0;
  gst_structure_get_uint64(gst_message_get_structure(ended[0].get()), "filled", &filled);
  EXPECT_EQ(filled, 1500 * GST_MSECOND);
}

// Days of it in seconds: the sender's clock is wrong by 500 ppm.
TEST(FlywheelSound, DriftIsFollowedWithoutAStep) {
  FlywheelBench bench{{}};
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(bench.push_sound(i * 20'010us), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  EXPECT_LE(largest_step(bench.media()), 400);
  const auto last = GST_BUFFER_PTS(bench.media().back());
  EXPECT_NEAR(static_cast<double>(last), 999 * 20.01e6, 1.1e6);
}

}  // namespace
}  // namespace onair::test
