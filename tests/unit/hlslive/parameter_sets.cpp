// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parameter_sets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using Octets = std::vector<std::uint8_t>;

// One of each, and lengths of four bytes.
const Octets kRecord{1,    0x42, 0xc0, 0x15, 0xff, 0xe1, 0,    4,   0x67,
                     0x42, 0xc0, 0x15, 1,    0,    2,    0x68, 0xce};
const Octets kSets{0, 0, 0, 4, 0x67, 0x42, 0xc0, 0x15, 0, 0, 0, 2, 0x68, 0xce};
const Octets kSlice{0, 0, 0, 3, 0x65, 0x88, 0x80};
const Octets kDelimiter{0, 0, 0, 2, 0x09, 0x10};

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(ParameterSets, GoInFrontOfASliceThatHasNone) {
  const auto missing = missing_parameter_sets(kSlice, kRecord);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->place, 0U);
  EXPECT_THAT(missing->bytes, ElementsAreArray(kSets));
}

TEST(ParameterSets, GoBehindTheDelimiter) {
  const auto missing = missing_parameter_sets(kDelimiter + kSlice, kRecord);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->place, kDelimiter.size());
}

TEST(ParameterSets, AreNotMissingWhereTheSampleHasThem) {
  EXPECT_FALSE(missing_parameter_sets(kDelimiter + kSets + kSlice, kRecord));
}

TEST(ParameterSets, HaveLengthsAsTheRecordSays) {
  auto record = kRecord;
  record[4] = 0xfc;  // one byte
  const auto missing = missing_parameter_sets(Octets{3, 0x65, 0x88, 0x80}, record);
  ASSERT_TRUE(missing);
  EXPECT_THAT(missing->bytes, ElementsAre(4, 0x67, 0x42, 0xc0, 0x15, 2, 0x68, 0xce));
}

TEST(ParameterSets, AreNotTakenFromWhatMakesNoSense) {
  for (std::size_t size = 0; size < kRecord.size(); ++size)
    EXPECT_FALSE(missing_parameter_sets(kSlice, std::span{kRecord}.first(size))) << size;
  for (std::size_t size = 1; size < kSlice.size(); ++size)
    EXPECT_FALSE(missing_parameter_sets(std::span{kSlice}.first(size), kRecord)) << size;
  const Octets none{1, 0x42, 0xc0, 0x15, 0xff, 0xe0, 0};
  EXPECT_FALSE(missing_parameter_sets(kSlice, none));
}

}  // namespace
}  // namespace onair::test
