// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/memory_storage.hpp"

#include <gtest/gtest.h>

#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

using Kind = Storage::Kind;

TEST(MemoryStorage, CountsTheBytesItHolds) {
  MemoryStorage storage;
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("12345"))), "");
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("123"))), "");
  EXPECT_EQ(storage.bytes_held(), 3U);
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("1234"))), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("5678"))), "");
  EXPECT_EQ(storage.bytes_held(), 11U);
  EXPECT_EQ(what_failed(storage.finish("0-1.ts")), "");
  EXPECT_EQ(storage.bytes_held(), 11U);
  EXPECT_EQ(what_failed(storage.remove("0-1.ts")), "");
  EXPECT_EQ(what_failed(storage.remove("0.m3u8")), "");
  EXPECT_EQ(storage.bytes_held(), 0U);
}

TEST(MemoryStorage, SharesItsBytesWithItsReaders) {
  MemoryStorage storage;
  ASSERT_EQ(what_failed(write_segment(storage, "0-1.ts", "shared")), "");
  const auto one = std::get<Content>(storage.read("0-1.ts", 0));
  const auto other = std::get<Content>(storage.read("0-1.ts", 2));
  ASSERT_EQ(one.chunks.size(), 1U);
  ASSERT_EQ(other.chunks.size(), 1U);
  EXPECT_EQ(one.chunks[0].bytes.data() + 2, other.chunks[0].bytes.data());
}

TEST(MemoryStorage, LeavesReadersWhatTheyHaveAfterARemoval) {
  MemoryStorage storage;
  ASSERT_EQ(what_failed(write_segment(storage, "0-1.ts", "kept by its reader")), "");
  const auto content = std::get<Content>(storage.read("0-1.ts", 0));
  EXPECT_EQ(what_failed(storage.remove("0-1.ts")), "");
  EXPECT_EQ(text_of(content), "kept by its reader");
}

TEST(MemoryStorage, JoinsThePiecesOfAFinishedResource) {
  MemoryStorage storage;
  ASSERT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  for (const auto* piece : {"ab", "", "cd", "e"})
    ASSERT_EQ(what_failed(storage.append("0-1.ts", bytes_of(piece))), "");
  ASSERT_EQ(what_failed(storage.finish("0-1.ts")), "");
  const auto content = std::get<Content>(storage.read("0-1.ts", 1));
  EXPECT_EQ(content.chunks.size(), 1U);
  EXPECT_EQ(text_of(content), "bcde");
}

TEST(MemoryStorage, IsFullAtItsLimitAndNotBefore) {
  MemoryStorage storage{10};
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("1234"))), "");
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("123456"))), "");
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("4321"))), "") << "in its own place";
  EXPECT_EQ(code_of(storage.replace("0.m3u8", bytes_of("12345"))), std::errc::no_space_on_device);
  EXPECT_EQ(text_in(storage, "0.m3u8"), "4321");
  EXPECT_EQ(code_of(storage.append("0-1.ts", bytes_of("7"))), std::errc::no_space_on_device);
  EXPECT_EQ(storage.bytes_held(), 4U) << "what can't be finished is let go";
  EXPECT_EQ(what_failed(write_segment(storage, "0-2.ts", "123456")), "");
}

}  // namespace
}  // namespace onair::test
