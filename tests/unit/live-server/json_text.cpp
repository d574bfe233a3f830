// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_text.hpp"

#include <gtest/gtest.h>

namespace live::test {
namespace {

std::string error_of(std::string_view text) {
  const auto read = parse_json(text, "It");
  const auto* error = std::get_if<std::string>(&read);
  return error ? *error : "";
}

std::string repeated(std::size_t times, std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += text;
  return all;
}

std::string object_of(std::size_t fields) {
  auto json = Json::object();
  for (std::size_t i = 0; i < fields; ++i)
    json[std::to_string(i)] = i;
  return json.dump();
}

TEST(JsonText, FieldsStayInTheirOrder) {
  const auto read = parse_json(R"({"b":1,"a":[2,{"z":null,"c":"\u3042"}]})", "It");
  ASSERT_TRUE(std::holds_alternative<Json>(read));
  EXPECT_EQ(json_text(std::get<Json>(read)), "{\"b\":1,\"a\":[2,{\"z\":null,\"c\":\"あ\"}]}");
}

TEST(JsonText, WhatCannotBeReadIsToldWhere) {
  EXPECT_EQ(error_of("").find("It is no JSON: parse error at line 1, column 1: "), 0u);
  EXPECT_EQ(error_of("{\"a\":1,\n]").find("It is no JSON: parse error at line 2, column 1: "), 0u);
  // Not an error of syntax, but one of the value.
  EXPECT_EQ(error_of("1e400"), "It is no JSON: number overflow parsing '1e400'.");
}

TEST(JsonText, OfWhatCannotBeReadASentenceQuotesNoForeignBytes) {
  for (const std::string& text : {std::string{"\"\xff\xfe"}, std::string(1, '\0'),
                                  "\"" + std::string(100'000, 'x') + "\xc3"}) {
    const auto error = error_of(text);
    EXPECT_LT(error.size(), 300u);
    for (const char c : error)
      EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
  }
}

TEST(JsonText, NestedThirtyTwoDeepIsReadAndOneMoreIsNot) {
  EXPECT_EQ(error_of(repeated(32, "[") + repeated(32, "]")), "");
  EXPECT_EQ(error_of(repeated(33, "[") + repeated(33, "]")), "It is nested more than 32 deep.");
  EXPECT_EQ(error_of(repeated(33, "{\"a\":") + "1" + repeated(33, "}")),
            "It is nested more than 32 deep.");
  // What a recursive parser would die of.
  EXPECT_EQ(error_of(repeated(1'000'000, "[")), "It is nested more than 32 deep.");
  // It is depth that counts, not number.
  EXPECT_EQ(error_of("[" + repeated(99, "[],") + "[]]"), "");
}

TEST(JsonText, AFieldThatIsThereTwiceIsNamed) {
  EXPECT_EQ(error_of(R"({"bps":1,"fps":2,"bps":3})"), "It has the field \"bps\" twice.");
  EXPECT_EQ(error_of(R"([{"a":{"b":1,"b":1}}])"), "It has the field \"b\" twice.");
  EXPECT_EQ(error_of(R"({"a":{"a":1},"b":[{"a":1},{"a":1}]})"), "");
}

TEST(JsonText, AnObjectHasSixtyFourFieldsAndNoMore) {
  EXPECT_EQ(error_of(object_of(64)), "");
  EXPECT_EQ(error_of(object_of(65)), "It has an object of more than 64 fields.");
}

TEST(JsonText, WhatIsNotUtf8IsReplacedWhereItIsWritten) {
  EXPECT_EQ(json_text(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace live::test
