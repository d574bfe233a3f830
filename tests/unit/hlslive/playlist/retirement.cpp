// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/retirement.hpp"

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

std::vector<std::string> due(Retirement& retirement, ClockTime now) {
  std::vector<std::string> uris;
  retirement.take_due(now, uris);
  return uris;
}

using Uris = std::vector<std::string>;

TEST(Retirement, TellsEachFileOnceWhenItsTimeHasCome) {
  Retirement retirement;
  retirement.add("0.ts", at(10s));
  retirement.add("1.ts", at(12s));
  EXPECT_EQ(due(retirement, at(10s - 1ns)), Uris{});
  EXPECT_EQ(due(retirement, at(10s)), Uris{"0.ts"});
  EXPECT_EQ(due(retirement, at(11s)), Uris{});
  EXPECT_EQ(due(retirement, at(20s)), Uris{"1.ts"});
}

TEST(Retirement, TheFirstCanBeTakenBeforeItsTime) {
  Retirement retirement;
  EXPECT_EQ(retirement.take_first(), std::nullopt);
  retirement.add("0.ts", at(10s));
  retirement.add("1.ts", at(12s));
  EXPECT_EQ(retirement.take_first(), "0.ts");
  EXPECT_EQ(due(retirement, at(20s)), Uris{"1.ts"});
  EXPECT_EQ(retirement.take_first(), std::nullopt);
}

TEST(Retirement, NobodyLeavesBeforeThoseInFront) {
  Retirement retirement;
  retirement.add("long.ts", at(12s));
  retirement.add("short.ts", at(10s));
  EXPECT_EQ(due(retirement, at(11s)), Uris{});
  EXPECT_EQ(due(retirement, at(12s)), (Uris{"long.ts", "short.ts"}));
}

}  // namespace
}  // namespace onair::test
