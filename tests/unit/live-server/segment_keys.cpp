// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_keys.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace live {
namespace {

std::string digits_of(const SegmentKeys::Key& key) {
  std::string text;
  for (const auto byte : key) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

TEST(SegmentKeys, AKeyIsTheFirstHalfOfAnHmac) {
  // printf 'key 7' | openssl dgst -sha256 -hmac secret
  EXPECT_EQ(digits_of(SegmentKeys{.uri = {}, .secret = "secret"}.key(7)),
            "05768af3078c8cdc38ca5b344d92ca7c");
}

TEST(SegmentKeys, WhoAsksByTheKidOfAPlaylistGetsTheKeyOfItsSegments) {
  const KeyChain chain{"secret"};
  std::set<std::string> all;
  for (const std::string channel : {"one", "an_other-1"}) {
    const auto keys = chain.of(channel, "https://keys.example/key");
    for (const std::uint64_t number : {0ull, 1ull, 18446744073709551615ull}) {
      auto kid = keys.uri.substr(keys.uri.find("?kid=") + 5);
      kid.replace(kid.find("{kid}"), 5, std::to_string(number));
      EXPECT_EQ(chain.key(kid), digits_of(keys.key(number))) << kid;
      all.insert(digits_of(keys.key(number)));
    }
  }
  EXPECT_EQ(all.size(), 6u);
}

TEST(SegmentKeys, AnotherSecretMakesOtherKeys) {
  const auto keys = KeyChain{"secret"}.of("one", "k");
  const auto others = KeyChain{"Secret"}.of("one", "k");
  EXPECT_NE(keys.uri, others.uri);
  EXPECT_NE(keys.key(0), others.key(0));
}

TEST(SegmentKeys, TheAddressIsThatOfTheChannelWithOneMoreField) {
  const KeyChain chain{"secret"};
  const auto check = chain.of("one", "k").uri.substr(2);
  EXPECT_EQ(check.find("kid=one."), 0u);
  EXPECT_EQ(chain.of("one", "https://a/b").uri, "https://a/b?" + check);
  EXPECT_EQ(chain.of("one", "https://a/b?c=d").uri, "https://a/b?c=d&" + check);
  EXPECT_EQ(chain.of("one", "https://a/b?c=d#e?f").uri, "https://a/b?c=d&" + check);
  EXPECT_EQ(chain.of("one", "https://a/b#e").uri, "https://a/b?" + check);
}

TEST(SegmentKeys, WhatNoPlaylistHasSaidOpensNothing) {
  const KeyChain chain{"secret"};
  const auto uri = chain.of("one", "k").uri;
  const auto right = uri.substr(6, uri.size() - 6 - 5) + "0";
  ASSERT_TRUE(chain.key(right)) << right;
  for (const auto& wrong :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"one.0"},
        "two" + right.substr(3), right + "x", right + " ", right + ".0", "0" + right,
        right.substr(0, right.size() - 1), right.substr(0, right.size() - 1) + "00",
        right.substr(0, right.size() - 1) + "-1",
        right.substr(0, right.size() - 1) + "18446744073709551616", std::string(1000, '.')})
    EXPECT_FALSE(chain.key(wrong)) << wrong;
}

}  // namespace
}  // namespace live
