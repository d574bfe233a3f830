// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inheritance.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "playlist/media_playlist.hpp"
#include "storage/directory_storage.hpp"
#include "storage/memory_storage.hpp"
#include "support/temporary_directory.hpp"
#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Strings = std::vector<std::string>;

constexpr ClockTime kNow{1h};
constexpr Duration kTarget = 1s;

void put(Storage& storage, const std::string& name, const std::string& text = "bytes") {
  ASSERT_EQ(what_failed(storage.replace(name, bytes_of(text))), "");
}

// Segments of 1 s from `first` on, as a process that died leaves them; `parts` of the next one.
void leave(Storage& storage, const std::string& rendition, std::uint64_t first, std::uint64_t end,
           const Strings& parts = {}) {
  MediaPlaylist playlist{
      {.target = kTarget, .window = 1min, .part_target = 500ms, .first_sequence = first}};
  for (auto number = first; number < end; ++number) {
    const auto name = rendition + "-" + std::to_string(number) + ".ts";
    playlist.begin_segment({});
    playlist.end_segment(name, 1s, kNow);
    put(storage, name);
  }
  playlist.begin_segment({});
  for (const auto& part : parts)
    playlist.add_part({.uri = part, .duration = 500ms});
  put(storage, rendition + ".m3u8", playlist.text());
}

Strings names(const Storage& storage) {
  return std::get<Strings>(storage.names());
}

Strings uris(const PublishedPlaylist& playlist) {
  Strings uris;
  for (const auto& segment : playlist.segments)
    uris.push_back(segment.uri + (segment.is_gap ? "!" : ""));
  return uris;
}

Strings due(Inheritance& inherited, ClockTime now) {
  Strings due;
  inherited.take_due(now, due);
  return due;
}

class Inherited : public testing::Test {
 protected:
  void accept() { ASSERT_EQ(what_failed(inherited.accept(storage, kTarget, kNow)), ""); }

  MemoryStorage storage;
  Inheritance inherited;
};

TEST_F(Inherited, OfNothingIsNothing) {
  accept();
  EXPECT_THAT(inherited.playlists(), IsEmpty());
  EXPECT_EQ(inherited.next_sequence(), 0U);
  EXPECT_EQ(inherited.next_number("0"), 0U);
  EXPECT_FALSE(inherited.take("0.m3u8"));
}

TEST_F(Inherited, APlaylistIsGoneOnWithByOne) {
  leave(storage, "0", 7, 10);
  put(storage, "master.m3u8", "#EXTM3U\n");
  accept();
  EXPECT_THAT(inherited.playlists(), ElementsAre("0.m3u8"));
  EXPECT_EQ(inherited.next_sequence(), 10U);
  const auto left = inherited.take("0.m3u8");
  ASSERT_TRUE(left);
  EXPECT_THAT(uris(*left), ElementsAre("0-7.ts", "0-8.ts", "0-9.ts"));
  EXPECT_FALSE(inherited.take("0.m3u8"));
  EXPECT_THAT(inherited.oddities(), IsEmpty());
}

TEST_F(Inherited, NumbersAreBehindThoseOfAllFilesThatAnybodyMayKnow) {
  leave(storage, "0", 3, 5, {"0-8.0.ts"});
  put(storage, "1-12.ts");
  put(storage, "audio-0-init-4.mp4");
  put(storage, "other-99.ts");
  inherited.reserve({"1-13.ts", "2-6.1.m4s"});
  accept();
  EXPECT_EQ(inherited.next_number("0"), 10U);
  EXPECT_EQ(inherited.next_number("1"), 14U);
  EXPECT_EQ(inherited.next_number("2"), 7U);
  EXPECT_EQ(inherited.next_number("audio-0"), 5U);
  EXPECT_EQ(inherited.next_number("other"), 0U);
  EXPECT_EQ(inherited.next_sequence(), 6U) << "of what is listed, with what was begun";
}

TEST_F(Inherited, ASegmentThatWasNeverFinishedEndsWithItsLastPart) {
  put(storage, "0-3.0.ts", "first");
  put(storage, "0-3.1.ts", "second");
  put(storage, "0-3.ts", "with a part that nobody knows");
  leave(storage, "0", 0, 3, {"0-3.0.ts", "0-3.1.ts"});
  accept();
  EXPECT_EQ(inherited.next_sequence(), 4U);
  EXPECT_EQ(inherited.next_number("0"), 5U);
  const auto left = inherited.take("0.m3u8");
  ASSERT_TRUE(left);
  EXPECT_THAT(uris(*left), ElementsAre("0-0.ts", "0-1.ts", "0-2.ts", "0-4.ts"));
  EXPECT_EQ(left->segments.back().duration, 1s);
  EXPECT_EQ(text_in(storage, "0-4.ts"), "firstsecond");
  EXPECT_EQ(text_in(storage, "0-3.ts"), "with a part that nobody knows");
  EXPECT_THAT(inherited.oddities(), IsEmpty());
}

TEST_F(Inherited, ASegmentOfWhichAPartIsMissingIsAGap) {
  put(storage, "0-3.0.ts", "first");
  leave(storage, "0", 2, 3, {"0-3.0.ts", "0-3.1.ts"});
  accept();
  EXPECT_THAT(uris(*inherited.take("0.m3u8")), ElementsAre("0-2.ts", "0-4.ts!"));
}

TEST_F(Inherited, PartsThatAreEncryptedByThemselvesAreNoSegment) {
  put(storage, "0-0.0.ts", "first");
  put(storage, "0.m3u8",
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"
      "#EXT-X-PART:DURATION=0.5,URI=\"0-0.0.ts\"\n");
  accept();
  EXPECT_THAT(uris(*inherited.take("0.m3u8")), ElementsAre("0-1.ts!"));
}

TEST_F(Inherited, ARenditionThatIsBehindGetsGapsOfNewNames) {
  put(storage, "1-3.0.ts");
  leave(storage, "0", 0, 5);
  leave(storage, "1", 0, 3, {"1-3.0.ts"});
  accept();
  EXPECT_EQ(inherited.next_sequence(), 5U);
  EXPECT_THAT(uris(*inherited.take("1.m3u8")),
              ElementsAre("1-0.ts", "1-1.ts", "1-2.ts", "1-4.ts", "1-5.ts!"));
  EXPECT_EQ(inherited.next_number("1"), 6U);
  EXPECT_THAT(uris(*inherited.take("0.m3u8")),
              ElementsAre("0-0.ts", "0-1.ts", "0-2.ts", "0-3.ts", "0-4.ts"));
}

// One died before it had listed anything of its last life, and has been passed since.
TEST_F(Inherited, WhoBeginsAnewHasTheDiscontinuitiesOfWhoeverHasMost) {
  for (const auto& [rendition, first, breaks] :
       {std::tuple{"0", 10U, 3U}, std::tuple{"1", 2U, 1U}}) {
    MediaPlaylist playlist{{.target = kTarget, .window = 1min, .first_sequence = first}};
    for (auto number = 0U; number < 5; ++number) {
      playlist.begin_segment({.is_discontinuous = number < breaks});
      playlist.end_segment(std::string{rendition} + "-" + std::to_string(first + number) + ".ts",
                           1s, kNow);
    }
    put(storage, std::string{rendition} + ".m3u8", playlist.text());
  }
  accept();
  EXPECT_EQ(inherited.next_sequence(), 15U);
  EXPECT_EQ(inherited.next_discontinuity_sequence(), 4U);
}

TEST_F(Inherited, WhatIsNoPlaylistOfOursIsToldOfAndKeepsItsFiles) {
  leave(storage, "0", 0, 1);
  put(storage, "1.m3u8", "#EXTM3U\n#EXT-X-VERSION:three\n");
  put(storage, "1-5.ts");
  accept();
  ASSERT_EQ(inherited.oddities().size(), 1U);
  EXPECT_THAT(inherited.oddities()[0], HasSubstr("1.m3u8 is no playlist of ours"));
  EXPECT_THAT(inherited.playlists(), ElementsAre("0.m3u8"));
  EXPECT_EQ(inherited.next_number("1"), 6U);
  EXPECT_THAT(due(inherited, kNow + 24h), IsEmpty());
}

// Two seconds are listed: that long they are in a playlist, and that long behind it.
TEST_F(Inherited, AFileThatNoPlaylistListsGoesWhenNobodyMayAskForIt) {
  leave(storage, "0", 4, 6);
  put(storage, "0-3.ts");
  put(storage, "0-6.0.ts");
  put(storage, "somebody-elses.ts");
  accept();
  EXPECT_THAT(due(inherited, kNow + 5s - 1ns), IsEmpty());
  EXPECT_THAT(due(inherited, kNow + 5s), UnorderedElementsAre("0-3.ts", "0-6.0.ts"));
}

TEST_F(Inherited, WhoDoesNotGoOnLetsItsFilesStayForAsLongAsThePlaylistWas) {
  leave(storage, "0", 0, 2, {"0-2.0.ts"});
  accept();
  inherited.retire(*inherited.take("0.m3u8"), kNow);
  EXPECT_THAT(due(inherited, kNow + 3500ms - 1ns), IsEmpty());
  EXPECT_THAT(due(inherited, kNow + 3500ms), UnorderedElementsAre("0-0.ts", "0-1.ts", "0-2.0.ts"));
}

TEST(InheritedDirectory, OldFilesGoAtOnceButForTheNewestNumber) {
  const TemporaryDirectory directory;
  DirectoryStorage storage{directory.path(), DirectoryStorage::Sync::Never};
  ASSERT_EQ(what_failed(storage.prepare()), "");
  leave(storage, "0", 4, 6);
  const auto write = [&](const std::string& name, Duration age) {
    put(storage, name);
    std::filesystem::last_write_time(directory.path() / name,
                                     std::filesystem::file_time_type::clock::now() - age);
  };
  write("0-1.ts", 1min);
  write("0-2.ts", 2s);
  write("0-9.ts", 1min);
  Inheritance inherited;
  ASSERT_EQ(what_failed(inherited.accept(storage, kTarget, kNow)), "");
  EXPECT_THAT(names(storage),
              UnorderedElementsAre("0.m3u8", "0-2.ts", "0-4.ts", "0-5.ts", "0-9.ts"));
  EXPECT_THAT(due(inherited, kNow + 3s), ElementsAre("0-2.ts"));
  EXPECT_THAT(due(inherited, kNow + 5s), ElementsAre("0-9.ts"));
}

}  // namespace
}  // namespace onair::test
