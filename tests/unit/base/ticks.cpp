// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/ticks.hpp"

#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr auto kMin = std::numeric_limits<std::int64_t>::min();

// Usable where a constant is needed.
static_assert(to_duration(1152, 48'000) == 24ms);
static_assert(to_ticks(24ms, 48'000) == 1152);

TEST(Ticks, WholeNanosecondsComeOutTheSameWithEveryRounding) {
  for (const auto rounding : {Rounding::Down, Rounding::Nearest, Rounding::Up}) {
    EXPECT_EQ(to_duration(1152, 48'000, rounding), 24ms);
    EXPECT_EQ(to_duration(-1152, 48'000, rounding), -24ms);
    EXPECT_EQ(to_duration(0, 48'000, rounding), 0ns);
    EXPECT_EQ(to_ticks(1s, 90'000, rounding), 90'000);
    EXPECT_EQ(to_ticks(-1s, 90'000, rounding), -90'000);
  }
}

TEST(Ticks, AnAacFrameIsNoWholeNumberOfNanosecondsAndTheRoundingDecides) {
  // 1024/48000 s = 21 333 333 + 1/3 ns
  EXPECT_EQ(to_duration(1024, 48'000, Rounding::Down), 21'333'333ns);
  EXPECT_EQ(to_duration(1024, 48'000, Rounding::Nearest), 21'333'333ns);
  EXPECT_EQ(to_duration(1024, 48'000, Rounding::Up), 21'333'334ns);
  EXPECT_EQ(to_duration(1024, 48'000), 21'333'333ns) << "the nearest is the default";
  // 2048/48000 s = 42 666 666 + 2/3 ns
  EXPECT_EQ(to_duration(2048, 48'000, Rounding::Down), 42'666'666ns);
  EXPECT_EQ(to_duration(2048, 48'000, Rounding::Nearest), 42'666'667ns);
  EXPECT_EQ(to_duration(2048, 48'000, Rounding::Up), 42'666'667ns);
}

TEST(Ticks, RoundingMeansTheSameBelowZero) {
  // -21 333 333 - 1/3 ns: down is away from zero here.
  EXPECT_EQ(to_duration(-1024, 48'000, Rounding::Down), -21'333'334ns);
  EXPECT_EQ(to_duration(-1024, 48'000, Rounding::Nearest), -21'333'333ns);
  EXPECT_EQ(to_duration(-1024, 48'000, Rounding::Up), -21'333'333ns);
}

TEST(Ticks, HalvesRoundTowardsPlusInfinity) {
  // At 2 GHz, one tick is half a nanosecond.
  constexpr std::uint32_t kTwoPerNanosecond = 2'000'000'000;
  EXPECT_EQ(to_duration(1, kTwoPerNanosecond), 1ns);
  EXPECT_EQ(to_duration(3, kTwoPerNanosecond), 2ns);
  EXPECT_EQ(to_duration(-1, kTwoPerNanosecond), 0ns);
  EXPECT_EQ(to_duration(-3, kTwoPerNanosecond), -1ns);
  // At 1 Hz, half a second is half a tick; one nanosecond decides.
  EXPECT_EQ(to_ticks(500ms - 1ns, 1), 0);
  EXPECT_EQ(to_ticks(500ms, 1), 1);
  EXPECT_EQ(to_ticks(-500ms, 1), 0);
  EXPECT_EQ(to_ticks(-500ms - 1ns, 1), -1);
}

TEST(Ticks, OneNanosecondBesideATickIsRoundedAsNamed) {
  EXPECT_EQ(to_ticks(1s - 1ns, 90'000, Rounding::Down), 89'999);
  EXPECT_EQ(to_ticks(1s - 1ns, 90'000, Rounding::Up), 90'000);
  EXPECT_EQ(to_ticks(1s + 1ns, 90'000, Rounding::Down), 90'000);
  EXPECT_EQ(to_ticks(1s + 1ns, 90'000, Rounding::Up), 90'001);
}

TEST(Ticks, SumsInTicksStayExactOverTenYears) {
  constexpr std::int64_t kSeconds = 3'652LL * 24 * 3600;  // ten years, two of them leap years
  constexpr std::int64_t kFrames = kSeconds * 48'000 / 1024;
  static_assert(kFrames * 1024 == kSeconds * 48'000, "the years are whole frames");
  EXPECT_EQ(to_duration(kFrames * 1024, 48'000), std::chrono::seconds{kSeconds});
  // Adding up nanoseconds instead loses a third of one per frame: 4.93 s by then.
  EXPECT_EQ(std::chrono::seconds{kSeconds} - kFrames * to_duration(1024, 48'000),
            Duration{kFrames / 3});
}

TEST(Ticks, ProductsBeyond64BitsAreNoTrouble) {
  // Any result that fits is right, though ticks x 1e9 has up to 94 bits on the way.
  EXPECT_EQ(to_duration(kMax, 1'000'000'000).count(), kMax);
  EXPECT_EQ(to_duration(kMin, 1'000'000'000).count(), kMin);
  EXPECT_EQ(to_ticks(Duration{kMax}, 1'000'000'000), kMax);
  EXPECT_EQ(to_ticks(Duration{kMin}, 1'000'000'000), kMin);
  // 292 years at 90 kHz, there and back.
  EXPECT_EQ(to_ticks(Duration{kMax}, 90'000), 830'103'483'316'930);
  // The fastest rate there is.
  EXPECT_EQ(to_duration(kMax, std::numeric_limits<std::uint32_t>::max(), Rounding::Down).count(),
            2'147'483'648'499'999'999);
}

TEST(Ticks, TicksSurviveTheWayToNanosecondsAndBack) {
  for (const std::uint32_t rate : {8'000u, 44'100u, 48'000u, 90'000u, 192'000u}) {
    const std::uint32_t seed = rate;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    for (int i = 0; i < 1000; ++i) {
      // Ten years in either direction.
      const auto range = std::int64_t{rate} * 315'532'800;
      const auto ticks =
          static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(range)) - range / 2;
      ASSERT_EQ(to_ticks(to_duration(ticks, rate), rate), ticks);
      const auto down = to_duration(ticks, rate, Rounding::Down);
      const auto nearest = to_duration(ticks, rate);
      const auto up = to_duration(ticks, rate, Rounding::Up);
      ASSERT_TRUE(down <= nearest && nearest <= up && up - down <= 1ns) << ticks;
    }
  }
}

}  // namespace
}  // namespace onair
