// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.hpp"

#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

// Each one made is another one.
std::optional<AesBlock> count_up() {
  static std::uint8_t count = 0;
  return AesBlock{++count};
}

bool has_randomness = true;
std::optional<AesBlock> at_times() {
  return has_randomness ? count_up() : std::nullopt;
}

constexpr AesBlock kGiven{0x42};

TEST(Keys, WhatWasGivenIsTaken) {
  Keys keys{KeyRotation{0, 2}, count_up};
  keys.add(2, kGiven);
  const auto key = keys.of(3);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->number, 2U);
  EXPECT_EQ(key->bytes, kGiven);
  EXPECT_FALSE(key->is_made);
}

TEST(Keys, OneThatNobodyGaveIsMadeOnce) {
  Keys keys{KeyRotation{0, 2}, count_up};
  const auto first = keys.of(0);
  const auto again = keys.of(1);
  const auto next = keys.of(2);
  ASSERT_TRUE(first && again && next);
  EXPECT_TRUE(first->is_made);
  EXPECT_FALSE(again->is_made);
  EXPECT_EQ(first->bytes, again->bytes);
  EXPECT_TRUE(next->is_made);
  EXPECT_NE(next->bytes, first->bytes);
}

TEST(Keys, OneThatIsInUseIsNotChangedByWhoGivesItLate) {
  Keys keys{KeyRotation{0, 2}, count_up};
  const auto made = keys.of(0);
  keys.add(0, kGiven);
  EXPECT_EQ(keys.of(1)->bytes, made->bytes);
}

TEST(Keys, IsMissingUntilItIsGiven) {
  Keys keys{KeyRotation{5, 4}, count_up};
  EXPECT_EQ(keys.missing(5), 5U);
  EXPECT_EQ(keys.missing(7), 5U);
  EXPECT_EQ(keys.missing(8), 8U);
  keys.add(8, kGiven);
  EXPECT_EQ(keys.missing(11), std::nullopt);
  EXPECT_EQ(keys.missing(12), 12U);
}

TEST(Keys, WithoutRandomnessThereIsNoneUntilThereIs) {
  Keys keys{KeyRotation{0, 1}, at_times};
  keys.add(0, kGiven);
  has_randomness = false;
  EXPECT_TRUE(keys.of(0));
  EXPECT_FALSE(keys.of(1));
  EXPECT_EQ(keys.missing(1), 1U);
  has_randomness = true;
  EXPECT_TRUE(keys.of(1)->is_made);
}

TEST(Keys, ARenditionThatIsBehindGetsTheKeyThatTheOthersHad) {
  Keys keys{KeyRotation{0, 1}, count_up};
  const auto first = keys.of(0);
  for (std::uint64_t sequence = 1; sequence < Keys::kMostKept; ++sequence)
    EXPECT_TRUE(keys.of(sequence)->is_made);
  const auto again = keys.of(0);
  EXPECT_FALSE(again->is_made);
  EXPECT_EQ(again->bytes, first->bytes);
}

}  // namespace
}  // namespace onair::test
