// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_line.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

RunningTime at(Duration time) {
  return RunningTime{time};
}

// A line at 48 kHz that has put out its first second, heard 10 ms after the end of each piece.
AudioLine after_a_second() {
  AudioLine line{48'000};
  for (Duration t{0}; t < 1s; t += 20ms) {
    const auto plan = line.on_input(at(t), 960, at(t + 30ms));
    EXPECT_EQ(plan.take, 960);
    line.advance(plan.take);
  }
  return line;
}

TEST(AudioLine, BeginsWhereTheFirstSoundDoes) {
  AudioLine line{48'000};
  EXPECT_FALSE(line.position());
  EXPECT_FALSE(line.deadline());
  const auto plan = line.on_input(at(123ns), 960, {});
  EXPECT_EQ(plan.fill, 0);
  EXPECT_EQ(plan.take, 960);
  EXPECT_EQ(line.advance(960).start, at(123ns));
  EXPECT_EQ(line.position(), at(20ms + 123ns));
}

TEST(AudioLine, SoundFromBeforeTheBeginningIsCut) {
  AudioLine line{48'000};
  const auto plan = line.on_input(at(-5ms), 960, {});
  EXPECT_EQ(plan.trim, 240);
  EXPECT_EQ(plan.take, 720);
  EXPECT_EQ(line.position(), at(0s));
}

TEST(AudioLine, SpansTouchWhateverTheRate) {
  AudioLine line{44'100};
  line.begin(at(7ns));
  RunningTime end = at(7ns);
  for (int i = 0; i < 100'000; ++i) {
    const auto span = line.advance(1024);
    ASSERT_EQ(span.start, end);
    end = span.start + span.length;
  }
  // 102 400 000 samples: 2321.995464852608 s.
  EXPECT_EQ(end, at(7ns + 2'321'995'464'853ns));
}

TEST(AudioLine, ADeviationWithinToleranceIsJoinedAsItIs) {
  for (const Duration deviation : {-1ms, 0ms, 1ms}) {
    auto line = after_a_second();
    const auto plan = line.on_input(at(1s) + deviation, 960, at(1030ms));
    EXPECT_EQ(plan.fill, 0);
    EXPECT_EQ(plan.trim, 0);
    EXPECT_EQ(plan.take, 960);
  }
}

TEST(AudioLine, ANanosecondMoreIsFilled) {
  auto line = after_a_second();
  const auto plan = line.on_input(at(1s + 1ms + 1ns), 960, at(1030ms));
  EXPECT_EQ(plan.fill, 48);
  EXPECT_EQ(plan.take, 960);
}

TEST(AudioLine, ANanosecondLessIsCut) {
  auto line = after_a_second();
  const auto plan = line.on_input(at(1s - 1ms - 1ns), 960, at(1030ms));
  EXPECT_EQ(plan.trim, 48);
  EXPECT_EQ(plan.take, 912);
}

TEST(AudioLine, SoundWithoutATimestampFollows) {
  auto line = after_a_second();
  EXPECT_EQ(line.on_input({}, 100, at(1030ms)).take, 100);
  AudioLine fresh{48'000};
  EXPECT_EQ(fresh.on_input({}, 100, at(3s)).take, 100);
  EXPECT_EQ(fresh.position(), at(3s));
}

TEST(AudioLine, LateSoundIsCutAltogether) {
  auto line = after_a_second();
  line.advance(48'000);
  const auto plan = line.on_input(at(1s), 960, at(2s));
  EXPECT_EQ(plan.kind, ArrivalKind::Late);
  EXPECT_EQ(plan.trim, 960);
  EXPECT_EQ(plan.take, 0);
}

TEST(AudioLine, IsDueWhenTheUsualLagAndMaxWaitHavePassed) {
  auto line = after_a_second();
  EXPECT_EQ(line.deadline(), at(1s + 10ms + 1s));
  line.set_max_wait(0s);
  EXPECT_EQ(line.deadline(), at(1s + 10ms));
}

TEST(AudioLine, AGapIsFilledToItsEnd) {
  auto line = after_a_second();
  EXPECT_EQ(line.on_gap(at(1s), 400ms, at(1030ms)), 19'200);
  EXPECT_EQ(line.on_gap(at(500ms), 400ms, at(1030ms)), 0) << "it has passed";
  EXPECT_EQ(line.on_gap(at(1s), 1h, at(1030ms)), 0) << "not by this clock";
  EXPECT_EQ(line.on_gap(at(1s), 1h, {}), 48'000 * 3600);
  AudioLine fresh{48'000};
  EXPECT_EQ(fresh.on_gap(at(0s), 1s, {}), 0) << "it has not begun";
}

TEST(AudioLine, AnotherRateGoesOnAtTheSamePlace) {
  AudioLine line{44'100};
  line.begin(at(0s));
  line.advance(1001);
  const auto here = *line.position();
  line.set_rate(48'000);
  EXPECT_EQ(line.position(), here);
  EXPECT_EQ(line.advance(48).length, 1ms);
  EXPECT_EQ(line.position(), here + 1ms);
}

}  // namespace
}  // namespace onair::test
