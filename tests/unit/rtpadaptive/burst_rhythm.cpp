// SPDX-License-Identifier: LGPL-2.1-or-later
#include "burst_rhythm.hpp"

#include <cstdint>
#include <functional>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 20ms;

// Units up to `end`, with noise of a millisecond, and those of which `is_burst` says so of 80 ms.
void run(BurstRhythm& rhythm, Duration from, Duration end,
         const std::function<bool(Duration)>& is_burst) {
  static std::uint32_t noise = 1;
  for (auto media = from; media < end; media += kInterval) {
    noise = noise * 1664525U + 1013904223U;
    const auto delay = static_cast<float>(noise >> 8U) / static_cast<float>(1U << 24U);
    rhythm.on_unit(media, is_burst(media) ? 80.0F : delay, kInterval);
  }
}

bool each_two_seconds(Duration media) {
  return media % 2s == 0ns && media > 0s;
}

TEST(BurstRhythm, FourBurstsAtOneDistanceSayWhenTheNextIsDue) {
  BurstRhythm rhythm{0.025F};
  run(rhythm, 0s, 7s, each_two_seconds);
  EXPECT_EQ(rhythm.lift(8s, kInterval), 0);
  run(rhythm, 7s, 9s, each_two_seconds);
  EXPECT_GE(rhythm.lift(10s, kInterval), 80);
  EXPECT_EQ(rhythm.lift(9s, kInterval), 0);
  EXPECT_EQ(rhythm.lift(10s + 2 * kInterval, kInterval), 0);
}

TEST(BurstRhythm, ThreeMissesEndIt) {
  BurstRhythm rhythm{0.025F};
  const auto stops = [](Duration media) { return each_two_seconds(media) && media < 11s; };
  run(rhythm, 0s, 15s, stops);
  EXPECT_GT(rhythm.lift(16s, kInterval), 0);
  run(rhythm, 15s, 17s, stops);
  EXPECT_EQ(rhythm.lift(18s, kInterval), 0);
}

TEST(BurstRhythm, BurstsAtChangingDistancesAreNone) {
  BurstRhythm rhythm{0.025F};
  // 1, 3, 6, 10, 15 … s
  const auto grows = [](Duration media) {
    for (auto at = 0s, step = 1s; at <= media; at += step, step += 1s)
      if (media == at && at > 0s)
        return true;
    return false;
  };
  for (auto media = 0s; media < 60s; media += 1s) {
    run(rhythm, media, media + 1s, grows);
    for (auto ahead = 0ms; ahead < 1s; ahead += kInterval)
      ASSERT_LT(rhythm.lift(media + 1s + ahead, kInterval), 80) << media.count();
  }
}

}  // namespace
}  // namespace onair
