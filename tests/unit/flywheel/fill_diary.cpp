// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fill_diary.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

TEST(FillDiary, HalfASecondIsWorthTellingAndLessIsNot) {
  FillDiary diary;
  const RunningTime since{3s};
  EXPECT_FALSE(diary.on_fill(since, 500ms - 1ns));
  const auto told = diary.on_fill(since + 500ms - 1ns, 1ns);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->since, since);
  EXPECT_FALSE(diary.on_fill(since + 500ms, 20ms)) << "once";
  const auto ended = diary.on_input();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->since, since);
  EXPECT_EQ(ended->filled, 520ms);
}

TEST(FillDiary, WhatWasNotToldDoesNotEndEither) {
  FillDiary diary;
  EXPECT_FALSE(diary.on_input());
  EXPECT_FALSE(diary.on_fill(RunningTime{1s}, 20ms));
  EXPECT_EQ(diary.stretch()->since, RunningTime{1s});
  EXPECT_FALSE(diary.on_input());
  EXPECT_FALSE(diary.stretch());
}

TEST(FillDiary, EachStretchIsOneOfItsOwn) {
  FillDiary diary;
  EXPECT_TRUE(diary.on_fill(RunningTime{1s}, 600ms));
  diary.on_input();
  EXPECT_FALSE(diary.on_fill(RunningTime{5s}, 400ms));
  EXPECT_EQ(diary.on_fill(RunningTime{5400ms}, 100ms)->since, RunningTime{5s});
}

}  // namespace
}  // namespace onair::test
