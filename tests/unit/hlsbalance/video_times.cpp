// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_times.hpp"

#include <cstdint>
#include <optional>
#include <random>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

RunningTime at(Duration time) {
  return RunningTime{time};
}
VideoTimes::Times both(Duration pts, Duration dts) {
  return {.pts = at(pts), .dts = at(dts)};
}

TEST(VideoTimes, WhatIsInOrderStaysAsItIs) {
  VideoTimes times;
  EXPECT_EQ(times.begin_segment(at(1s), at(1s), 0ns), both(1s, 1s));
  EXPECT_EQ(times.next(at(1040ms), at(1040ms)), both(1040ms, 1040ms));
  // Reordered, with the decoding times of an encoder that begins two frames early.
  EXPECT_EQ(times.next(at(1160ms), at(1080ms)), both(1160ms, 1080ms));
  EXPECT_EQ(times.next(at(1080ms), at(1090ms)),
            both(1080ms + VideoTimes::kTick, 1080ms + VideoTimes::kTick));
}

TEST(VideoTimes, AKeyFrameIsMovedWithItsDecodingTimeWhereTheyAreOne) {
  VideoTimes times;
  EXPECT_EQ(times.begin_segment(at(1s), at(1s), 8ms), both(1008ms, 1008ms));
  EXPECT_EQ(times.begin_segment(at(2s), at(2s), -8ms), both(1992ms, 1992ms));
}

TEST(VideoTimes, AKeyFrameOfReorderedPicturesKeepsItsDecodingTime) {
  VideoTimes times;
  EXPECT_EQ(times.begin_segment(at(1s), at(920ms), 8ms), both(1008ms, 920ms));
  EXPECT_EQ(times.begin_segment(at(2s), at(1995ms), -8ms), both(1992ms, 1992ms))
      << "and it is not behind its own";
}

TEST(VideoTimes, WithoutADecodingTimeItIsThatOfTheFrameOrJustBehindTheLast) {
  VideoTimes times;
  EXPECT_EQ(times.begin_segment(at(1s), std::nullopt, 0ns), both(1s, 1s));
  EXPECT_EQ(times.next(at(1120ms), std::nullopt), both(1120ms, 1120ms));
  EXPECT_EQ(times.next(at(1040ms), std::nullopt),
            both(1120ms + VideoTimes::kTick, 1120ms + VideoTimes::kTick));
}

TEST(VideoTimes, NothingIsShownInFrontOfItsKeyFrame) {
  VideoTimes times;
  times.begin_segment(at(1s), at(920ms), 8ms);
  EXPECT_EQ(times.next(at(960ms), at(940ms)), both(1008ms + VideoTimes::kTick, 940ms));
}

TEST(VideoTimes, BehindAResetTimesMayBeAnyOthers) {
  VideoTimes times;
  times.begin_segment(at(100s), at(100s), 0ns);
  times.reset();
  EXPECT_EQ(times.begin_segment(at(1s), at(1s), 0ns), both(1s, 1s));
}

TEST(VideoTimes, WhateverComesDecodingTimesRiseAndAreNotBehindTheFrames) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    const auto any = [&random](Duration low, Duration high) {
      return Duration{
          std::uniform_int_distribution<Duration::rep>{low.count(), high.count()}(random)};
    };
    VideoTimes times;
    Duration now{1h};
    std::optional<RunningTime> last;
    for (int n = 0; n < 5000; ++n) {
      now += any(-50ms, 100ms);
      const auto dts = random() % 4 ? std::optional{at(now + any(-200ms, 50ms))} : std::nullopt;
      const auto [pts, decoded] = random() % 30
                                      ? times.next(at(now), dts)
                                      : times.begin_segment(at(now), dts, any(-20ms, 20ms));
      ASSERT_LE(decoded, pts);
      if (last) {
        ASSERT_GE(decoded - *last, VideoTimes::kTick);
      }
      last = decoded;
    }
  }
}

}  // namespace
}  // namespace onair
