// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stored_bytes.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

TEST(StoredBytes, EachFileCountsOnceAndUntilItGoes) {
  StoredBytes stored;
  EXPECT_EQ(stored.total(), 0U);
  stored.add("0-0.ts", 5'000'000'000);
  stored.add("1-0.ts", 7);
  stored.add("1-0.ts", 9);
  EXPECT_EQ(stored.total(), 5'000'000'007U);
  stored.remove("0-0.ts");
  stored.remove("0-0.ts");
  stored.remove("0-9.ts");
  EXPECT_EQ(stored.total(), 7U);
  stored.remove("1-0.ts");
  EXPECT_EQ(stored.total(), 0U);
}

}  // namespace
}  // namespace onair::test
