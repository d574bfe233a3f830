// SPDX-License-Identifier: LGPL-2.1-or-later
// flywheel: pictures.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "flywheel_bench.hpp"

namespace onair::test {
namespace {

constexpr gsize kLuma = 64 * 48;

FlywheelBench::Options with(const std::string& properties,
                            const std::string& caps = FlywheelBench::kPicture) {
  return {.properties = properties, .caps = caps};
}

bool is_gap(GstBuffer* buffer) {
  return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP);
}

// Limited range, as I420 has it.
bool is_black(GstBuffer* buffer) {
  const auto bytes = FlywheelBench::bytes_of(buffer);
  const auto luma = bytes.begin() + static_cast<std::ptrdiff_t>(kLuma);
  return std::all_of(bytes.begin(), luma, [](guint8 value) { return value == 16; }) &&
         std::all_of(luma, bytes.end(), [](guint8 value) { return value == 128; });
}

TEST(FlywheelPicture, InTimeItIsHandedOnAtItsOwnTime) {
  FlywheelBench bench{with("")};
  const std::vector<Duration> times{3ms, 90ms, 210ms, 211ms, 461ms};
  for (const auto time : times)
    EXPECT_EQ(bench.push_picture(time), GST_FLOW_OK);
  ASSERT_TRUE(bench.wait_for_buffers(times.size()));
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_EQ(GST_BUFFER_PTS(bench.media()[i]), ns(times[i]));
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("repeated"), 0u);
}

TEST(FlywheelPicture, APictureThatDoesNotRiseIsDroppedAndCounted) {
  FlywheelBench bench{with("")};
  for (const auto time : {100ms, 100ms, 50ms, 200ms})
    bench.push_picture(time);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.media().size(), 2u);
  EXPECT_EQ(bench.stat("late"), 2u);
}

TEST(FlywheelPicture, TheLastOneIsRepeatedOnTheGridWithoutACopyOfItsPixels) {
  FlywheelBench bench{with("max-wait=300000000")};
  bench.push_picture(0ms);
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_EQ(bench.wait_for_deadline(), 100ms + FlywheelBench::kLag + 300ms);
  bench.crank_until(1s);
  const auto buffers = bench.media();
  ASSERT_EQ(buffers.size(), 7u);
  for (std::size_t i = 1; i < buffers.size(); ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i]), i * 100 * GST_MSECOND);
    EXPECT_EQ(GST_BUFFER_DURATION(buffers[i]), 100 * GST_MSECOND);
    EXPECT_EQ(gst_buffer_peek_memory(buffers[i], 0), gst_buffer_peek_memory(buffers[0], 0));
    EXPECT_TRUE(is_gap(buffers[i]));
  }
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("repeated"), 6u);
  EXPECT_EQ(bench.stat("filled-ms"), 600u);
}

TEST(FlywheelPicture, AfterSlateAfterItIsBlackAndTheReturnIsFilledUp) {
  FlywheelBench bench{with("slate-after=500000000")};
  bench.push_picture(0ms);
  bench.crank_until(1810ms);
  auto buffers = bench.media();
  ASSERT_EQ(buffers.size(), 9u);
  for (std::size_t i = 1; i < buffers.size(); ++i) {
    EXPECT_EQ(is_black(buffers[i]), i >= 5) << i;
    EXPECT_EQ(is_gap(buffers[i]), i != 5) << i;
  }
  EXPECT_EQ(gst_buffer_peek_memory(buffers[5], 0), gst_buffer_peek_memory(buffers[6], 0));
  bench.push_picture(1830ms, 0x66);
  ASSERT_TRUE(bench.wait_until_idle());
  buffers = bench.media();
  EXPECT_EQ(GST_BUFFER_PTS(buffers[buffers.size() - 2]), 1700 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_PTS(buffers.back()), 1830 * GST_MSECOND);
  EXPECT_EQ(FlywheelBench::bytes_of(buffers.back())[0], 0x66);
  EXPECT_EQ(bench.stat("slates"), 13u);
  EXPECT_EQ(bench.messages(GST_MESSAGE_ELEMENT, "flywheel-filling").size(), 1u);
}

// Whoever cuts segments finds a picture near each boundary.
TEST(FlywheelPicture, AHoleIsFilledWithThePictureInFrontWhenTheNextOneComes) {
  FlywheelBench bench{with("slate-after=500000000")};
  bench.push_picture(0ms, 0x55);
  bench.push_picture(250ms, 0x66);
  ASSERT_TRUE(bench.wait_for_buffers(2));
  EXPECT_EQ(bench.stat("repeated"), 0u) << "no hole";
  bench.push_picture(1140ms, 0x77);
  ASSERT_TRUE(bench.wait_for_buffers(7));
  const auto buffers = bench.media();
  ASSERT_EQ(buffers.size(), 7u);
  for (std::size_t i = 2; i < 6; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i]), (50 + i * 200) * GST_MSECOND);
    EXPECT_EQ(FlywheelBench::bytes_of(buffers[i])[0], 0x66)
        << "and no slate, which nobody has seen yet";
    EXPECT_TRUE(is_gap(buffers[i]));
  }
  EXPECT_EQ(GST_BUFFER_PTS(buffers.back()), 1140 * GST_MSECOND);
  EXPECT_EQ(FlywheelBench::bytes_of(buffers.back())[0], 0x77);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.stat("repeated"), 4u);
  EXPECT_EQ(bench.stat("filled-ms"), 690u);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "flywheel-filling").empty());
}

TEST(FlywheelPicture, BlackIsBlackInEveryFormat) {
  struct Case {
    const char* caps;
    std::vector<guint8> first;
  };
  for (const auto& [caps, first] : {
           Case{"video/x-raw,format=RGB,width=64,height=48,framerate=10/1", {0, 0, 0}},
           Case{"video/x-raw,format=BGRA,width=64,height=48,framerate=10/1", {0, 0, 0, 255}},
           Case{"video/x-raw,format=NV12,width=64,height=48,framerate=10/1", {16, 16}},
           Case{"video/x-raw,format=YUY2,width=63,height=47,framerate=10/1", {16, 128, 16, 128}},
           Case{"video/x-raw,format=GRAY8,width=64,height=48,framerate=10/1", {0, 0}},
           Case{"video/x-raw,format=I420,width=64,height=48,framerate=10/1,colorimetry=1:4:0:0",
                {0, 0}},
           Case{"video/x-raw,format=I420_10LE,width=64,height=48,framerate=10/1", {64, 0, 64, 0}},
       }) {
    FlywheelBench bench{{.properties = std::string{"caps=\""} + caps + "\"", .is_open = false}};
    bench.crank();
    ASSERT_TRUE(bench.wait_for_buffers(1)) << caps;
    const auto bytes = FlywheelBench::bytes_of(bench.media()[0]);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), bytes.begin()))
        << caps << ": " << int{bytes[0]} << " " << int{bytes[1]} << " " << int{bytes[2]};
  }
}

TEST(FlywheelPicture, WithCapsItBeginsWithTheSlate) {
  FlywheelBench bench{
      {.properties = std::string{"caps=\""} + FlywheelBench::kPicture + "\"", .is_open = false}};
  bench.crank_until(1500ms);
  const auto buffers = bench.media();
  ASSERT_EQ(buffers.size(), 6u);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i]), i * 100 * GST_MSECOND);
    EXPECT_TRUE(is_black(buffers[i]));
  }
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment");
}

TEST(FlywheelPicture, AGapEventRepeatsTheLastOne) {
  FlywheelBench bench{with("")};
  bench.push_picture(0ms);
  bench.push_event(gst_event_new_gap(100 * GST_MSECOND, 300 * GST_MSECOND));
  ASSERT_TRUE(bench.wait_for_buffers(4));
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.media().size(), 4u);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[3]), 300 * GST_MSECOND);
}

TEST(FlywheelPicture, WhatIsAwayIsRepeatedAtThePaceThatItHad) {
  FlywheelBench bench{with("")};
  bench.push_picture(0ms);
  ASSERT_TRUE(bench.wait_for_buffers(1));
  bench.push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("onair-away")));
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.wait_for_deadline(), 100ms + FlywheelBench::kLag + 200ms);
  bench.crank_until(1s);
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), 700 * GST_MSECOND);
  bench.push_picture(1s);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(GST_BUFFER_PTS(bench.media().back()), GST_SECOND);
  EXPECT_EQ(bench.wait_for_deadline(), 1100ms + FlywheelBench::kLag + 1s);
}

TEST(FlywheelPicture, WithoutAFrameRateFillFramerateHolds) {
  FlywheelBench bench{with("fill-framerate=4/1 max-wait=0",
                           "video/x-raw,format=I420,width=64,height=48,framerate=0/1")};
  bench.push_picture(0ms);
  bench.crank_until(1020ms);
  ASSERT_TRUE(bench.wait_for_buffers(4));
  EXPECT_EQ(GST_BUFFER_PTS(bench.media()[3]), 750 * GST_MSECOND);
}

TEST(FlywheelPicture, AnotherSizeComesInOrderAndTheSlateIsMadeAnew) {
  FlywheelBench bench{with("slate-after=0 max-wait=0")};
  bench.push_picture(0ms);
  bench.crank_until(150ms);
  bench.push_caps("video/x-raw,format=I420,width=32,height=16,framerate=10/1");
  bench.crank_until(350ms);
  ASSERT_TRUE(bench.wait_until_idle());
  EXPECT_EQ(bench.order_of_events(), "stream-start caps segment caps");
  const auto buffers = bench.media();
  EXPECT_EQ(gst_buffer_get_size(buffers[1]), 64 * 48 * 3 / 2u);
  EXPECT_EQ(gst_buffer_get_size(buffers.back()), 32 * 16 * 3 / 2u);
}

TEST(FlywheelPicture, OutsideSystemMemoryTheLastOneIsRepeatedForEver) {
  FlywheelBench bench{
      with("slate-after=0 max-wait=0",
           "video/x-raw(memory:NVMM),format=NV12,width=64,height=48,framerate=10/1")};
  bench.push_picture(0ms);
  bench.crank_until(1s);
  ASSERT_TRUE(bench.wait_until_idle());
  const auto buffers = bench.media();
  ASSERT_GE(buffers.size(), 9u);
  EXPECT_EQ(gst_buffer_peek_memory(buffers.back(), 0), gst_buffer_peek_memory(buffers[0], 0));
  EXPECT_EQ(bench.stat("slates"), 0u);
}

TEST(FlywheelPicture, FillerDoesNotClaimWhenItWasTaken) {
  FlywheelBench bench{with("max-wait=0")};
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, kLuma * 3 / 2, nullptr));
  const auto type = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-ntp"));
  gst_buffer_add_reference_timestamp_meta(buffer.get(), type.get(), 5, GST_CLOCK_TIME_NONE);
  GST_BUFFER_PTS(buffer.get()) = 0;
  bench.push_buffer(std::move(buffer));
  bench.crank_until(300ms);
  const auto has_time = [&](std::size_t i) {
    return gst_buffer_get_reference_timestamp_meta(bench.media()[i], nullptr) != nullptr;
  };
  ASSERT_TRUE(bench.wait_for_buffers(2));
  EXPECT_TRUE(has_time(0));
  EXPECT_FALSE(has_time(1));
}

// ---- the image

class FlywheelImage : public testing::Test {
 protected:
  FlywheelImage() {
    // A white square.
    const auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(
        ("videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=32,height=32 ! videoconvert "
         "! pngenc ! filesink location=" +
         path_.string())
            .c_str(),
        nullptr));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    const auto end = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), 20 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    EXPECT_TRUE(end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS);
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  ~FlywheelImage() override { std::filesystem::remove(path_); }

  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() /
      ("flywheel-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".png");
};

TEST_F(FlywheelImage, IsShownWholeWithBlackAroundIt) {
  FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kPicture +
                                     "\" slate-location=" + path_.string(),
                       .is_open = false}};
  bench.crank();
  ASSERT_TRUE(bench.wait_for_buffers(1));
  EXPECT_TRUE(bench.messages(GST_MESSAGE_WARNING).empty());
  // 64x48: the square is 48x48, with 8 columns of black on either side.
  const auto bytes = FlywheelBench::bytes_of(bench.media()[0]);
  const auto luma = [&](int x, int y) { return int{bytes[static_cast<gsize>(64 * y + x)]}; };
  EXPECT_EQ(luma(0, 24), 16);
  EXPECT_EQ(luma(7, 24), 16);
  EXPECT_NEAR(luma(9, 24), 235, 1);
  EXPECT_NEAR(luma(32, 1), 235, 1);
  EXPECT_NEAR(luma(54, 46), 235, 1);
  EXPECT_EQ(luma(56, 24), 16);
}

TEST_F(FlywheelImage, KeepsItsProportionsWherePixelsAreNotSquare) {
  FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kPicture +
                                     ",pixel-aspect-ratio=2/1\" slate-location=" + path_.string(),
                       .is_open = false}};
  bench.crank();
  ASSERT_TRUE(bench.wait_for_buffers(1));
  const auto bytes = FlywheelBench::bytes_of(bench.media()[0]);
  EXPECT_EQ(bytes[64 * 24 + 18], 16) << "24 columns, 20 on either side";
  EXPECT_NEAR(bytes[64 * 24 + 22], 235, 1);
  EXPECT_NEAR(bytes[64 * 24 + 42], 235, 1);
  EXPECT_EQ(bytes[64 * 24 + 45], 16);
}

TEST(FlywheelSlate, AFileThatIsNotThereGivesAWarningAndBlack) {
  for (const char* location : {"/nowhere/slate.png", "/dev/null"}) {
    FlywheelBench bench{{.properties = std::string{"caps=\""} + FlywheelBench::kPicture +
                                       "\" slate-location=" + location,
                         .is_open = false}};
    EXPECT_EQ(bench.messages(GST_MESSAGE_WARNING).size(), 1u) << location;
    bench.crank();
    ASSERT_TRUE(bench.wait_for_buffers(1));
    EXPECT_TRUE(is_black(bench.media()[0]));
  }
}

}  // namespace
}  // namespace onair::test
