// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chains.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

VideoRendition rendition() {
  return {.width = 1280, .height = 720, .fps = {30, 1}, .bps = 3'000'000, .upscale = true};
}

Families families(std::string_view text) {
  return Families::parse(text).value();
}

std::vector<std::string> names(const std::vector<Chain>& chains) {
  std::vector<std::string> all;
  for (const auto& chain : chains)
    all.push_back(chain.name);
  return all;
}

// ---- which, and in which order

TEST(VideoChains, OfAPictureInMemoryPreferTheGpuAndEndWithOpenh264) {
  EXPECT_THAT(names(video_chains(rendition(), Memory::System, {})),
              ElementsAre("nvcudah264enc", "nvh264enc", "x264enc", "openh264enc"));
}

TEST(VideoChains, FollowTheOrderOfTheFamiliesAndLeaveOutOthers) {
  EXPECT_THAT(names(video_chains(rendition(), Memory::System, families("openh264,nvidia"))),
              ElementsAre("openh264enc", "nvcudah264enc", "nvh264enc"));
  EXPECT_THAT(names(video_chains(rendition(), Memory::System, families("-nvidia"))),
              ElementsAre("x264enc", "openh264enc"));
  EXPECT_THAT(video_chains(rendition(), Memory::System, families("x265")), IsEmpty());
}

TEST(VideoChains, NameTheFamilyByWhichTheyWereChosen) {
  for (const auto* family : {"nvidia", "x264", "openh264"})
    EXPECT_THAT(video_chains(rendition(), Memory::Cuda, families(family)),
                AllOf(Not(IsEmpty()), Each(Field(&Chain::family, family))));
}

TEST(VideoChains, OfAPictureInMemoryTouchNoGpuBeforeTheEncoder) {
  EXPECT_THAT(video_chains(rendition(), Memory::System, {}),
              Each(Field(&Chain::description,
                         AllOf(StartsWith("videocrop name=crop ! "), Not(HasSubstr("cudadownload")),
                               Not(HasSubstr("cudaconvertscale"))))));
}

// ---- what they make

TEST(VideoChains, MakeTheSizeInSquarePixelsAndTheProfile) {
  for (const auto& [profile, word] : {std::pair{Profile::Baseline, "profile=baseline"},
                                      {Profile::Main, "profile=main"},
                                      {Profile::High, "profile=high"}}) {
    auto its = rendition();
    its.profile = profile;
    for (const auto memory : {Memory::System, Memory::Cuda})
      for (const auto& chain : video_chains(its, memory, {}))
        EXPECT_THAT(chain.description,
                    AllOf(HasSubstr("width=1280,height=720,pixel-aspect-ratio=1/1"),
                          testing::EndsWith(std::string{"video/x-h264,"} + word),
                          HasSubstr(chain.name + " name=codec")));
  }
}

TEST(VideoChains, AddBordersToLetterboxesAlone) {
  for (const auto& [fit, word] : {std::pair{Fit::Letterbox, "add-borders=true"},
                                  {Fit::Crop, "add-borders=false"},
                                  {Fit::Stretch, "add-borders=false"}}) {
    auto its = rendition();
    its.fit = fit;
    for (const auto& chain : video_chains(its, Memory::System, {}))
      EXPECT_THAT(chain.description, HasSubstr(word));
  }
}

std::vector<std::string> values(const Chain& chain, std::string_view property) {
  std::vector<std::string> all;
  for (const auto& [name, value] : chain.settings)
    if (name == property)
      all.push_back(value);
  return all;
}

// Frames leave in the order in which they came, and key frames come when they are asked for.
TEST(VideoChains, ReorderNothingAndMakeNoKeyFramesOfTheirOwn) {
  for (const auto& chain : video_chains(rendition(), Memory::Cuda, {})) {
    SCOPED_TRACE(chain.name);
    if (chain.family == "nvidia") {
      // Both names of each, by version.
      EXPECT_THAT(values(chain, "bframes"), ElementsAre("0"));
      EXPECT_THAT(values(chain, "b-frames"), ElementsAre("0"));
      EXPECT_THAT(values(chain, "zerolatency"), ElementsAre("true"));
      EXPECT_THAT(values(chain, "zero-reorder-delay"), ElementsAre("true"));
      EXPECT_THAT(values(chain, "gop-size"), ElementsAre("-1"));
      EXPECT_THAT(values(chain, "rc-lookahead"), IsEmpty()) << "0 by default";
    } else if (chain.family == "x264") {
      // Of x264 zerolatency is: no B-frames, no lookahead, threads by slices.
      EXPECT_THAT(chain.description,
                  AllOf(HasSubstr(" tune=zerolatency "), HasSubstr(" key-int-max=2147483647 "),
                        HasSubstr(" option-string=scenecut=0 ")));
      EXPECT_THAT(chain.description, Not(testing::ContainsRegex("bframes|rc-lookahead|b-adapt")));
    } else {
      EXPECT_THAT(chain.description,
                  AllOf(HasSubstr(" gop-size=0 "), HasSubstr(" scene-change-detection=false ")));
    }
  }
}

TEST(VideoChains, BeginWithTheRateOfTheirBudget) {
  const auto rate = RateBudget{rendition().bps, rendition().fps}.rate();
  for (const auto& chain : video_chains(rendition(), Memory::System, {}))
    for (const auto& setting : rate_settings(chain.name, rate))
      EXPECT_THAT(chain.settings, Contains(setting)) << chain.name;
}

// ---- rates

TEST(RateSettings, OfX264AreKilobitsAndMilliseconds) {
  EXPECT_THAT(rate_settings("x264enc", {.bps = 1'234'567, .buffer = 250ms}),
              ElementsAre(Pair("bitrate", "1234"), Pair("vbv-buf-capacity", "250")));
}

TEST(RateSettings, OfOpenh264AreBits) {
  EXPECT_THAT(rate_settings("openh264enc", {.bps = 1'234'567, .buffer = 250ms}),
              ElementsAre(Pair("bitrate", "1234567"), Pair("max-bitrate", "1234567")));
}

TEST(RateSettings, OfNvidiaAreKilobitsAndKilobits) {
  for (const auto* encoder : {"nvh264enc", "nvcudah264enc"})
    EXPECT_THAT(rate_settings(encoder, {.bps = 1'234'567, .buffer = 250ms}),
                ElementsAre(Pair("bitrate", "1234"), Pair("max-bitrate", "1234"),
                            Pair("vbv-buffer-size", "309")));
}

TEST(RateSettings, OfAnUnknownEncoderAreNone) {
  EXPECT_THAT(rate_settings("x265enc", {.bps = 1'000'000, .buffer = 250ms}), IsEmpty());
  EXPECT_THAT(rate_settings("", {.bps = 1'000'000, .buffer = 250ms}), IsEmpty());
}

// Zero would mean a rate of their own to all of them.
TEST(RateSettings, AreNeverZeroForAnyRateThatARenditionCanHave) {
  for (const int bps : {VideoRendition::kMinBps, VideoRendition::kMaxBps})
    for (const int fps : {VideoRendition::kMinFps, VideoRendition::kMaxFps}) {
      RateBudget budget{bps, {fps, 1}};
      for (int n = 0; n < 1000; ++n) {
        const auto rate = budget.on_frame(RunningTime{n * 10s}).value_or(budget.rate());
        for (const auto* encoder : {"x264enc", "openh264enc", "nvh264enc"})
          for (const auto& [property, value] : rate_settings(encoder, rate))
            ASSERT_GE(std::stoll(value), 1)
                << encoder << ' ' << property << ", " << bps << " bit/s";
      }
    }
}

// ---- threads

TEST(EncoderThreads, AreOneForEach720p30AndFourAtMost) {
  const auto threads = [](int width, int height, FrameRate fps) {
    return encoder_threads({.width = width, .height = height, .fps = fps});
  };
  EXPECT_EQ(threads(36, 36, {3, 1}), 1);
  EXPECT_EQ(threads(1280, 720, {30, 1}), 1);
  EXPECT_EQ(threads(1280, 722, {30, 1}), 2);
  EXPECT_EQ(threads(1280, 720, {30'001, 1000}), 2);
  EXPECT_EQ(threads(1920, 1080, {30, 1}), 2);
  EXPECT_EQ(threads(1280, 720, {75, 1}), 2) << "2.5 times";
  EXPECT_EQ(threads(1280, 722, {75, 1}), 4);
  EXPECT_EQ(threads(4096, 4096, {60, 1}), 4);
}

TEST(EncoderThreads, AreWhatEncodersInMemoryGet) {
  auto its = rendition();
  its.width = 1920;
  its.height = 1080;
  EXPECT_THAT(video_chains(its, Memory::System, families("x264")).front().description,
              HasSubstr(" threads=2 "));
  EXPECT_THAT(video_chains(its, Memory::System, families("openh264")).front().description,
              HasSubstr(" multi-thread=2 "));
}

// ---- sound

TEST(AudioChains, OfMp3AreOneAtTheTableRateBelowAndOneFrameGrid) {
  for (const auto& [bps, kilobits] : {std::pair{32'000, "32"},
                                      {95'999, "80"},
                                      {96'000, "96"},
                                      {96'001, "96"},
                                      {320'000, "320"}}) {
    const auto chains = audio_chains({.bps = bps, .codec = AudioCodec::Mp3});
    ASSERT_EQ(chains.size(), 1U);
    EXPECT_EQ(chains[0].name, "lamemp3enc");
    EXPECT_THAT(chains[0].description,
                AllOf(HasSubstr(" cbr=true bitrate=" + std::string{kilobits} + " !"),
                      HasSubstr("! audio/mpeg,rate=48000 !")));
  }
}

TEST(AudioChains, OfAacAreThreeEncodersAtTheVeryRate) {
  const auto chains = audio_chains({.bps = 95'999, .codec = AudioCodec::Aac});
  EXPECT_THAT(names(chains), ElementsAre("avenc_aac", "fdkaacenc", "voaacenc"));
  for (const auto& chain : chains)
    EXPECT_THAT(chain.description, HasSubstr(chain.name + " name=codec bitrate=95999 ! aacparse"));
}

}  // namespace
}  // namespace onair::test
