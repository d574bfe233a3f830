// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/unroller.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace onair {
namespace {

constexpr std::int64_t kRange16 = 65'536;

TEST(Unroller, TheFirstValueUnrollsToItself) {
  for (const std::uint64_t first : {0, 1, 32'767, 32'768, 65'535})
    EXPECT_EQ(Unroller<16>{}.unroll(first), static_cast<std::int64_t>(first));
}

TEST(Unroller, CountsOnAcrossTheWrap) {
  Unroller<16> unroller;
  EXPECT_EQ(unroller.unroll(65'534), 65'534);
  EXPECT_EQ(unroller.unroll(65'535), 65'535);
  EXPECT_EQ(unroller.unroll(0), 65'536);
  EXPECT_EQ(unroller.unroll(1), 65'537);
}

TEST(Unroller, ReorderingAcrossTheWrapIsHarmless) {
  Unroller<16> unroller;
  EXPECT_EQ(unroller.unroll(65'534), 65'534);
  EXPECT_EQ(unroller.unroll(1), 65'537);
  EXPECT_EQ(unroller.unroll(65'535), 65'535);
  EXPECT_EQ(unroller.unroll(0), 65'536);
  EXPECT_EQ(unroller.unroll(2), 65'538);
}

TEST(Unroller, APredecessorOfAFirstZeroIsNegative) {
  Unroller<16> unroller;
  EXPECT_EQ(unroller.unroll(0), 0);
  EXPECT_EQ(unroller.unroll(65'535), -1);
  EXPECT_EQ(unroller.unroll(65'534), -2);
  EXPECT_EQ(unroller.unroll(0), 0);
}

TEST(Unroller, TheSameValueStaysWhereItIs) {
  Unroller<16> unroller;
  EXPECT_EQ(unroller.unroll(65'535), 65'535);
  EXPECT_EQ(unroller.unroll(0), 65'536);
  EXPECT_EQ(unroller.unroll(0), 65'536);
}

TEST(Unroller, JustUnderHalfTheRangeIsForwardsAndExactlyHalfIsBackwards) {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{40'000}, std::int64_t{65'535}}) {
    const auto from = [&](std::int64_t distance) {
      Unroller<16> unroller;
      unroller.unroll(static_cast<std::uint64_t>(start));
      const auto wrapped = static_cast<std::uint64_t>(start + distance) % kRange16;
      return unroller.unroll(wrapped) - start;
    };
    EXPECT_EQ(from(32'767), 32'767);
    EXPECT_EQ(from(32'768), -32'768);
    EXPECT_EQ(from(32'769), -32'767);
  }
}

TEST(Unroller, ValuesAboveTheRangeAreCutToIt) {
  Unroller<16> unroller;
  EXPECT_EQ(unroller.unroll(65'536 + 7), 7);
  EXPECT_EQ(unroller.unroll(5 * 65'536 + 8), 8);
}

TEST(Unroller, AfterAResetTheNextValueIsAFirstOne) {
  Unroller<16> unroller;
  unroller.unroll(65'535);
  EXPECT_EQ(unroller.unroll(0), 65'536);
  unroller.reset();
  EXPECT_EQ(unroller.unroll(9), 9);
}

TEST(Unroller, TheWidthsOfRtpTimestampsAndMpegTimeWrapWhereTheyShould) {
  Unroller<32> rtp;
  EXPECT_EQ(rtp.unroll(0xffff'ffff), 0xffff'ffff);
  EXPECT_EQ(rtp.unroll(0), std::int64_t{1} << 32);
  EXPECT_EQ(rtp.unroll(0x7fff'ffff), (std::int64_t{1} << 32) + 0x7fff'ffff);
  Unroller<33> mpeg;
  EXPECT_EQ(mpeg.unroll(0x1'ffff'ffff), 0x1'ffff'ffff);
  EXPECT_EQ(mpeg.unroll(0), std::int64_t{1} << 33);
  Unroller<2> tiny;
  EXPECT_EQ(tiny.unroll(3), 3);
  EXPECT_EQ(tiny.unroll(0), 4);
  EXPECT_EQ(tiny.unroll(2), 2) << "two of four is half the range: backwards";
}

TEST(Unroller, FollowsACounterThroughManyWrapsAndShuffledNeighbours) {
  constexpr std::uint32_t kSeed = 20'260'101;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random{kSeed};
  Unroller<16> unroller;
  std::int64_t base = 65'000;
  unroller.unroll(static_cast<std::uint64_t>(base));
  for (int i = 0; i < 100'000; ++i) {
    // Bursts, losses up to 20 s of packets, and packets that come up to 100 late.
    base += static_cast<std::int64_t>(random() % 1'000 == 0 ? random() % 20'000 : random() % 3);
    const auto sequence = base - static_cast<std::int64_t>(random() % 100);
    ASSERT_EQ(unroller.unroll(static_cast<std::uint64_t>(sequence) % kRange16), sequence);
  }
  EXPECT_GT(base, 10 * kRange16) << "the walk is meant to wrap often";
}

}  // namespace
}  // namespace onair
