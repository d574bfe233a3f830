// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/request_budget.hpp"

#include <string>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr ClockTime kStart{1h};
const std::string kPublisher = "192.0.2.1";

// Ten requests at once, then four a second: 250 ms for each, exact in binary.
RequestBudget ten_then_four_a_second() {
  return RequestBudget{{.per_second = 4, .burst = 10}};
}

void use_up(RequestBudget& budget, const std::string& address, ClockTime now) {
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(budget.spend(address, now), std::nullopt) << i;
}

TEST(RequestBudget, TheBurstIsFreeAndTheNextHasToWait) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  EXPECT_EQ(budget.spend(kPublisher, kStart), 250ms);
}

TEST(RequestBudget, OneNanosecondBeforeTheRefillIsTooEarlyAndAtTheRefillIsNot) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  EXPECT_NE(budget.spend(kPublisher, kStart + 250ms - 1ns), std::nullopt);
  EXPECT_EQ(budget.spend(kPublisher, kStart + 250ms), std::nullopt);
  EXPECT_NE(budget.spend(kPublisher, kStart + 250ms), std::nullopt) << "it was one only";
}

TEST(RequestBudget, TheWaitIsWhatIsLeftOfIt) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  EXPECT_EQ(budget.spend(kPublisher, kStart + 125ms), 125ms);
}

TEST(RequestBudget, ARefusalCostsNothing) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  for (int i = 0; i < 100; ++i)
    EXPECT_NE(budget.spend(kPublisher, kStart), std::nullopt);
  EXPECT_EQ(budget.spend(kPublisher, kStart + 250ms), std::nullopt);
}

TEST(RequestBudget, ThePaceGoesOnForEver) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  for (int i = 1; i <= 1'000; ++i)
    ASSERT_EQ(budget.spend(kPublisher, kStart + i * 250ms), std::nullopt) << i;
}

TEST(RequestBudget, ItFillsUpToTheBurstAndNoFurther) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  use_up(budget, kPublisher, kStart + 24h);
  EXPECT_NE(budget.spend(kPublisher, kStart + 24h), std::nullopt);
}

TEST(RequestBudget, WhoeverWaitsAsLongAsToldIsServed) {
  // No rate but a power of two divides a second exactly; the wait must err on the long side.
  for (const double per_second : {0.1, 0.3, 1.0, 3.0, 7.0, 10.0, 11.0, 1'000'003.0}) {
    RequestBudget budget{{.per_second = per_second, .burst = 1}};
    auto now = kStart;
    for (int i = 0; i < 200; ++i) {
      if (const auto wait = budget.spend(kPublisher, now)) {
        ASSERT_GT(*wait, 0ns) << per_second << " a second, round " << i;
        now += *wait;
        ASSERT_EQ(budget.spend(kPublisher, now), std::nullopt)
            << per_second << " a second, round " << i;
      }
    }
  }
}

TEST(RequestBudget, EachAddressHasItsOwn) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  use_up(budget, "2001:db8::1", kStart);
  EXPECT_NE(budget.spend(kPublisher, kStart), std::nullopt);
}

TEST(RequestBudget, AClockThatStepsBackGivesNothingAway) {
  auto budget = ten_then_four_a_second();
  use_up(budget, kPublisher, kStart);
  EXPECT_NE(budget.spend(kPublisher, kStart - 1h), std::nullopt);
}

// As many strangers as there is room for, each of whom has asked once.
RequestBudget full_house(ClockTime now) {
  auto budget = ten_then_four_a_second();
  for (std::size_t i = 0; i < RequestBudget::kMaxAddresses; ++i)
    EXPECT_EQ(budget.spend("stranger " + std::to_string(i), now), std::nullopt);
  return budget;
}

TEST(RequestBudget, OneAddressBeyondTheMostHasToWait) {
  auto budget = full_house(kStart);
  EXPECT_EQ(budget.spend(kPublisher, kStart), 1s);
}

TEST(RequestBudget, InAFullHouseTheKnownAreStillServed) {
  auto budget = full_house(kStart);
  EXPECT_EQ(budget.spend("stranger 0", kStart), std::nullopt);
  EXPECT_EQ(budget.spend("stranger 4095", kStart), std::nullopt);
}

TEST(RequestBudget, RoomIsMadeAsSoonAsABucketIsFullAgain) {
  auto budget = full_house(kStart);
  EXPECT_EQ(budget.spend(kPublisher, kStart + 250ms - 1ns), 1s);
  EXPECT_EQ(budget.spend(kPublisher, kStart + 250ms), std::nullopt);
}

TEST(RequestBudget, WhoHasUsedUpHisBudgetIsNotForgotten) {
  auto budget = ten_then_four_a_second();
  use_up(budget, "noisy", kStart);
  for (std::size_t i = 1; i < RequestBudget::kMaxAddresses; ++i)
    ASSERT_EQ(budget.spend("stranger " + std::to_string(i), kStart), std::nullopt);
  // Room is made of the strangers, whose buckets are full after 250 ms.
  ASSERT_EQ(budget.spend(kPublisher, kStart + 250ms), std::nullopt);
  EXPECT_EQ(budget.spend("noisy", kStart + 250ms), std::nullopt);
  EXPECT_NE(budget.spend("noisy", kStart + 250ms), std::nullopt) << "a new bucket would have ten";
}

}  // namespace
}  // namespace onair
