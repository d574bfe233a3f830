// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/attribute_list.hpp"

#include <array>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

TEST(AttributeList, WritesEachKindOfValueInTheOrderGiven) {
  const std::array<std::uint8_t, 2> bytes{0x0F, 0xA0};
  AttributeList list;
  list.word("TYPE", "PART").number("N", UINT64_MAX).seconds("S", 216ms).hex("IV", bytes);
  EXPECT_EQ(list.text(), "TYPE=PART,N=18446744073709551615,S=0.216,IV=0x0FA0");
}

TEST(AttributeList, NothingEndsAQuotedStringBeforeItsEnd) {
  AttributeList list;
  list.quoted("NAME", "a\",URI=\"b\r\n#EXT-X-ENDLIST\tc\x7F").uri("URI", "a\"\n");
  EXPECT_EQ(list.text(), "NAME=\"a ,URI= b  #EXT-X-ENDLIST c \",URI=\"a%22%0A\"");
}

TEST(AttributeList, IsWrittenBehindTheNameOfItsTag) {
  std::string out{"#EXTM3U\n"};
  EXPECT_TRUE(AttributeList{}.is_empty());
  write_tag(out, "EXT-X-SKIP", AttributeList{}.number("SKIPPED-SEGMENTS", 3));
  EXPECT_EQ(out, "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n");
}

}  // namespace
}  // namespace onair::test
