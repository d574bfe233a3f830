// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_line.hpp"

#include <optional>
#include <utility>
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
  for (const Duration t : {5ms, 6ms, 90ms, 340ms, 590ms}) {
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

TEST(VideoLine, PicturesFartherApartThanSlowCamerasMakeThemLeaveAHole) {
  for (const auto& [max_wait, most] : {std::pair{1s + 0ms, 250ms}, std::pair{0s + 100ms, 100ms}}) {
    for (const bool is_hole : {false, true}) {
      auto line = after(1s);
      line.set_max_wait(max_wait);
      const auto start = at(1s + most + (is_hole ? 1ns : 0ns));
      EXPECT_EQ(line.on_input(start, {}).fill_until, is_hole ? std::optional{start} : std::nullopt);
    }
  }
}

TEST(VideoLine, AHoleIsFilledFiveTimesASecond) {
  auto line = after(1s);
  EXPECT_FALSE(line.fill_before(at(1250ms - 1ns), true)) << "half a period before";
  const auto first = line.fill_before(at(1550ms), true);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->start, at(1200ms));
  EXPECT_EQ(first->length, 200ms);
  const auto last = line.fill_before(at(1550ms), true);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->start, at(1400ms));
  EXPECT_EQ(last->length, 150ms) << "up to the picture that returns";
  EXPECT_FALSE(line.fill_before(at(1550ms), true));
  // Slower ones at their own pace.
  VideoLine slow{{.num = 3, .den = 1}};
  EXPECT_EQ(slow.on_input(at(1s), {}).start, at(1s));
  slow.advance(at(1s));
  EXPECT_EQ(slow.fill_before(at(2s), true)->start, at(1s + 333'333'333ns));
}

TEST(VideoLine, AHoleThatNobodyHasWaitedForIsNoEvent) {
  EXPECT_TRUE(after(1s).on_input(at(2s), {}).is_hole);
  EXPECT_FALSE(after(1s).on_input(at(2s + 1ns), {}).is_hole);
  auto line = after(1s);
  line.fill();
  EXPECT_FALSE(line.on_input(at(1500ms), {}).is_hole) << "filler has gone out";
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
