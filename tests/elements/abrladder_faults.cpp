// SPDX-License-Identifier: LGPL-2.1-or-later
// Codecs that fail, encoders that can't keep up, and settings that can't be.
#include <algorithm>

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "abrladder_bench.hpp"
#include "abrladder_fakes.hpp"

namespace onair::test {
namespace {

constexpr const char* kSmall =
    "<[top,width=64,height=48,bps=300000],[low,width=48,height=36,bps=100000]>";

class AbrLadderFaults : public testing::Test {
 protected:
  FakeCodecs fakes_;

  static std::string text_of(const GstPtr<GstMessage>& message) {
    GError* raw = nullptr;
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
      gst_message_parse_error(message.get(), &raw, nullptr);
    else
      gst_message_parse_warning(message.get(), &raw, nullptr);
    const ErrorPtr error{raw};
    return error->message;
  }
  static std::string encoder_of(LadderBench& bench) {
    const auto stats = bench.stats_of("rendition-0");
    return gst_structure_get_string(stats.get(), "encoder");
  }
};

using Encoder = AbrLadderFaults;

TEST_F(Encoder, ThatDoesNotStartIsPassedOver) {
  fake_encoder().starts = false;
  LadderBench bench{{.renditions = kSmall}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 500ms);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(bench.coded().size(), pushed.size());
  EXPECT_GT(fake_encoder().made, 0);
  EXPECT_EQ(encoder_of(bench), "x264enc");
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
}

TEST_F(Encoder, ThatFailsIsReplacedAndNoFrameIsLost) {
  fake_encoder().fails_after = 10;
  LadderBench bench{{.renditions = kSmall}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 1s);
  ASSERT_TRUE(bench.end());
  const auto frames = bench.coded();
  ASSERT_EQ(frames.size(), pushed.size());
  for (std::size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(frames[i].at, pushed[i]);
  EXPECT_EQ(bench.decoded().size(), pushed.size());
  EXPECT_EQ(encoder_of(bench), "x264enc");
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
  const auto warnings = bench.messages(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(text_of(warnings[0]).find("nvh264enc has failed"), std::string::npos)
      << text_of(warnings[0]);
  EXPECT_NE(text_of(warnings[0]).find("x264enc goes on in its place"), std::string::npos);
}

TEST_F(Encoder, ThatIsForbiddenIsNotTried) {
  LadderBench bench{{.renditions = kSmall, .properties = "video-encoders=-nvidia"}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 100ms);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(fake_encoder().made, 0);
  EXPECT_EQ(encoder_of(bench), "x264enc");
}

TEST_F(Encoder, ThatIsPinnedIsTheOneThatIsUsed) {
  LadderBench bench{{.renditions = kSmall, .properties = "video-encoders=openh264"}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 500ms);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(encoder_of(bench), "openh264enc");
  EXPECT_EQ(bench.decoded().size(), pushed.size());
}

TEST_F(Encoder, ThatIsPinnedAndFailsForGoodIsAnError) {
  fake_encoder().starts = false;
  LadderBench bench{{.renditions = kSmall, .properties = "video-encoders=nvidia"}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  ASSERT_NE(bench.push_picture(scene(64, 48, 0s), 0s), GST_FLOW_NOT_LINKED);
  ASSERT_TRUE(bench.wait_for_message(GST_MESSAGE_ERROR));
}

using Decoder = AbrLadderFaults;

std::vector<GstPtr<GstSample>> coded_scene(int frames, int key_interval) {
  std::vector<std::pair<Duration, Luma>> pictures;
  for (int i = 0; i < frames; ++i)
    pictures.emplace_back(i * 33ms, scene(64, 48, i * 33ms));
  return encode(pictures, key_interval);
}

void push(LadderBench& bench, const std::vector<GstPtr<GstSample>>& samples) {
  for (const auto& sample : samples)
    ASSERT_EQ(bench.in().push_buffer(GstPtr<GstBuffer>::share(gst_sample_get_buffer(sample.get()))),
              GST_FLOW_OK);
}

constexpr const char* kCoded =
    "video/x-h264,stream-format=byte-stream,alignment=au,width=64,height=48,framerate=30/1";

TEST_F(Decoder, DecodesWhatComesEncoded) {
  LadderBench bench{{.renditions = kSmall, .properties = "video-decoders=libav"}};
  bench.in().open_stream(kCoded);
  push(bench, coded_scene(30, 30));
  ASSERT_TRUE(bench.end());
  const auto pictures = bench.decoded();
  ASSERT_EQ(pictures.size(), 30u);
  EXPECT_GT(ssim(pictures[20].luma, scene(64, 48, pictures[20].at)), 0.9);
  const auto stats = bench.stats();
  EXPECT_STREQ(gst_structure_get_string(stats.get(), "video-decoder"), "avdec_h264");
}

TEST_F(Decoder, SeesAnotherSizeWithinTheStreamAndNobodyBehindItDoes) {
  LadderBench bench{{.renditions = kSmall, .properties = "video-decoders=libav"}};
  bench.in().open_stream(kCoded);
  push(bench, coded_scene(15, 30));
  std::vector<std::pair<Duration, Luma>> larger;
  for (int i = 15; i < 30; ++i)
    larger.emplace_back(i * 33ms, scene(128, 96, i * 33ms));
  push(bench, encode(larger, 30));
  ASSERT_TRUE(bench.end());
  const auto frames = bench.coded();
  ASSERT_EQ(frames.size(), 30u);
  for (std::size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(frames[i].is_key, i == 0) << i;
  const auto pictures = bench.decoded();
  ASSERT_EQ(pictures.size(), 30u);
  EXPECT_GT(ssim(pictures[25].luma, scene(128, 96, pictures[25].at).scaled(64, 48)), 0.9);
}

TEST_F(Decoder, ThatFailsIsReplacedAndAKeyFrameIsAskedFor) {
  fake_decoder().fails_after = 10;
  LadderBench bench{{.renditions = kSmall}};
  bench.in().open_stream(kCoded);
  push(bench, coded_scene(60, 30));
  EXPECT_TRUE(bench.in().wait_for_upstream("GstForceKeyUnit"));
  ASSERT_TRUE(bench.end());
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ERROR).empty());
  ASSERT_FALSE(bench.messages(GST_MESSAGE_WARNING).empty());
  // From the next key frame on all of them.
  const auto frames = bench.coded();
  const auto behind = std::count_if(frames.begin(), frames.end(),
                                    [](const Coded& frame) { return frame.at >= 30 * 33ms; });
  EXPECT_EQ(behind, 30);
}

TEST_F(Decoder, ForWhatNobodyDecodesIsAnErrorThatSaysSo) {
  LadderBench bench{{.renditions = kSmall}};
  bench.in().open_stream("video/x-unheard-of");
  bench.in().push_buffer(GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 10, nullptr)));
  const auto errors = bench.messages(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(text_of(errors.front()).find("video/x-unheard-of"), std::string::npos)
      << text_of(errors.front());
}

// ---- overload

class Overloaded : public AbrLadderFaults {
 protected:
  Overloaded()
      : bench_{{.renditions = kSmall,
                .properties = "overload-time=1000000000 video-encoders=nvidia",
                .srcs = {"video_src_0", "video_src_1"},
                .is_live = true}} {
    bench_.in().open_stream(LadderBench::picture_caps(64, 48));
  }

  // As a camera: each frame when its time comes.
  void live(Duration to) {
    for (; at_ < to; at_ += 33ms) {
      bench_.set_time(at_);
      ASSERT_EQ(bench_.push_picture(scene(64, 48, at_), at_), GST_FLOW_OK);
    }
  }
  // The same, and each frame has been encoded.
  void live_in_time(Duration to) {
    for (; at_ < to;) {
      live(at_ + 1ms);
      ASSERT_TRUE(bench_.out("video_src_0").wait([this](const auto&) { return is_done(); }));
    }
  }
  bool is_done() {
    for (const auto* rendition : {"rendition-0", "rendition-1"}) {
      const auto stats = bench_.stats_of(rendition);
      guint64 behind = 0;
      gst_structure_get_uint64(stats.get(), "behind", &behind);
      if (behind > 0)
        return false;
    }
    return true;
  }
  struct Step {
    guint rendition;
    bool is_down;
    int num, den;
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps() {
    std::vector<Step> all;
    for (const auto& message : bench_.messages(GST_MESSAGE_ELEMENT, "abrladder-overload")) {
      const auto* structure = gst_message_get_structure(message.get());
      Step step{};
      gboolean is_down = FALSE;
      gst_structure_get(structure, "rendition", G_TYPE_UINT, &step.rendition, "degraded",
                        G_TYPE_BOOLEAN, &is_down, "fps", GST_TYPE_FRACTION, &step.num, &step.den,
                        nullptr);
      step.is_down = is_down == TRUE;
      all.push_back(step);
    }
    return all;
  }

  LadderBench bench_;
  Duration at_{0};
};

TEST_F(Overloaded, TheTopRenditionsFrameRateIsHalvedFirst) {
  live_in_time(500ms);
  hold_fake_encoder();
  // 150 ms behind, and then for a second.
  live(1500ms);
  EXPECT_TRUE(steps().empty());
  live(1800ms);
  const auto taken = steps();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0], (Step{0, true, 15, 1}));
  release_fake_encoder();
}

TEST_F(Overloaded, WhatWasTakenIsGivenBackWhenThereIsRoom) {
  live_in_time(500ms);
  hold_fake_encoder();
  live(1800ms);
  ASSERT_EQ(steps().size(), 1u);
  release_fake_encoder();
  live_in_time(6500ms);
  EXPECT_TRUE(steps().empty());
  live_in_time(8000ms);
  const auto taken = steps();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0], (Step{0, false, 30, 1}));
}

TEST_F(Overloaded, FramesAreDroppedRatherThanHeldUp) {
  live_in_time(500ms);
  hold_fake_encoder();
  // Nobody blocks the source, however long that lasts.
  live(10s);
  const auto stats = bench_.stats_of("rendition-0");
  guint64 dropped = 0;
  gst_structure_get_uint64(stats.get(), "dropped", &dropped);
  EXPECT_GT(dropped, 50u);
  release_fake_encoder();
}

// ---- settings

struct Wrong {
  const char* renditions;
  const char* says;
};

class WrongRenditions : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRenditions, AreAnErrorThatNamesTheField) {
  ElementBench bench{"abrladder"};
  bench.set("renditions", GetParam().renditions);
  EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  const auto errors = bench.messages(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  GError* raw = nullptr;
  gst_message_parse_error(errors[0].get(), &raw, nullptr);
  const ErrorPtr error{raw};
  EXPECT_STREQ(error->message, GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    AbrLadder, WrongRenditions,
    testing::Values(
        Wrong{"<[hd,width=20,height=48,bps=300000]>",
              "Rendition hd: width is 20; allowed are 36 to 4096."},
        Wrong{"<[hd,width=64,height=4098,bps=300000]>",
              "Rendition hd: height is 4098; allowed are 36 to 4096."},
        Wrong{
            "<[hd,width=65,height=48,bps=300000]>",
            "Rendition hd: width is 65; it has to be even, as colours are sampled at every second "
            "pixel (4:2:0)."},
        Wrong{"<[hd,width=64,height=48,bps=300000,fps=61]>",
              "Rendition hd: fps is 61/1; allowed are 3 to 60."},
        Wrong{"<[hd,width=64,height=48,bps=300000,fps=fast]>",
              "Rendition hd: fps is fast; allowed: a whole number, or a fraction as 30000/1001."},
        Wrong{"<[hd,width=64,height=48]>",
              "Rendition hd: bps is 0; allowed are 15000 to 15000000."},
        Wrong{"<[hd,width=64,height=48,bps=300000,profile=best]>",
              "Rendition hd: profile is best; allowed: baseline, main, high."},
        Wrong{"<[hd,width=64,height=48,bps=300000,fit=zoom]>",
              "Rendition hd: fit is zoom; allowed: letterbox, crop, stretch."},
        Wrong{"<[hd,width=64,height=48,bps=300000,colour=red]>",
              "Rendition hd: there is no field colour."},
        Wrong{"<[hd,width=64,height=48,bps=300000,audio-bps=31999]>",
              "Rendition hd: audio-bps is 31999; allowed are 32000 to 320000."},
        Wrong{"<[hd,video=none,audio=none]>", "Rendition hd has neither picture nor sound."}));

TEST(AbrLadderSettings, RenditionsAreReadAsTheyWereWritten) {
  ElementBench bench{"abrladder"};
  bench.set("renditions",
            "<[hd,width=1280,height=720,fps=30000/1001,bps=2500000,profile=high,fit=crop,"
            "upscale=true,audio-bps=128000,audio-codec=aac],[sound,video=none]>");
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_ARRAY);
  g_object_get_property(G_OBJECT(bench.element()), "renditions", &value);
  ASSERT_EQ(gst_value_array_get_size(&value), 2u);
  const auto* hd = gst_value_get_structure(gst_value_array_get_value(&value, 0));
  gint num = 0;
  gint den = 0;
  gst_structure_get_fraction(hd, "fps", &num, &den);
  EXPECT_EQ(std::pair(num, den), std::pair(30000, 1001));
  EXPECT_STREQ(gst_structure_get_string(hd, "fit"), "crop");
  const auto* sound = gst_value_get_structure(gst_value_array_get_value(&value, 1));
  EXPECT_STREQ(gst_structure_get_string(sound, "video"), "none");
  // And what is read can be written.
  ElementBench other{"abrladder"};
  g_object_set_property(G_OBJECT(other.element()), "renditions", &value);
  EXPECT_EQ(other.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  g_value_unset(&value);
}

}  // namespace
}  // namespace onair::test
