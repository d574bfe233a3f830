// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/audio_frames.hpp"

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

TEST(AudioFrames, KnowsNothingBeforeTheFirstFrame) {
  const AudioFrames frames;
  EXPECT_FALSE(frames.nearest(at(1s)));
  EXPECT_EQ(frames.length(), 0ns);
}

TEST(AudioFrames, BeginOneBehindTheOtherBeforeTheFirstOneSeenToo) {
  AudioFrames frames;
  frames.on_frame(at(100ms), kMp3);
  EXPECT_EQ(frames.nearest(at(100ms + 24ms)), at(124ms));
  EXPECT_EQ(frames.nearest(at(0ms)), at(4ms));
  EXPECT_EQ(frames.length(), 24ms);
}

TEST(AudioFrames, HalfwayTheLaterOneIsNearest) {
  AudioFrames frames;
  frames.on_frame(at(0ms), kMp3);
  EXPECT_EQ(frames.nearest(at(12ms - 1ns)), at(0ms));
  EXPECT_EQ(frames.nearest(at(12ms)), at(24ms));
}

TEST(AudioFrames, LengthsThatAreNoWholeNanosecondsAddUpToWholeSeconds) {
  AudioFrames frames;
  frames.on_frame(at(0ms), kAac);
  EXPECT_EQ(frames.nearest(at(3 * 64ms)), at(192ms));   // 9 frames of 21.333… ms
  EXPECT_EQ(frames.nearest(at(87'660h)), at(87'660h));  // ten years
}

TEST(AudioFrames, RoundedTimestampsLeaveTheLineWhereItIs) {
  AudioFrames frames;
  frames.on_frame(at(0ms), kMp3);
  frames.on_frame(at(240ms + AudioFrames::kTolerance), kMp3);
  frames.on_frame(at(480ms - AudioFrames::kTolerance), kMp3);
  EXPECT_EQ(frames.nearest(at(1s)), at(1008ms));
}

TEST(AudioFrames, AFrameOffItsPlaceMovesTheLine) {
  AudioFrames frames;
  frames.on_frame(at(0ms), kMp3);
  const auto off = AudioFrames::kTolerance + 1ns;
  frames.on_frame(at(240ms + off), kMp3);
  EXPECT_EQ(frames.nearest(at(1s)), at(1008ms + off));
}

TEST(AudioFrames, AnotherFormatBeginsWithItsFirstFrame) {
  AudioFrames frames;
  frames.on_frame(at(0ms), kMp3);
  frames.on_frame(at(24ms), kOpus);
  EXPECT_EQ(frames.nearest(at(50ms)), at(44ms));
}

}  // namespace
}  // namespace onair::test
