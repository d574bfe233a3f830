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

TEST(FrameInterval, IsWhatTheFirstFrameSaysUntilTheSecondIsSeen) {
  FrameInterval interval;
  interval.on_frame(at(0ms), 40ms);
  EXPECT_EQ(interval.get(), 40ms);
  interval.on_frame(at(48ms), 40ms);
  EXPECT_EQ(interval.get(), 41ms);
  for (const Duration nonsense : {0ms, -1ms, 201ms}) {
    FrameInterval other;
    other.on_frame(at(0ms), nonsense);
    EXPECT_FALSE(other.get()) << nonsense.count();
  }
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

constexpr auto kRepeat = KeyFrameRequests::kRepeat;
constexpr auto kApart = KeyFrameRequests::kApart;

TEST(KeyFrameRequests, AreRepeatedUntilAKeyFrameComes) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.take(at(0s), kApart));
  EXPECT_FALSE(requests.take(at(kRepeat - 1ns), kApart));
  EXPECT_TRUE(requests.take(at(kRepeat), kApart));
  EXPECT_TRUE(requests.take(at(2 * kRepeat), kApart));
  EXPECT_TRUE(requests.is_awaited());
  requests.on_key_frame(at(2 * kRepeat + 40ms));
  EXPECT_FALSE(requests.is_awaited());
}

TEST(KeyFrameRequests, KeepTheirDistanceBehindAnAnswerToo) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.take(at(0s), kApart));
  requests.on_key_frame(at(40ms));
  EXPECT_FALSE(requests.take(at(kApart - 1ns), kApart));
  EXPECT_TRUE(requests.take(at(kApart), kApart));
  requests.on_key_frame(at(kApart + 40ms));
  EXPECT_TRUE(requests.take(at(kApart + 40ms), 0s)) << "nobody asked for any";
}

TEST(KeyFrameRequests, AnAnswerThatMayBeToEitherOfTwoSaysNothing) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.take(at(0s), kApart));
  EXPECT_TRUE(requests.take(at(kRepeat), kApart));
  requests.on_key_frame(at(kRepeat + 40ms));
  EXPECT_EQ(requests.response(), ResponseTime::kGuess);
  EXPECT_TRUE(requests.take(at(2s), kApart));
  requests.on_key_frame(at(2s + 70ms));
  EXPECT_EQ(requests.response(), 70ms);
}

TEST(KeyFrameRequests, SlowAnswersAreLearntAsRepeatsBecomeRarer) {
  KeyFrameRequests requests;
  RunningTime now{};
  std::optional<RunningTime> asked;
  for (int n = 0; n < 3; ++n, now += 3s) {
    asked.reset();
    for (Duration since{0}; since < 700ms; since += 10ms)
      if (requests.take(now + since, kApart) && !asked)
        asked = now + since;
    requests.on_key_frame(*asked + 700ms);
  }
  EXPECT_EQ(requests.response(), 700ms);
}

TEST(KeyFrameRequests, ThatAreTakenNoticeOfAreRepeatedSoonAgain) {
  KeyFrameRequests requests;
  EXPECT_TRUE(requests.take(at(0s), kApart));
  EXPECT_TRUE(requests.take(at(kRepeat), kApart));
  requests.on_key_frame(at(kRepeat + 40ms));
  EXPECT_TRUE(requests.take(at(2s), kApart));
  EXPECT_FALSE(requests.take(at(2s + 2 * kRepeat - 1ns), kApart));
  EXPECT_TRUE(requests.take(at(2s + 2 * kRepeat), kApart));
  requests.on_key_frame(at(3s + 40ms));
  EXPECT_TRUE(requests.take(at(4s), kApart));
  requests.on_key_frame(at(4s + 40ms));
  EXPECT_TRUE(requests.take(at(5s), kApart));
  EXPECT_FALSE(requests.take(at(5s + kRepeat - 1ns), kApart));
  EXPECT_TRUE(requests.take(at(5s + kRepeat), kApart));
}

}  // namespace
}  // namespace onair::test
