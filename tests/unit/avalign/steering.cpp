// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steering.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr Duration kHurry = 10s;
constexpr auto kFrame = 40ms;  // 25 fps: whole milliseconds

// Frames at 25 fps, placed at `offset` 1 s, and past the fast seconds at the start.
class Camera {
 public:
  explicit Camera(Duration offset = 1s) { steering.place(media, offset); }

  Duration frame(Duration target, double rate = 0) {
    media += kFrame;
    return steering.follow(media, target, rate);
  }
  void run(Duration length, Duration target, double rate = 0) {
    for (const auto end = media + length; media < end;)
      frame(target, rate);
  }

  Steering steering;
  MediaTime media{5s};
};

Camera settled() {
  Camera camera;
  camera.run(kHurry, 1s);
  return camera;
}

TEST(Steering, IsWhereItWasPlaced) {
  Camera camera{-3h};
  EXPECT_EQ(camera.steering.offset(), -3h);
  EXPECT_EQ(camera.steering.follow(camera.media, -3h, 0), -3h) << "the frame it was placed for";
  EXPECT_EQ(camera.frame(-3h), -3h);
  EXPECT_EQ(camera.steering.slews(), 0U);
  EXPECT_EQ(camera.steering.steps(), 0U);
}

TEST(Steering, AnErrorOfAMillisecondIsLeftAloneAndMoreIsNot) {
  for (const Duration error : {1ms, -1ms}) {
    auto camera = settled();
    EXPECT_EQ(camera.frame(1s + error), 1s);
    EXPECT_EQ(camera.steering.slews(), 0U);
    const auto beyond = error + (error > 0s ? 1ns : -1ns);
    EXPECT_NE(camera.frame(1s + beyond), 1s);
    EXPECT_EQ(camera.steering.slews(), 1U);
  }
}

TEST(Steering, TheSpeedGrowsWithTheError) {
  // In 40 ms: 5 ms/s are 0.2 ms, 20 ms/s 0.8 ms, 60 ms/s 2.4 ms.
  const std::map<Duration, Duration> moves{
      {3ms, 200us},         {40ms - 1ns, 200us}, {40ms, 800us},
      {120ms - 1ns, 800us}, {120ms, 2400us},     {300ms, 2400us},
  };
  for (const auto& [error, move] : moves) {
    auto up = settled();
    EXPECT_EQ(up.frame(1s + error), 1s + move) << error.count();
    auto down = settled();
    EXPECT_EQ(down.frame(1s - error), 1s - move) << error.count();
    EXPECT_EQ(down.steering.steps(), 0U);
  }
}

TEST(Steering, AnErrorAboveThreeHundredMillisecondsIsSteppedOver) {
  for (const Duration error : {Duration{300ms + 1ns}, Duration{-300ms - 1ns}, Duration{-5h}}) {
    auto camera = settled();
    EXPECT_EQ(camera.frame(1s + error), 1s + error);
    EXPECT_EQ(camera.steering.steps(), 1U);
    EXPECT_EQ(camera.steering.slews(), 0U);
  }
}

TEST(Steering, ASlewThatHasBegunGoesOnWithinTheDeadBand) {
  auto camera = settled();
  const auto target = 1s + 1100us;
  camera.frame(target);
  camera.run(1s, target);
  EXPECT_LE(target - camera.steering.offset(), 250us);
  EXPECT_EQ(camera.steering.slews(), 1U);
  // And has an end: what is within the band then does not move it.
  const auto there = camera.steering.offset();
  camera.run(1s, there + 1ms);
  EXPECT_EQ(camera.steering.offset(), there);
}

TEST(Steering, ASlewNeverGoesBeyondItsTarget) {
  auto camera = settled();
  const auto target = 1s + 35ms;
  Duration before = 1s;
  for (int n = 0; n < 500; ++n) {
    const auto offset = camera.frame(target);
    ASSERT_GE(offset, before);
    ASSERT_LE(offset, target);
    before = offset;
  }
  EXPECT_LE(target - before, 250us);
}

TEST(Steering, TheFirstTenSecondsAreFast) {
  Camera camera;
  camera.run(kHurry - 2 * kFrame, 1s);
  EXPECT_EQ(camera.frame(1s + 10ms), 1s + 2400us) << "one frame before the end of the hurry";
  Camera other;
  other.run(kHurry - kFrame, 1s);
  EXPECT_EQ(other.frame(1s + 10ms), 1s + 200us) << "at its end";
}

TEST(Steering, AHurryMakesItFastAgain) {
  auto camera = settled();
  camera.run(60s, 1s);
  camera.steering.hurry(camera.media);
  EXPECT_EQ(camera.frame(1s + 10ms), 1s + 2400us);
  camera.run(kHurry, 1s);
  EXPECT_EQ(std::chrono::abs(camera.steering.offset() - 1s) <= 250us, true);
  const auto there = camera.steering.offset();
  EXPECT_EQ(camera.frame(there + 10ms), there + 200us);
}

TEST(Steering, BehindABreakWhatIsFarOffIsPutRightAtOnce) {
  for (const Duration error : {40ms, -40ms}) {
    auto camera = settled();
    camera.steering.settle(camera.media);
    camera.frame(1s + error);
    EXPECT_EQ(camera.steering.steps(), 0U);
    const auto beyond = camera.steering.offset() + error + (error > 0s ? 1ns : -1ns);
    EXPECT_EQ(camera.frame(beyond), beyond);
    EXPECT_EQ(camera.steering.steps(), 1U);
  }
}

TEST(Steering, ABreakIsSettledAfterASecond) {
  for (const auto& [later, steps] : {std::pair{23, 1U}, {24, 0U}}) {
    auto camera = settled();
    camera.steering.settle(camera.media);
    camera.run(later * kFrame, 1s);
    camera.frame(1s + 100ms);
    EXPECT_EQ(camera.steering.steps(), steps) << "25 frames are a second";
  }
  auto camera = settled();
  camera.steering.settle(camera.media);
  camera.run(1s, 1s);
  EXPECT_EQ(camera.frame(1s + 100ms), 1s + 2400us) << "and fast for longer than that";
}

TEST(Steering, ALongIntervalIsNotSteeredForLongerThanASecond) {
  for (const auto& [interval, move] :
       {std::pair<Duration, Duration>{999ms, 4995us}, {1s, 5ms}, {1h, 5ms}}) {
    auto camera = settled();
    EXPECT_EQ(camera.steering.follow(camera.media + interval, 1s + 30ms, 0), 1s + move);
  }
}

TEST(Steering, FollowsAMovingTargetWithoutASlewWhereItsRateIsKnown) {
  auto camera = settled();
  Duration target = 1s;
  for (int n = 0; n < 25 * 600; ++n) {
    target += 4us;  // 100 ppm of 40 ms
    ASSERT_EQ(camera.frame(target, 100e-6), target);
  }
  EXPECT_EQ(camera.steering.slews(), 0U);
}

TEST(Steering, TheRateIsAppliedOverTheWholeOfALongInterval) {
  auto camera = settled();
  EXPECT_EQ(camera.steering.follow(camera.media + 1000s, 1s + 100ms, 100e-6), 1s + 100ms);
  EXPECT_EQ(camera.steering.slews(), 0U);
}

TEST(Steering, WithoutTheRateAMovingTargetIsCaughtUpWithFromTimeToTime) {
  auto camera = settled();
  Duration target = 1s;
  for (int n = 0; n < 25 * 60; ++n) {
    target += 4us;
    ASSERT_LE(std::chrono::abs(camera.frame(target) - target), 1ms);
  }
  // 100 us each second: the band is full after 10 s, and each 7.5 s behind a slew.
  EXPECT_GE(camera.steering.slews(), 6U);
  EXPECT_LE(camera.steering.slews(), 8U);
}

TEST(Steering, AnEarlierFrameHasTheOffsetThatItHad) {
  auto camera = settled();
  std::map<MediaTime, Duration> had;
  for (int n = 0; n < 200; ++n) {
    const auto offset = camera.frame(1s + 250ms);
    had.emplace(camera.media, offset);
  }
  const auto now = camera.steering.offset();
  for (const auto& [media, offset] : had) {
    ASSERT_EQ(camera.steering.follow(media, -5h, 1), offset);
    // Between two frames: that of the one before.
    ASSERT_EQ(camera.steering.follow(media + kFrame - 1ns, -5h, 1),
              media == camera.media ? offset : had.at(media));
    if (media + kFrame > camera.media - kFrame)
      break;
  }
  EXPECT_EQ(camera.steering.offset(), now) << "and nothing has moved by it";
}

TEST(Steering, AFrameFromBeforeWhatIsRememberedHasTheOldestOffset) {
  auto camera = settled();
  camera.run(300 * kFrame, 1s + 299ms);
  EXPECT_EQ(camera.steering.follow(MediaTime{-1h}, 0s, 0),
            camera.steering.follow(camera.media - 255 * kFrame, 0s, 0));
}

TEST(Steering, APlaceIsANewBeginning) {
  auto camera = settled();
  camera.frame(2s);
  camera.media = MediaTime{-50h};
  camera.steering.place(camera.media, 70h);
  EXPECT_EQ(camera.steering.offset(), 70h);
  EXPECT_EQ(camera.steering.follow(MediaTime{5s}, 70h, 0), 70h) << "what was before is forgotten";
}

// Any targets, any frames: no move is faster than 60 ms a second unless it is counted as a step.
TEST(Steering, MovesSlowlyOrIsCountedAsAStep) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    Steering steering;
    MediaTime media{};
    Duration target = 1s;
    steering.place(media, target);
    for (int n = 0; n < 1000; ++n) {
      const Duration interval = 1us * (random() % (random() % 50 == 0 ? 5'000'000 : 60'000));
      media += interval;
      if (random() % 20 == 0)
        target = 1s + 1us * (random() % 500'000);
      const double rate = (static_cast<double>(random() % 401) - 200) * 1e-6;
      const auto before = steering.offset();
      const auto steps = steering.steps();
      const auto offset = steering.follow(media, target, rate);
      ASSERT_EQ(offset, steering.offset());
      if (steering.steps() > steps) {
        ASSERT_EQ(steering.steps(), steps + 1);
        ASSERT_EQ(offset, target);
        continue;
      }
      const auto most = (60e-3 + 200e-6) * static_cast<double>(interval.count()) + 1;
      ASSERT_LE(std::abs(static_cast<double>((offset - before).count())), most);
    }
  }
}

}  // namespace
}  // namespace onair
