// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/video_pace.hpp"

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

TEST(FrameInterval, TakesTwoFrames) {
  FrameInterval interval;
  EXPECT_FALSE(interval.get());
  interval.on_frame(at(0ms));
  EXPECT_FALSE(interval.get());
  interval.on_frame(at(40ms));
  EXPECT_EQ(interval.get(), 40ms);
}

TEST(FrameInterval, OfReorderedFramesIsThatOfTheFramesShown) {
  FrameInterval interval;
  interval.on_frame(at(0ms));
  for (int n = 0; n < 40; ++n)  // P B B, as they are decoded
    for (const auto shown : {120ms, 40ms, 80ms})
      interval.on_frame(at(n * 120ms + shown));
  EXPECT_GT(*interval.get(), 30ms);
  EXPECT_LT(*interval.get(), 50ms);
}

TEST(FrameInterval, APauseCountsAsFiveFramesASecond) {
  FrameInterval interval;
  interval.on_frame(at(0ms));
  interval.on_frame(at(10s));
  EXPECT_EQ(interval.get(), FrameInterval::kMost);
}

TEST(ResponseTime, IsAGuessBeforeTheFirstAnswer) {
  EXPECT_EQ(ResponseTime{}.get(), ResponseTime::kGuess);
}

TEST(ResponseTime, IsTheMedianSoThatOneLostRequestIsNothing) {
  ResponseTime response;
  for (const auto after : {100ms, 110ms, 900ms, 90ms, 105ms})
    response.on_answer(after);
  EXPECT_EQ(response.get(), 105ms);
}

TEST(ResponseTime, FollowsTheLastNineAnswers) {
  ResponseTime response;
  for (int n = 0; n < 9; ++n)
    response.on_answer(100ms);
  for (int n = 0; n < 4; ++n)
    response.on_answer(300ms);
  EXPECT_EQ(response.get(), 100ms);
  response.on_answer(300ms);
  EXPECT_EQ(response.get(), 300ms);
}

}  // namespace
}  // namespace onair::test
