// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures whose caps say that they are in a GPU's memory.
#include <ostream>

#include <gtest/gtest.h>

#include "abrladder_bench.hpp"
#include "abrladder_gpu_fakes.hpp"

namespace onair::test {

void PrintTo(const FetchedSize& size, std::ostream* to) {
  *to << size.width << 'x' << size.height;
}

namespace {

class AbrLadderGpu : public testing::Test {
 protected:
  AbrLadderGpu() { register_fake_gpu(); }

  static std::string on_gpu(int width, int height) {
    auto caps = LadderBench::picture_caps(width, height);
    return caps.insert(std::string_view{"video/x-raw"}.size(), "(memory:CUDAMemory)");
  }
  static constexpr const char* kOnCpu = "video-encoders=x264,openh264";
};

TEST_F(AbrLadderGpu, AreFetchedWhenTheyAreSmall) {
  LadderBench bench{{.renditions = "<[low,width=64,height=48,bps=300000]>", .properties = kOnCpu}};
  bench.in().open_stream(on_gpu(256, 192));
  const auto pushed = bench.push_scene(256, 192, 30, 0s, 500ms);
  ASSERT_TRUE(bench.end());
  const auto frames = bench.decoded();
  ASSERT_EQ(frames.size(), pushed.size());
  EXPECT_EQ(take_fetched_sizes(), (std::vector<FetchedSize>{{64, 48}}));
  EXPECT_GT(ssim(frames.back().luma, scene(256, 192, pushed.back()).scaled(64, 48)), 0.9);
}

TEST_F(AbrLadderGpu, StaySmallInALargerFrame) {
  LadderBench bench{
      {.renditions = "<[top,width=256,height=192,bps=900000]>", .properties = kOnCpu}};
  bench.in().open_stream(on_gpu(64, 48));
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 500ms);
  ASSERT_TRUE(bench.end());
  const auto frames = bench.decoded();
  ASSERT_EQ(frames.size(), pushed.size());
  const auto& luma = frames.back().luma;
  ASSERT_EQ(luma.width, 256);
  ASSERT_EQ(luma.height, 192);
  EXPECT_GT(ssim(luma.part(96, 72, 64, 48), scene(64, 48, pushed.back())), 0.9);
  EXPECT_NEAR(luma.at(10, 10), 16, 3);
}

TEST_F(AbrLadderGpu, MayGrowAndTheEncoderGoesOn) {
  LadderBench bench{{.renditions = "<[low,width=128,height=96,bps=600000]>", .properties = kOnCpu}};
  bench.in().open_stream(on_gpu(64, 48));
  bench.push_scene(64, 48, 30, 0s, 500ms);
  bench.in().push_caps(on_gpu(256, 192));
  const auto pushed = bench.push_scene(256, 192, 30, 500ms, 1s);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(take_fetched_sizes(), (std::vector<FetchedSize>{{64, 48}, {128, 96}}));
  int keys = 0;
  for (const auto& frame : bench.coded())
    keys += frame.is_key;
  EXPECT_EQ(keys, 1);
  EXPECT_GT(ssim(bench.decoded().back().luma, scene(256, 192, pushed.back()).scaled(128, 96)), 0.9);
}

TEST_F(AbrLadderGpu, AreTakenByEachEncoderOnTheCpu) {
  for (const std::string encoder : {"x264", "openh264"}) {
    SCOPED_TRACE(encoder);
    take_fetched_sizes();
    LadderBench bench{{.renditions = "<[low,width=64,height=48,bps=300000]>",
                       .properties = "video-encoders=" + encoder}};
    bench.in().open_stream(on_gpu(256, 192));
    const auto pushed = bench.push_scene(256, 192, 30, 0s, 200ms);
    ASSERT_TRUE(bench.end());
    EXPECT_EQ(bench.decoded().size(), pushed.size());
    EXPECT_EQ(take_fetched_sizes(), (std::vector<FetchedSize>{{64, 48}}));
  }
}

TEST_F(AbrLadderGpu, AreFetchedWholeToBeCropped) {
  LadderBench bench{
      {.renditions = "<[low,width=64,height=48,bps=300000,fit=crop]>", .properties = kOnCpu}};
  bench.in().open_stream(on_gpu(320, 180));
  const auto pushed = bench.push_scene(320, 180, 30, 0s, 200ms);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(bench.decoded().size(), pushed.size());
  EXPECT_EQ(take_fetched_sizes(), (std::vector<FetchedSize>{{320, 180}}));
}

}  // namespace
}  // namespace onair::test
