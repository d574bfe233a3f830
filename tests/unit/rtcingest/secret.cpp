// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/secret.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

TEST(Secret, EqualsItselfAndNothingElse) {
  EXPECT_TRUE(equals_in_constant_time("secret", "secret"));
  for (const auto* other : {"", "s", "secre", "secret ", "Secret", "secretsecret", "tecres"})
    EXPECT_FALSE(equals_in_constant_time(other, "secret")) << other;
}

TEST(Secret, AnEmptyOneEqualsNothingNotEvenItself) {
  EXPECT_FALSE(equals_in_constant_time("", ""));
  EXPECT_FALSE(equals_in_constant_time("a", ""));
}

TEST(Secret, RandomIdsAre32DigitsAndDiffer) {
  const auto first = random_id();
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos) << first;
  EXPECT_NE(first, random_id());
}

}  // namespace
}  // namespace onair
