// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_record.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

using namespace std::chrono_literals;

constexpr ArchiveRecord::Time at(std::chrono::milliseconds time) {
  return ArchiveRecord::Time{} + 1'000'000s + time;
}

TEST(ArchiveRecord, WhatFailsIsTriedAgainAfterTwiceAsLongEachTime) {
  ArchiveRecord record;
  auto now = at(0s);
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    EXPECT_FALSE(record.on_failure(now, "It is full.", false));
    EXPECT_EQ(record.due, now + wait);
    EXPECT_EQ(record.state, ArchiveRecord::State::Waiting);
    now += wait;
  }
  EXPECT_EQ(record.error, "It is full.");
  record.on_created();
  EXPECT_EQ(record.state, ArchiveRecord::State::Created);
  EXPECT_EQ(record.error, "");
  EXPECT_FALSE(record.due);
}

TEST(ArchiveRecord, WhoGetsOnWithItBeginsAnew) {
  ArchiveRecord record;
  EXPECT_FALSE(record.on_failure(at(0s), "a", false));
  EXPECT_FALSE(record.on_failure(at(1s), "a", false));
  EXPECT_FALSE(record.on_failure(at(25h), "b", true));
  EXPECT_EQ(record.due, at(25h) + 1s);
  EXPECT_FALSE(record.on_failure(at(49h) - 1ms, "b", false));
  EXPECT_TRUE(record.on_failure(at(49h), "b", false));
}

TEST(ArchiveRecord, AfterADayWithoutAFileItIsGivenUp) {
  ArchiveRecord record;
  EXPECT_FALSE(record.on_failure(at(0s), "a", false));
  EXPECT_FALSE(record.on_failure(at(24h) - 1ms, "a", false));
  EXPECT_TRUE(record.on_failure(at(24h), "z", false));
  EXPECT_EQ(record.state, ArchiveRecord::State::Failed);
  EXPECT_EQ(record.error, "z");
  EXPECT_FALSE(record.due);
}

TEST(ArchiveRecord, AClockThatIsSetBackPutsItOffForADayAtMost) {
  ArchiveRecord record;
  EXPECT_FALSE(record.on_failure(at(1000h), "a", false));
  EXPECT_FALSE(record.on_failure(at(0s), "a", false));
  EXPECT_EQ(record.failing_since, at(0s));
  EXPECT_TRUE(record.on_failure(at(24h), "a", false));
}

TEST(ArchiveRecord, ItsStateFileIsReadAgain) {
  ArchiveRecord record{.channel = "c1",
                       .destination = "d1",
                       .event_webhook_url = "https://example.com/",
                       .broadcasts = 3,
                       .is_deleted = true};
  record.on_progress({.files = 9, .files_copied = 4, .bytes = 5'000'000'000, .bytes_copied = 7});
  EXPECT_FALSE(record.on_failure(at(0s), "\"\xff\"", false));
  const auto read = [](const ArchiveRecord& its) {
    const auto again = read_archive_record(to_text(its));
    EXPECT_TRUE(std::holds_alternative<ArchiveRecord>(again)) << to_text(its);
    return std::get<ArchiveRecord>(again);
  };
  auto again = read(record);
  EXPECT_EQ(again.error, "\"\xef\xbf\xbd\"");
  EXPECT_FALSE(again.due) << "a server that has just begun tries at once";
  again.error = record.error;
  again.due = record.due;
  EXPECT_EQ(again, record);
  record.error.clear();
  EXPECT_TRUE(record.on_failure(at(24h), "z", false));
  EXPECT_EQ(read(record).state, ArchiveRecord::State::Failed);
  record.on_created();
  EXPECT_EQ(read(record), record);
}

TEST(ArchiveRecord, ThatOfAConnectionNamesItsChannel) {
  ArchiveRecord record{.channel = "c1", .destination = "d1"};
  EXPECT_EQ(record.channel_id(), "c1");
  EXPECT_EQ(record.connection_id(), "");
  record.channel = "c1-x2";
  record.connection_of = "c1";
  EXPECT_EQ(record.channel_id(), "c1");
  EXPECT_EQ(record.connection_id(), "x2");
  const auto read = read_archive_record(to_text(record));
  ASSERT_TRUE(std::holds_alternative<ArchiveRecord>(read));
  EXPECT_EQ(std::get<ArchiveRecord>(read), record);
  record.connection_of = "c2";
  EXPECT_TRUE(std::holds_alternative<std::string>(read_archive_record(to_text(record))));
}

TEST(ArchiveRecord, WhatIsNoStateFileIsTold) {
  for (const char* broken : {"", "{", "[]", "{}"})
    EXPECT_TRUE(std::holds_alternative<std::string>(read_archive_record(broken)));
  ArchiveRecord nameless{.channel = "../c", .destination = "d"};
  EXPECT_TRUE(std::holds_alternative<std::string>(read_archive_record(to_text(nameless))));
}

}  // namespace
}  // namespace live
