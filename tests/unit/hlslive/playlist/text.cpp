// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/text.hpp"

#include <locale>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

TEST(PlaylistText, SecondsHaveEveryNanosecondAndAtLeastThreeDecimals) {
  EXPECT_EQ(decimal_seconds(0ns), "0.000");
  EXPECT_EQ(decimal_seconds(6s), "6.000");
  EXPECT_EQ(decimal_seconds(1008ms), "1.008");
  EXPECT_EQ(decimal_seconds(1s + 10us), "1.00001");
  EXPECT_EQ(decimal_seconds(1s - 1ns), "0.999999999");
  EXPECT_EQ(decimal_seconds(-500ms), "-0.500");
  EXPECT_EQ(decimal_seconds(-6s), "-6.000");
}

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(PlaylistText, NoLocaleMakesACommaOfThePoint) {
  const auto before = std::locale::global(std::locale{std::locale{}, new Comma});
  EXPECT_EQ(decimal_seconds(1234567ms), "1234.567");
  EXPECT_EQ(frame_rate(30'000, 1001), "29.970");
  std::locale::global(before);
}

TEST(PlaylistText, DatesAreUtcWithMilliseconds) {
  using namespace std::chrono;
  const UtcTime leap_day = sys_days{2024y / February / 29} + 23h + 59min + 59s + 999ms;
  EXPECT_EQ(iso_8601(leap_day), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(iso_8601(leap_day + 499us), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(iso_8601(leap_day + 501us), "2024-03-01T00:00:00.000Z");
  EXPECT_EQ(iso_8601(UtcTime{}), "1970-01-01T00:00:00.000Z");
}

TEST(PlaylistText, FrameRatesHaveThreeDecimals) {
  EXPECT_EQ(frame_rate(30, 1), "30.000");
  EXPECT_EQ(frame_rate(60'000, 1001), "59.940");
  EXPECT_EQ(frame_rate(24'000, 1001), "23.976");
  EXPECT_EQ(frame_rate(2, 3), "0.667");
}

TEST(PlaylistText, AUriStaysWhatItIs) {
  EXPECT_EQ(uri_reference("https://keys.example/a%20b?kid=7&x=1#y"),
            "https://keys.example/a%20b?kid=7&x=1#y");
  EXPECT_EQ(uri_reference(""), "");
}

TEST(PlaylistText, WhatWouldEndAUriOrMakeAnotherLineOfItIsEncoded) {
  EXPECT_EQ(uri_reference("a\"b\r\n#EXT-X-ENDLIST"), "a%22b%0D%0A#EXT-X-ENDLIST");
  EXPECT_EQ(uri_reference("#1.ts"), "%231.ts");
  EXPECT_EQ(uri_reference("caf\xC3\xA9 1.ts"), "caf%C3%A9%201.ts");
  EXPECT_EQ(uri_reference("\x7F"), "%7F");
}

}  // namespace
}  // namespace onair::test
