// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_line.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using Picture = VideoLine::Picture;

constexpr VideoLine::FrameRate kTen{.num = 10, .den = 1};

RunningTime at(Duration time) {
  return RunningTime{time};
}

VideoLine after(Duration last) {
  VideoLine line{kTen};
  EXPECT_EQ(line.on_input(at(last), at(last + 40ms)).start, at(last));
  line.advance(at(last));
  return line;
}

std::vector<Duration> fill_before(VideoLine& line, Duration until) {
  std::vector<Duration> starts;
  while (const auto fill = line.fill_before(at(until)))
    starts.push_back(fill->start.time_since_epoch());
  return starts;
}

TEST(VideoLine, PicturesKeepTheirTimes) {
  VideoLine line{kTen};
  for (const Duration t : {5ms, 6ms, 90ms, 400ms, 1400ms}) {
    const auto plan = line.on_input(at(t), at(t));
    EXPECT_EQ(plan.kind, ArrivalKind::InTime);
    EXPECT_EQ(plan.start, at(t));
    EXPECT_FALSE(plan.fill_until) << t.count();
    line.advance(plan.start);
  }
}

TEST(VideoLine, APictureAtTheTimeOfTheLastIsLateAndANanosecondLaterIsNot) {
  auto line = after(1s);
  EXPECT_EQ(line.on_input(at(1s), at(1s)).kind, ArrivalKind::Late);
  EXPECT_EQ(line.on_input(at(1s + 1ns), at(1s)).kind, ArrivalKind::InTime);
}

TEST(VideoLine, APictureFromBeforeTheBeginningIsLate) {
  VideoLine line{kTen};
  EXPECT_EQ(line.on_input(at(-1ns), {}).kind, ArrivalKind::Late);
  line.begin(at(1s));
  EXPECT_EQ(line.on_input(at(1s - 1ns), {}).kind, ArrivalKind::Late);
  EXPECT_EQ(line.on_input(at(1s), {}).kind, ArrivalKind::InTime);
}

TEST(VideoLine, TheNextOneOnTheGridIsDueAfterTheUsualLagAndMaxWait) {
  auto line = after(1s);
  EXPECT_EQ(line.deadline(), at(1s + 100ms + 40ms + 1s));
  line.fill();
  EXPECT_EQ(line.deadline(), at(1s + 200ms + 40ms + 1s));
}

TEST(VideoLine, FillerRepeatsOnTheGridAndThenShowsTheSlate) {
  auto line = after(1s);
  line.set_slate_after(300ms);
  for (int i = 1; i <= 5; ++i) {
    const auto fill = line.fill();
    EXPECT_EQ(fill.start, at(1s + i * 100ms));
    EXPECT_EQ(fill.length, 100ms);
    EXPECT_EQ(fill.picture, i < 3 ? Picture::Repeated : Picture::Slate) << i;
  }
}

TEST(VideoLine, ThirtyPerThousandAndOneStayOnTheGridForEver) {
  VideoLine line{{.num = 30'000, .den = 1001}};
  line.begin(at(0s));
  for (int i = 0; i < 30'000; ++i) {
    const auto fill = line.fill();
    ASSERT_EQ(fill.start + fill.length, *line.position());
  }
  EXPECT_EQ(line.position(), at(1001s));
}

TEST(VideoLine, WhenThePictureReturnsTheRestIsFilledHalfAPeriodBeforeIt) {
  auto line = after(1s);
  line.fill();
  const auto plan = line.on_input(at(1450ms), at(2500ms));
  EXPECT_EQ(plan.fill_until, at(1450ms));
  EXPECT_EQ(fill_before(line, 1450ms), (std::vector<Duration>{1200ms, 1300ms, 1400ms}));
  auto other = after(1s);
  other.fill();
  EXPECT_EQ(fill_before(other, 1450ms - 1ns), (std::vector<Duration>{1200ms, 1300ms}));
}

TEST(VideoLine, AHoleLongerThanMaxWaitIsFilledAndOneOfMaxWaitIsASlowCamera) {
  EXPECT_FALSE(after(1s).on_input(at(2s), {}).fill_until);
  EXPECT_TRUE(after(1s).on_input(at(2s + 1ns), {}).fill_until);
}

TEST(VideoLine, AGapIsFilledToItsEnd) {
  auto line = after(1s);
  EXPECT_EQ(line.on_gap(at(1100ms), 300ms, at(1s)), at(1400ms));
  EXPECT_FALSE(line.on_gap(at(1100ms), 1h, at(1s)));
  EXPECT_FALSE(VideoLine{kTen}.on_gap(at(0s), 1s, {}));
}

TEST(VideoLine, BegunWithoutInputItShowsTheSlateUntilThePictureComes) {
  VideoLine line{kTen};
  line.begin(at(2s));
  EXPECT_EQ(line.deadline(), at(3s));
  auto fill = line.fill();
  EXPECT_EQ(fill.start, at(2s));
  EXPECT_EQ(fill.picture, Picture::Slate);
  const auto plan = line.on_input(at(2250ms), at(3s));
  EXPECT_TRUE(plan.fill_until);
  EXPECT_EQ(fill_before(line, 2250ms), (std::vector<Duration>{2100ms, 2200ms}));
  line.advance(plan.start);
  EXPECT_EQ(line.fill().picture, Picture::Repeated);
}

TEST(VideoLine, AnotherRateGoesOnFromTheLastPicture) {
  auto line = after(1s);
  line.fill();
  line.set_rate({.num = 4, .den = 1});
  EXPECT_EQ(line.position(), at(1100ms + 250ms));
  VideoLine begun{kTen};
  begun.begin(at(1s));
  begun.set_rate({.num = 4, .den = 1});
  EXPECT_EQ(begun.position(), at(1s));
}

TEST(VideoLine, ALeapGoesWhereTheGridGoesOn) {
  auto line = after(10s);
  const auto plan = line.on_input(at(0s), at(10s + 140ms));
  EXPECT_EQ(plan.kind, ArrivalKind::Leap);
  EXPECT_EQ(plan.start, at(10s + 100ms));
}

}  // namespace
}  // namespace onair::test
