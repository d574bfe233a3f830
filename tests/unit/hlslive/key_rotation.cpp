// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_rotation.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

TEST(KeyRotation, ChangesWhereTheSequenceIsAMultiple) {
  constexpr KeyRotation rotation{0, 10};
  EXPECT_EQ(rotation.key_of(0), 0U);
  EXPECT_EQ(rotation.key_of(9), 0U);
  EXPECT_EQ(rotation.key_of(10), 10U);
  EXPECT_EQ(rotation.key_of(19), 10U);
  EXPECT_EQ(rotation.key_of(20), 20U);
}

TEST(KeyRotation, HasANewKeyAfterARestartAndThenChangesWithTheOthers) {
  constexpr KeyRotation rotation{17, 10};
  EXPECT_EQ(rotation.key_of(17), 17U);
  EXPECT_EQ(rotation.key_of(19), 17U);
  EXPECT_EQ(rotation.key_of(20), 20U);
  EXPECT_EQ(rotation.key_of(19), 17U) << "a rendition that is behind";
}

TEST(KeyRotation, KeepsOneKeyWhenItNeedNotRotate) {
  constexpr KeyRotation rotation{17, 0};
  EXPECT_EQ(rotation.key_of(17), 17U);
  EXPECT_EQ(rotation.key_of(1'000'000), 17U);
}

TEST(KeyRotation, CanHaveAKeyForEachSegment) {
  constexpr KeyRotation rotation{5, 1};
  EXPECT_EQ(rotation.key_of(5), 5U);
  EXPECT_EQ(rotation.key_of(6), 6U);
}

}  // namespace
}  // namespace onair::test
