// SPDX-License-Identifier: LGPL-2.1-or-later
// flywheel: what it begins with where there is no input, and a downstream that does not take it.
#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "flywheel_bench.hpp"

namespace onair::test {
namespace {

// As lamemp3enc asks for it.
constexpr const char* kLame =
    "audio/x-raw,format=S16LE,layout=interleaved,rate={(int)44100,(int)48000},channels=1;"
    "audio/x-raw,format=S16LE,layout=interleaved,rate={(int)44100,(int)48000},channels=2,"
    "channel-mask=(bitmask)0x3";
constexpr const char* kStereo = "audio/x-raw,format=S16LE,rate=48000,channels=2";

FlywheelBench::Options begins_with(const std::string& caps, const std::string& accepts = {}) {
  return {.properties = "max-wait=0 caps=\"" + caps + "\"", .is_open = false, .accepts = accepts};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(FlywheelCaps, AFieldThatDownstreamNamesIsNamed) {
  FlywheelBench bench{begins_with(kStereo, kLame)};
  bench.crank_until(90ms);
  EXPECT_EQ(bench.media().size(), 5u);
  EXPECT_EQ(bench.last_caps(),
            "audio/x-raw, format=(string)S16LE, rate=(int)48000, channels=(int)2, "
            "layout=(string)interleaved, channel-mask=(bitmask)0x0000000000000003");
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("refused"), 0u);
}

TEST(FlywheelCaps, SoundOfManyChannelsHasAMaskWhoeverTakesIt) {
  FlywheelBench bench{begins_with("audio/x-raw,format=F32LE,rate=48000,channels=6")};
  bench.crank_until(90ms);
  EXPECT_TRUE(has(bench.last_caps(), "channel-mask=(bitmask)0x000000000000003f"));
  EXPECT_EQ(bench.media().size(), 5u);
}

TEST(FlywheelCaps, WhatIsLeftOpenIsAsDownstreamTakesItOrAsIsUsual) {
  {
    FlywheelBench bench{begins_with("audio/x-raw,rate=[8000,96000]", kLame)};
    bench.crank_until(100ms);
    EXPECT_TRUE(has(bench.last_caps(), "rate=(int)48000, format=(string)S16LE"))
        << bench.last_caps();
    EXPECT_TRUE(has(bench.last_caps(), "channels=(int)2"));
  }
  {
    FlywheelBench bench{
        begins_with("audio/x-raw", "audio/x-raw,format=F32LE,rate=16000,channels=1")};
    bench.crank_until(100ms);
    EXPECT_TRUE(has(bench.last_caps(), "format=(string)F32LE")) << bench.last_caps();
    EXPECT_TRUE(has(bench.last_caps(), "rate=(int)16000"));
    EXPECT_TRUE(has(bench.last_caps(), "channels=(int)1"));
    EXPECT_EQ(gst_buffer_get_size(bench.media().back()), 320u * 4);
  }
}

TEST(FlywheelCaps, APictureHasTheFillersFrameRate) {
  // As x264enc and videorate ask for it.
  auto options = begins_with("video/x-raw,format=I420,width=64,height=48",
                             "video/x-raw,format={(string)I420,(string)NV12},width=[16,max],"
                             "height=[16,max],framerate=(fraction)[0/1,max]");
  options.properties += " fill-framerate=25/1";
  FlywheelBench bench{options};
  bench.crank_until(200ms);
  EXPECT_TRUE(has(bench.last_caps(), "framerate=(fraction)25/1")) << bench.last_caps();
  EXPECT_EQ(bench.media().size(), 6u);
}

TEST(FlywheelCaps, NothingAtAllIsSaidOfAPictureAndItIsUsual) {
  FlywheelBench bench{begins_with("video/x-raw")};
  bench.crank_until(100ms);
  EXPECT_TRUE(has(bench.last_caps(), "format=(string)I420")) << bench.last_caps();
  EXPECT_TRUE(has(bench.last_caps(), "width=(int)640, height=(int)360"));
  EXPECT_TRUE(has(bench.last_caps(), "framerate=(fraction)30/1"));
  EXPECT_EQ(gst_buffer_get_size(bench.media().back()), 640u * 360 * 3 / 2);
}

TEST(FlywheelCaps, DownstreamThatTakesSomethingElseLaterIsFollowed) {
  FlywheelBench bench{begins_with("audio/x-raw,channels=2", "audio/x-raw,rate=44100")};
  bench.crank_until(200ms);
  EXPECT_TRUE(has(bench.last_caps(), "rate=(int)44100"));
  bench.accept("audio/x-raw,rate=48000");
  bench.crank_until(400ms);
  EXPECT_TRUE(has(bench.last_caps(), "rate=(int)48000"));
  const auto buffers = bench.media();
  for (std::size_t i = 1; i < buffers.size(); ++i)
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i]),
              GST_BUFFER_PTS(buffers[i - 1]) + GST_BUFFER_DURATION(buffers[i - 1]));
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("refused"), 0u);
}

TEST(FlywheelCaps, DownstreamThatTakesNothingOfItYetIsAskedAgain) {
  FlywheelBench bench{begins_with(kStereo, "audio/x-raw,channels=1")};
  bench.crank_until(190ms);
  EXPECT_TRUE(bench.media().empty());
  EXPECT_EQ(bench.stat("refused"), 10u);
  bench.accept(kLame);
  bench.crank_until(290ms);
  EXPECT_TRUE(has(bench.last_caps(), "channel-mask=(bitmask)0x0000000000000003"));
  ASSERT_EQ(bench.media().size(), 5u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[0]), 200 * GST_MSECOND) << "time has gone on";
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST(FlywheelCaps, InputsOwnCapsAreTakenWhereTheFirstOnesWereNot) {
  FlywheelBench bench{begins_with(kStereo, FlywheelBench::kSound)};
  bench.crank_until(90ms);
  EXPECT_TRUE(bench.media().empty());
  bench.open_stream(FlywheelBench::kSound);
  EXPECT_EQ(bench.push_sound(100ms), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(bench.media()[0]));
  EXPECT_TRUE(has(bench.last_caps(), "channels=(int)1"));
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST(FlywheelCaps, DownstreamMayBeLinkedLate) {
  FlywheelBench bench{{.is_open = false, .state = GST_STATE_READY}};
  const auto src = bench.static_pad("src");
  gst_pad_unlink(src.get(), bench.recorder());
  g_object_set(bench.element(), "max-wait", guint64{0}, "caps",
               GstPtr<GstCaps>::adopt(gst_caps_from_string(kStereo)).get(), nullptr);
  bench.set_state(GST_STATE_PLAYING);
  bench.crank_until(90ms);
  bench.record(src.get());
  bench.crank_until(190ms);
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
  ASSERT_EQ(bench.media().size(), 5u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[0]), 100 * GST_MSECOND);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

class FlywheelRefused : public testing::TestWithParam<GstFlowReturn> {};
INSTANTIATE_TEST_SUITE_P(Caps, FlywheelRefused,
                         testing::Values(GST_FLOW_NOT_LINKED, GST_FLOW_NOT_NEGOTIATED,
                                         GST_FLOW_FLUSHING));

TEST_P(FlywheelRefused, FillerIsDroppedAndTheNextIsTried) {
  FlywheelBench bench{{.properties = "max-wait=20000000"}};
  bench.push_sounds(0ms, 100ms);
  ASSERT_TRUE(bench.wait_until_idle());  // and all of it has been answered
  bench.answer_buffers_with(GetParam());
  bench.crank_until(350ms);
  bench.wait_for_deadline();  // and it has looked at all answers
  bench.answer_buffers_with(GST_FLOW_OK);
  const auto before = bench.media().size();
  bench.crank_until(450ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.expect_contiguous();
  ASSERT_EQ(bench.media().size(), before + 5);
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(bench.media()[before]));
  EXPECT_FALSE(GST_BUFFER_IS_DISCONT(bench.media()[before + 1]));
  EXPECT_EQ(bench.stat("refused"), before - 5);
  EXPECT_EQ(bench.push_sound(480ms), GST_FLOW_OK) << "and upstream has heard nothing of it";
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST_P(FlywheelRefused, HalfASecondOfItIsAWarningAndNoError) {
  FlywheelBench bench{{.properties = "max-wait=20000000"}};
  bench.push_sounds(0ms, 100ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.answer_buffers_with(GetParam());
  bench.crank_until(100ms + FlywheelBench::kLag + 20ms + 470ms);
  bench.wait_for_deadline();
  EXPECT_TRUE(bench.messages(GST_MESSAGE_WARNING).empty()) << "480 ms";
  bench.crank_until(3s);
  bench.wait_for_deadline();
  EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 1u);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST_P(FlywheelRefused, InputIsAnsweredAsDownstreamAnswers) {
  FlywheelBench bench{{.properties = "max-wait=0"}};
  bench.answer_buffers_with(GetParam());
  bench.push_sound(0ms);
  EXPECT_FALSE(bench.wait_until_idle());
  EXPECT_EQ(bench.push_sound(20ms), GetParam());
}

TEST_P(FlywheelRefused, FillerInFrontOfInputIsAnsweredAsInputIs) {
  FlywheelBench bench{{.is_live = false}};
  bench.push_sounds(0ms, 100ms);
  ASSERT_TRUE(bench.wait_until_idle());
  bench.answer_buffers_with(GetParam());
  bench.push_sound(1h);
  EXPECT_FALSE(bench.wait_until_idle());
  EXPECT_EQ(bench.push_sound(1h + 20ms), GetParam());
  EXPECT_EQ(bench.media().size(), 6u) << "not an hour of it";
}

// Stock elements with a real clock, and input that comes at about the same time.
class FlywheelStock : public testing::TestWithParam<std::pair<const char*, const char*>> {};
constexpr const char* kTone =
    "audiotestsrc is-live=true samplesperbuffer=480"
    " ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! flywheel max-wait=100000000 caps=";
constexpr const char* kTestPicture =
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=30/1"
    " ! flywheel max-wait=100000000 caps=";
INSTANTIATE_TEST_SUITE_P(
    Caps, FlywheelStock,
    testing::Values(std::pair{kTone,
                              "audio/x-raw,format=S16LE,rate=48000,channels=2 ! lamemp3enc"
                              " ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue"},
                    std::pair{kTone, "audio/x-raw,rate=48000,channels=2 ! opusenc"},
                    std::pair{kTone,
                              "audio/x-raw,rate=48000 ! audioconvert ! audioresample"
                              " ! audio/x-raw,format=F32LE,rate=44100,channels=1"},
                    std::pair{kTestPicture,
                              "video/x-raw,format=I420,width=64,height=48 ! queue"
                              " ! x264enc tune=zerolatency speed-preset=ultrafast"},
                    std::pair{kTestPicture,
                              "video/x-raw,width=64,height=48"
                              " ! videoconvertscale ! video/x-raw,format=NV12,width=32"}));

TEST_P(FlywheelStock, TakeItsBeginning) {
  for (int i = 0; i < 3; ++i) {
    const auto line = std::string{GetParam().first} + GetParam().second +
                      " ! identity name=out signal-handoffs=true ! fakesink async=false";
    GError* raw = nullptr;
    const auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &raw));
    const ErrorPtr error{raw};
    ASSERT_FALSE(error) << error->message;
    const auto out = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    constexpr int kEnough = 12;
    std::atomic<int> count{0};
    const auto on_buffer = +[](GstElement* element, GstBuffer*, std::atomic<int>* passed) {
      if (++*passed == kEnough)
        gst_element_post_message(
            element,
            gst_message_new_application(GST_OBJECT(element), gst_structure_new_empty("done")));
    };
    g_signal_connect(out.get(), "handoff", G_CALLBACK(on_buffer), &count);
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), 20 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_APPLICATION | GST_MESSAGE_ERROR)));
    EXPECT_TRUE(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_APPLICATION) << line;
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
}

}  // namespace
}  // namespace onair::test
