// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log_text.hpp"

#include <gtest/gtest.h>

#include "json_text.hpp"

namespace live {
namespace {

using namespace std::chrono_literals;

LogLine line(LogLevel level, const std::string& channel, const std::string& message) {
  constexpr std::chrono::sys_days kDay{std::chrono::year{2026} / 1 / 31};
  return {.time = kDay + 12h + 34min + 56s + 789'999us,
          .level = level,
          .channel = channel,
          .message = message};
}

TEST(LogText, TextIsForPeople) {
  EXPECT_EQ(to_text(line(LogLevel::Info, "", "stopping"), LogFormat::Plain), "12:34:56 stopping\n");
  EXPECT_EQ(to_text(line(LogLevel::Warning, "a1", "it is late"), LogFormat::Plain),
            "12:34:56 a1: warning: it is late\n");
  EXPECT_EQ(to_text(line(LogLevel::Error, "", "broken"), LogFormat::Plain),
            "12:34:56 error: broken\n");
}

TEST(LogText, JsonIsAnObjectALine) {
  EXPECT_EQ(
      to_text(line(LogLevel::Warning, "a1", "it is late"), LogFormat::Structured),
      R"({"time":"2026-01-31T12:34:56.789Z","level":"warning","channel":"a1","message":"it is late"})"
      "\n");
  EXPECT_EQ(to_text(line(LogLevel::Info, "", "stopping"), LogFormat::Structured),
            R"({"time":"2026-01-31T12:34:56.789Z","level":"info","message":"stopping"})"
            "\n");
}

TEST(LogText, MillisecondsHaveThreeDigits) {
  auto early = line(LogLevel::Info, "", "x");
  early.time = std::chrono::system_clock::time_point{1s + 7ms};
  EXPECT_NE(to_text(early, LogFormat::Structured).find("\"1970-01-01T00:00:01.007Z\""),
            std::string::npos);
}

TEST(LogText, WhateverIsSaidIsOneLineOfJson) {
  for (const std::string message : {"two\nlines", "\"quoted\" \\ {}", "\xff\xfe", "\x01\x1b[31m",
                                    "\xe2\x80\xa8", "ends in half of \xc3", ""}) {
    const auto text = to_text(line(LogLevel::Info, "", message), LogFormat::Structured);
    EXPECT_EQ(text.find('\n'), text.size() - 1) << message;
    const auto read = parse_json(text, "line");
    ASSERT_TRUE(std::holds_alternative<Json>(read)) << text;
    EXPECT_EQ(std::get<Json>(read).size(), 3U);
  }
}

TEST(LogText, FormatsHaveNames) {
  EXPECT_EQ(log_format_of("text"), LogFormat::Plain);
  EXPECT_EQ(log_format_of("json"), LogFormat::Structured);
  EXPECT_EQ(log_format_of("JSON"), std::nullopt);
  EXPECT_EQ(log_format_of(""), std::nullopt);
}

}  // namespace
}  // namespace live
