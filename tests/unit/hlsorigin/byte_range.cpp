// SPDX-License-Identifier: LGPL-2.1-or-later
#include "byte_range.hpp"

#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace onair::hlsorigin {
namespace {

struct Expected {
  std::uint64_t first;
  std::uint64_t length;
};

void expect_range(const std::string& header, std::uint64_t size, Expected expected) {
  SCOPED_TRACE(header);
  const auto answer = read_range(header, size);
  const auto* range = std::get_if<ByteRange>(&answer);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, expected.first);
  EXPECT_EQ(range->length, expected.length);
}

bool is_unsatisfiable(const std::string& header, std::uint64_t size) {
  return std::holds_alternative<Unsatisfiable>(read_range(header, size));
}

bool is_everything(const std::string& header, std::uint64_t size) {
  return std::holds_alternative<Everything>(read_range(header, size));
}

TEST(ByteRange, BothEndsAreIncluded) {
  expect_range("bytes=0-0", 100, {0, 1});
  expect_range("bytes=10-19", 100, {10, 10});
  expect_range("bytes=99-99", 100, {99, 1});
}

TEST(ByteRange, AnOpenEndMeansTheRest) {
  expect_range("bytes=0-", 100, {0, 100});
  expect_range("bytes=99-", 100, {99, 1});
}

TEST(ByteRange, AnEndBeyondTheLastByteIsCutThere) {
  expect_range("bytes=90-99", 100, {90, 10});
  expect_range("bytes=90-100", 100, {90, 10});
  expect_range("bytes=90-99999999999999999999999999", 100, {90, 10});
}

TEST(ByteRange, ASuffixIsCountedFromTheEnd) {
  expect_range("bytes=-1", 100, {99, 1});
  expect_range("bytes=-100", 100, {0, 100});
  expect_range("bytes=-101", 100, {0, 100});
}

TEST(ByteRange, WhatBeginsBehindTheLastByteCannotBeHad) {
  EXPECT_TRUE(is_unsatisfiable("bytes=100-", 100));
  EXPECT_FALSE(is_unsatisfiable("bytes=99-", 100));
  EXPECT_TRUE(is_unsatisfiable("bytes=18446744073709551615-", 100));
  EXPECT_TRUE(is_unsatisfiable("bytes=99999999999999999999999999-", 100));
  EXPECT_TRUE(is_unsatisfiable("bytes=-0", 100));
  EXPECT_TRUE(is_unsatisfiable("bytes=0-", 0));
  EXPECT_TRUE(is_unsatisfiable("bytes=-1", 0));
}

TEST(ByteRange, DamagedAndManifoldHeadersAreIgnored) {
  for (const char* header : {"", "bytes", "bytes=", "bytes=-", "bytes=1", "bytes=2-1", "bytes=a-b",
                             "bytes= 1-2", "bytes=1-2,4-5", "bytes=+1-2", "bytes=--1",
                             "bytes=0x1-2", "items=1-2", "bytes=1-2-3", "bytes=-99x"})
    EXPECT_TRUE(is_everything(header, 100)) << header;
}

TEST(ByteRange, WhateverItReadsLiesWithinTheResource) {
  constexpr unsigned kSeed = 20240601;
  SCOPED_TRACE(kSeed);
  std::mt19937 random{kSeed};
  const std::string alphabet = "0123456789--,=bytes";
  for (int round = 0; round < 20'000; ++round) {
    std::string header = "bytes=";
    for (auto length = random() % 24; length > 0; --length)
      header += alphabet[random() % alphabet.size()];
    const std::uint64_t size = random() % 1000;
    const auto answer = read_range(header, size);
    if (const auto* range = std::get_if<ByteRange>(&answer)) {
      ASSERT_GT(range->length, 0u) << header;
      ASSERT_LE(range->first + range->length, size) << header;
    }
  }
}

}  // namespace
}  // namespace onair::hlsorigin
