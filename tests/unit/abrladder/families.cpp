// SPDX-License-Identifier: LGPL-2.1-or-later
#include "families.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

std::optional<std::size_t> rank(std::string_view list, std::string_view family) {
  const auto families = Families::parse(list);
  EXPECT_TRUE(families) << list;
  return families ? families->rank(family) : std::nullopt;
}

TEST(Families, AnEmptyListLeavesAllOfThemInTheElementsOrder) {
  for (const auto* list : {"", " ", ",", " , ,"}) {
    EXPECT_EQ(rank(list, "nvidia"), 0U) << '"' << list << '"';
    EXPECT_EQ(rank(list, "x264"), 0U);
  }
  EXPECT_EQ(Families{}.rank("x264"), 0U);
}

TEST(Families, AListAllowsWhatItNamesInItsOrder) {
  EXPECT_EQ(rank("x264,openh264", "x264"), 0U);
  EXPECT_EQ(rank("x264,openh264", "openh264"), 1U);
  EXPECT_EQ(rank("x264,openh264", "nvidia"), std::nullopt);
}

TEST(Families, AListOfMinusSignsForbidsWhatItNamesAndPrefersNothing) {
  EXPECT_EQ(rank("-nvidia,-openh264", "nvidia"), std::nullopt);
  EXPECT_EQ(rank("-nvidia,-openh264", "openh264"), std::nullopt);
  EXPECT_EQ(rank("-nvidia,-openh264", "x264"), 0U);
}

TEST(Families, AListThatBothAllowsAndForbidsIsRefused) {
  EXPECT_FALSE(Families::parse("x264,-nvidia"));
  EXPECT_FALSE(Families::parse("-nvidia,x264"));
}

TEST(Families, SpacesAroundNamesAndEmptyNamesDoNotMatter) {
  EXPECT_EQ(rank(" x264 ,, openh264,", "openh264"), 1U);
  EXPECT_EQ(rank(" -nvidia ", "nvidia"), std::nullopt);
}

TEST(Families, AFamilyNamedTwiceHasItsFirstPlace) {
  EXPECT_EQ(rank("x264,openh264,x264", "x264"), 0U);
}

TEST(Families, AListOfUnknownNamesAllowsNothing) {
  EXPECT_EQ(rank("x265", "x264"), std::nullopt);
}

TEST(Families, APartOfANameIsNotTheName) {
  EXPECT_EQ(rank("264", "x264"), std::nullopt);
  EXPECT_EQ(rank("x264", "openh264"), std::nullopt);
  EXPECT_EQ(rank("-x26", "x264"), 0U);
}

}  // namespace
}  // namespace onair::test
