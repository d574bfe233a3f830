// SPDX-License-Identifier: LGPL-2.1-or-later
#include "succession.hpp"

#include <random>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

ClockTime at(Duration time) {
  return ClockTime{time};
}

TEST(Succession, OfNobodyHasNoTurn) {
  Succession succession;
  EXPECT_FALSE(succession.begin(at(0s)));
  EXPECT_FALSE(succession.on_failure(at(1s)));
  EXPECT_FALSE(succession.on_absence(at(2s)));
}

TEST(Succession, HasNoTurnBeforeItBegins) {
  Succession succession{2};
  EXPECT_FALSE(succession.current());
  EXPECT_FALSE(succession.on_failure(at(0s)));
  EXPECT_EQ(succession.begin(at(1s)), 0U);
}

TEST(Succession, GoesOnWithTheNextAndBehindTheLastWithTheFirstAgain) {
  Succession succession{3};
  succession.begin(at(0s));
  EXPECT_EQ(succession.on_failure(at(1s)), 1U);
  EXPECT_EQ(succession.on_failure(at(2s)), 2U);
  EXPECT_EQ(succession.on_failure(at(3s)), 0U);
}

TEST(Succession, EndsWhenAllHaveFailedTwice) {
  Succession succession{2};
  succession.begin(at(0s));
  EXPECT_EQ(succession.on_failure(at(1s)), 1U);
  EXPECT_EQ(succession.on_failure(at(2s)), 0U);
  EXPECT_EQ(succession.on_failure(at(3s)), 1U);
  EXPECT_FALSE(succession.on_failure(at(4s)));
  EXPECT_FALSE(succession.current());
  EXPECT_FALSE(succession.on_failure(at(5s))) << "and stays at an end";
}

TEST(Succession, TheOnlyOneFollowsItself) {
  Succession succession{1};
  succession.begin(at(0s));
  EXPECT_EQ(succession.on_failure(at(1s)), 0U);
  EXPECT_FALSE(succession.on_failure(at(2s)));
}

TEST(Succession, WhoIsAbsentIsNeverAskedAgain) {
  Succession succession{3};
  succession.begin(at(0s));
  EXPECT_EQ(succession.on_absence(at(0s)), 1U);
  EXPECT_EQ(succession.on_failure(at(1s)), 2U);
  EXPECT_EQ(succession.on_absence(at(1s)), 1U);
  EXPECT_FALSE(succession.on_failure(at(2s)));
}

TEST(Succession, AMinuteOfWorkClearsFailuresAndANanosecondLessDoesNot) {
  for (const auto& [worked, has_a_chance] :
       {std::pair{Succession::kWorked - 1ns, false}, {Succession::kWorked, true}}) {
    Succession succession{1};
    succession.begin(at(0s));
    ASSERT_EQ(succession.on_failure(at(1s)), 0U);
    EXPECT_EQ(succession.on_failure(at(1s) + worked).has_value(), has_a_chance);
  }
}

TEST(Succession, TimeOfAnotherIsNotOnesOwn) {
  Succession succession{2};
  succession.begin(at(0s));
  succession.on_failure(at(1s));  // 0, once
  succession.on_failure(at(1h));  // 1, once, after long
  ASSERT_EQ(succession.current(), 0U);
  EXPECT_EQ(succession.on_failure(at(1h + 1s)), 1U);  // 0, twice
  EXPECT_FALSE(succession.on_failure(at(1h + 2s)));
}

TEST(Succession, WhoWorksForAMinuteEachTimeGoesOnForEver) {
  Succession succession{2};
  auto now = at(0s);
  succession.begin(now);
  for (int n = 0; n < 1000; ++n)
    ASSERT_TRUE(succession.on_failure(now += Succession::kWorked)) << n;
}

TEST(Succession, OfFailuresAtOnceEachHasItsTwoChances) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    const std::size_t candidates = 1 + random() % 6;
    Succession succession{candidates};
    std::vector<int> turns(candidates);
    std::vector<bool> is_absent(candidates);
    auto now = at(0s);
    for (auto turn = succession.begin(now); turn;) {
      ASSERT_LT(*turn, candidates);
      ASSERT_FALSE(is_absent[*turn]);
      ++turns[*turn];
      now += std::chrono::milliseconds{random() % 59'000};
      if (random() % 4 == 0) {
        is_absent[*turn] = true;
        turn = succession.on_absence(now);
      } else {
        turn = succession.on_failure(now);
      }
    }
    for (std::size_t n = 0; n < candidates; ++n)
      EXPECT_TRUE(turns[n] == Succession::kChances || is_absent[n]) << n;
  }
}

}  // namespace
}  // namespace onair::test
