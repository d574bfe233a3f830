// SPDX-License-Identifier: LGPL-2.1-or-later
#include "target.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace onair::hlsorigin {
namespace {

void expect_target(const std::string& path, const std::string& query, const std::string& decoded) {
  SCOPED_TRACE(path);
  const auto read = read_target(path, query);
  const auto* target = std::get_if<Target>(&read);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, decoded);
  EXPECT_EQ(target->query, query);
}

bool is_malformed(std::string_view path, std::string_view query = {}) {
  const auto read = read_target(path, query);
  const auto* fault = std::get_if<TargetFault>(&read);
  return fault && *fault == TargetFault::Malformed;
}

TEST(Target, NamesPassAndAreDecodedOnce) {
  expect_target("/0.m3u8", "_HLS_msn=12&_HLS_part=3", "/0.m3u8");
  expect_target("/channel-1/audio_0-17.2.ts", "", "/channel-1/audio_0-17.2.ts");
  expect_target("/%61%2em3u8", "", "/a.m3u8");
  expect_target("/a..b/...", "", "/a..b/...");
  expect_target("/.well-known/x", "", "/.well-known/x");
}

TEST(Target, ASlashAtTheEndIsTheFolder) {
  expect_target("/", "", "/");
  expect_target("/channel-1/", "", "/channel-1/");
}

TEST(Target, NothingLeadsOutOfAFolder) {
  for (const char* path :
       {"/..", "/../etc/passwd", "/a/../b", "/a/..", "/%2e%2e/b", "/%2E./b", "/.%2e/", "/./a", "/.",
        "/%2e", "//", "//a", "/a//b", "/a%2fb", "/a%2F..%2Fb", "/a%5cb", "/a\\b"})
    EXPECT_TRUE(is_malformed(path)) << path;
}

TEST(Target, AnEscapeIsOfTwoHexDigitsAndNotOfADelimiter) {
  for (const char* path : {"/%", "/%2", "/%2g", "/%zz", "/%00", "/a%00.ts", "/%0d%0a", "/%20",
                           "/%3f", "/%23", "/%25", "/%7f", "/%ff", "/a b", "/\xc3\xa4"})
    EXPECT_TRUE(is_malformed(path)) << path;
}

TEST(Target, APathBeginsWithASlash) {
  EXPECT_TRUE(is_malformed(""));
  EXPECT_TRUE(is_malformed("a.m3u8"));
}

TEST(Target, AQueryIsPrintable) {
  EXPECT_TRUE(is_malformed("/a", "b c"));
  EXPECT_TRUE(is_malformed("/a", "b\r\n"));
  EXPECT_TRUE(is_malformed("/a", "b\x7f"));
  EXPECT_TRUE(is_malformed("/a", "b\xff"));
  EXPECT_FALSE(is_malformed("/a", "b=%20&~token=!"));
}

TEST(Target, TheLongestIsTaken) {
  const std::string query = "token";
  const std::string path = "/" + std::string(kLongestTarget - 1 - query.size(), 'a');
  expect_target(path, query, path);
  const auto read = read_target(path + "a", query);
  const auto* fault = std::get_if<TargetFault>(&read);
  ASSERT_TRUE(fault);
  EXPECT_EQ(*fault, TargetFault::TooLong);
}

TEST(Target, WhateverPassesHasPlainNamesOnly) {
  constexpr unsigned kSeed = 20240602;
  SCOPED_TRACE(kSeed);
  std::mt19937 random{kSeed};
  const std::string alphabet = "//..%%2eEfF05cab\\";
  int passed = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string path = "/";
    for (auto length = random() % 12; length > 0; --length)
      path += alphabet[random() % alphabet.size()];
    const auto read = read_target(path, {});
    const auto* target = std::get_if<Target>(&read);
    if (!target)
      continue;
    ++passed;
    const auto framed = target->path + "/";
    ASSERT_EQ(framed.find("/../"), std::string::npos) << path;
    ASSERT_EQ(framed.find("/./"), std::string::npos) << path;
    ASSERT_EQ(target->path.find("//"), std::string::npos) << path;
    ASSERT_EQ(target->path.find_first_of("%\\"), std::string::npos) << path;
  }
  EXPECT_GT(passed, 1000);
}

}  // namespace
}  // namespace onair::hlsorigin
