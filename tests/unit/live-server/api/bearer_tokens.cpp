// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/bearer_tokens.hpp"

#include <gtest/gtest.h>

namespace live::test {
namespace {

using Verdict = BearerTokens::Verdict;

TEST(BearerTokens, EachOfSeveralIsRight) {
  const BearerTokens tokens{{"old", "newer-and-longer"}};
  EXPECT_EQ(tokens.check("Bearer old"), Verdict::Right);
  EXPECT_EQ(tokens.check("Bearer newer-and-longer"), Verdict::Right);
}

TEST(BearerTokens, AllOfItIsCompared) {
  const BearerTokens tokens{{"abcd"}};
  for (const char* given : {"abc", "abcde", "bbcd", "abce", "ABCD", "abcdabcd", "", " "})
    EXPECT_EQ(tokens.check(std::string{"Bearer "} + given), Verdict::Wrong) << given;
}

TEST(BearerTokens, TheSchemeIsWrittenAnyhowWithBlanksAround) {
  const BearerTokens tokens{{"abcd"}};
  for (const char* given : {"bearer abcd", "BEARER abcd", "Bearer   abcd ", "Bearer \tabcd"})
    EXPECT_EQ(tokens.check(given), Verdict::Right) << given;
}

TEST(BearerTokens, WithoutTheSchemeThereIsNone) {
  const BearerTokens tokens{{"abcd"}};
  for (const char* given : {"", "abcd", "Basic abcd", "Bearer", "Bearerabcd", "Token Bearer abcd"})
    EXPECT_EQ(tokens.check(given), Verdict::Missing) << given;
}

TEST(BearerTokens, WithoutTokensNobodyHasOne) {
  for (const auto& tokens : {BearerTokens{{}}, BearerTokens{{""}}}) {
    EXPECT_EQ(tokens.check("Bearer "), Verdict::Wrong);
    EXPECT_EQ(tokens.check("Bearer x"), Verdict::Wrong);
  }
}

}  // namespace
}  // namespace live::test
