// SPDX-License-Identifier: LGPL-2.1-or-later
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chains.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

VideoRendition rendition(Fit fit, bool upscale) {
  return {.width = 640, .height = 360, .bps = 800'000, .fit = fit, .upscale = upscale};
}

// Of each encoder the chain that is tried first.
std::map<std::string, std::string> first_of_each(const VideoRendition& rendition) {
  std::map<std::string, std::string> firsts;
  for (const auto& chain : video_chains(rendition, Memory::Cuda, Families{}))
    firsts.emplace(chain.name, chain.description);
  return firsts;
}

TEST(Chains, PicturesOnTheGpuAreScaledThereAndOnlyThenFetched) {
  for (const bool upscale : {false, true})
    for (const auto& [encoder, chain] : first_of_each(rendition(Fit::Letterbox, upscale))) {
      EXPECT_THAT(chain, AllOf(HasSubstr("cudaconvertscale"), Not(HasSubstr("videoconvertscale"))));
      EXPECT_LT(chain.find("cudaconvertscale"), chain.find("cudadownload")) << encoder;
    }
}

TEST(Chains, PicturesThatFillTheFrameStayOnTheGpuForItsEncoder) {
  EXPECT_THAT(first_of_each(rendition(Fit::Letterbox, true))["nvh264enc"],
              Not(HasSubstr("cudadownload")));
  EXPECT_THAT(first_of_each(rendition(Fit::Letterbox, true))["x264enc"], HasSubstr("cudadownload"));
}

TEST(Chains, PicturesThatAreCroppedAreFetchedFirst) {
  for (const auto& [encoder, chain] : first_of_each(rendition(Fit::Crop, true)))
    EXPECT_THAT(chain, AllOf(HasSubstr("videocrop"), Not(HasSubstr("cudaconvertscale"))))
        << encoder;
}

// NVIDIA's encoder begins anew, with a key frame that nobody asked for, when its buffer changes.
TEST(Chains, NvidiasBufferIsTheSameHoweverRarelyFramesCome) {
  std::set<std::string> sizes;
  for (const auto spacing : {33ms, 36ms, 40ms, 47ms, 51ms, 66ms, 100ms, 250ms}) {
    RateBudget budget{800'000, {30, 1}};
    auto rate = budget.rate();
    for (int i = 0; i < 200; ++i)
      rate = budget.on_frame(RunningTime{i * spacing}).value_or(rate);
    for (const auto& [property, value] : rate_settings("nvh264enc", rate))
      if (property == "vbv-buffer-size")
        sizes.insert(value);
  }
  // kShare and kBuffer of 800 kbit.
  EXPECT_EQ(sizes, std::set<std::string>{"176"});
}

}  // namespace
}  // namespace onair::test
