// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_storage.hpp"
#include "support/system_calls.hpp"
#include "support/temporary_directory.hpp"
#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr ClockTime kNow{};

class Archived : public testing::Test {
 protected:
  // As a sink does it: the segment is written where viewers are, and then kept.
  void write(Archive& archive, const std::string& uri, SegmentHead head = {}) {
    ASSERT_EQ(what_failed(live_.begin(uri, Storage::Kind::Segment)), "");
    ASSERT_EQ(what_failed(live_.append(uri, bytes_of(uri + "'s bytes"))), "");
    ASSERT_EQ(what_failed(live_.finish(uri)), "");
    keep(archive, {.uri = uri, .duration = 1s, .head = std::move(head)});
  }
  void keep(Archive& archive, const MediaSegment& segment) {
    failure_ = what_failed(archive.add("0.m3u8", 1s, segment, live_, kNow));
  }
  [[nodiscard]] Archive make() const {
    return Archive{directory_.path(), DirectoryStorage::Sync::Never};
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream{directory_.path() / name}.rdbuf();
    return all.str();
  }
  [[nodiscard]] std::string playlist() const { return text("0.m3u8"); }

  TemporaryDirectory directory_;
  MemoryStorage live_;
  std::string failure_;
};

class FailingArchive : public Archived {
 protected:
  ~FailingArchive() override { system_calls() = {}; }
};

constexpr const char* kHead =
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-INDEPENDENT-SEGMENTS\n";

TEST_F(Archived, EverySegmentIsKeptAndListedThoughTheLiveOneForgetsIt) {
  auto archive = make();
  ASSERT_EQ(what_failed(archive.prepare()), "");
  write(archive, "0-0.ts");
  write(archive, "0-1.ts");
  ASSERT_EQ(what_failed(live_.remove("0-0.ts")), "");
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(text("0-0.ts"), "0-0.ts's bytes");
  EXPECT_EQ(playlist(), std::string{kHead} +
                            "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:0\n"
                            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                            "#EXTINF:1.000,\n0-0.ts\n#EXTINF:1.000,\n0-1.ts\n");
}

TEST_F(Archived, AtTheEndItIsVideoOnDemand) {
  auto archive = make();
  write(archive, "0-0.ts");
  EXPECT_EQ(what_failed(archive.end("0.m3u8", kNow)), "");
  EXPECT_EQ(playlist(), std::string{kHead} +
                            "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:0\n"
                            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                            "#EXTINF:1.000,\n0-0.ts\n#EXT-X-ENDLIST\n");
}

TEST_F(Archived, ALaterBroadcastGoesOnBehindADiscontinuityAlsoWhenThisOneHasEnded) {
  {
    auto archive = make();
    write(archive, "0-0.ts");
    EXPECT_EQ(what_failed(archive.end("0.m3u8", kNow)), "");
  }
  auto archive = make();
  ASSERT_EQ(what_failed(archive.prepare()), "");
  EXPECT_EQ(archive.names().size(), 2u);
  write(archive, "0-1.ts");
  write(archive, "0-2.ts");
  EXPECT_EQ(playlist(), std::string{kHead} +
                            "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:0\n"
                            "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                            "#EXTINF:1.000,\n0-0.ts\n#EXT-X-DISCONTINUITY\n"
                            "#EXTINF:1.000,\n0-1.ts\n#EXTINF:1.000,\n0-2.ts\n");
}

// Its successor has finished a segment of the one that was killed, and listed a gap.
TEST_F(Archived, WhatWasListedAndNotKeptIsKeptByWhoGoesOn) {
  {
    auto archive = make();
    write(archive, "0-0.ts");
    write(archive, "0-1.ts");
  }
  std::deque<MediaSegment> listed{{.uri = "0-1.ts", .duration = 1s},
                                  {.uri = "0-2.ts", .duration = 500ms},
                                  {.uri = "0-3.ts", .duration = 500ms, .is_gap = true}};
  ASSERT_EQ(what_failed(live_.replace("0-2.ts", bytes_of("finished"))), "");
  auto archive = make();
  ASSERT_EQ(what_failed(archive.prepare()), "");
  EXPECT_EQ(what_failed(archive.go_on("0.m3u8", 1s, listed, live_, kNow)), "");
  EXPECT_EQ(text("0-2.ts"), "finished");
  write(archive, "0-4.ts", {.is_discontinuous = true});
  const auto whole = playlist();
  EXPECT_EQ(whole.substr(whole.find("#EXTINF")),
            "#EXTINF:1.000,\n0-0.ts\n#EXTINF:1.000,\n0-1.ts\n#EXTINF:0.500,\n0-2.ts\n"
            "#EXT-X-GAP\n#EXTINF:0.500,\n0-3.ts\n"
            "#EXT-X-DISCONTINUITY\n#EXTINF:1.000,\n0-4.ts\n");
}

TEST_F(Archived, WhoGoesOnAndEndsAtOnceEndsIt) {
  {
    auto archive = make();
    write(archive, "0-0.ts");
  }
  const std::deque<MediaSegment> listed{{.uri = "0-0.ts", .duration = 1s}};
  auto archive = make();
  ASSERT_EQ(what_failed(archive.prepare()), "");
  EXPECT_EQ(what_failed(archive.go_on("0.m3u8", 1s, listed, live_, kNow)), "");
  EXPECT_EQ(what_failed(archive.end("0.m3u8", kNow)), "");
  EXPECT_TRUE(playlist().ends_with("#EXTINF:1.000,\n0-0.ts\n#EXT-X-ENDLIST\n")) << playlist();
}

// An archive that has ended, was emptied, or is of another broadcast than what is listed.
TEST_F(Archived, WhereNothingIsGoneOnWithThereIsADiscontinuity) {
  const std::deque<MediaSegment> listed{{.uri = "0-7.ts", .duration = 1s},
                                        {.uri = "0-8.ts", .duration = 1s}};
  {
    auto archive = make();
    EXPECT_EQ(what_failed(archive.go_on("0.m3u8", 1s, listed, live_, kNow)), "");
    EXPECT_EQ(playlist(), "");
    write(archive, "0-0.ts");
  }
  {
    auto archive = make();
    ASSERT_EQ(what_failed(archive.prepare()), "");
    EXPECT_EQ(what_failed(archive.go_on("0.m3u8", 1s, listed, live_, kNow)), "");
    write(archive, "0-1.ts");
    EXPECT_TRUE(playlist().ends_with("#EXT-X-DISCONTINUITY\n#EXTINF:1.000,\n0-1.ts\n"));
    EXPECT_EQ(what_failed(archive.end("0.m3u8", kNow)), "");
  }
  auto archive = make();
  ASSERT_EQ(what_failed(archive.prepare()), "");
  EXPECT_EQ(
      what_failed(archive.go_on("0.m3u8", 1s, {{.uri = "0-1.ts", .duration = 1s}}, live_, kNow)),
      "");
  write(archive, "0-2.ts");
  EXPECT_TRUE(playlist().ends_with("#EXT-X-DISCONTINUITY\n#EXTINF:1.000,\n0-2.ts\n"));
}

// A process that was killed, or a disk without power.
TEST_F(Archived, WhereverAPlaylistIsCutOffItsWholeSegmentsAreGoneOnWith) {
  {
    auto archive = make();
    write(archive, "0-0.ts");
    write(archive, "0-1.ts",
          {.is_discontinuous = true, .key = EncryptionKey{.uri = "k", .iv = {}}});
    write(archive, "0-2.ts");
  }
  const auto whole = playlist();
  for (auto size = whole.find("0-0.ts\n") + 7; size < whole.size(); ++size) {
    for (const auto tail : {""sv, "\0\0\0\0"sv, "\0\0\n"sv}) {
      std::ofstream{directory_.path() / "0.m3u8"} << whole.substr(0, size) << tail;
      auto archive = make();
      ASSERT_EQ(what_failed(archive.prepare()), "");
      write(archive, "0-3.ts");
      const auto text = playlist();
      const auto kept = text.substr(0, text.rfind("#EXT-X-DISCONTINUITY\n"));
      EXPECT_TRUE(whole.starts_with(kept) || kept.ends_with("#EXT-X-KEY:METHOD=NONE\n")) << text;
      for (const std::string name : {"0-0.ts", "0-1.ts", "0-2.ts"})
        EXPECT_EQ(kept.find(name) != kept.npos, whole.find(name + '\n') + name.size() < size)
            << size << '\n'
            << text;
    }
  }
}

TEST_F(FailingArchive, ASegmentIsAddedToWhatIsThere) {
  auto archive = make();
  write(archive, "0-0.ts");
  write(archive, "0-1.ts");
  system_calls() = {};
  write(archive, "0-2.ts");
  // The segment is copied out of memory; of the playlist nothing is made anew.
  EXPECT_THAT(system_calls().made, testing::ElementsAre("write", "rename", "write"));
}

TEST_F(FailingArchive, WhatCouldNotBeAddedIsListedWithTheNextOne) {
  auto archive = make();
  write(archive, "0-0.ts");
  const auto before = playlist();
  system_calls().longest_write = 10;
  int writes = 0;
  system_calls().fault = [&](std::string_view call) {
    return call == "write" && ++writes > 3 ? std::optional{ENOSPC} : std::nullopt;
  };
  write(archive, "0-1.ts");
  EXPECT_NE(failure_, "");
  EXPECT_EQ(playlist(), before);
  system_calls() = {};
  write(archive, "0-2.ts");
  EXPECT_EQ(failure_, "");
  EXPECT_TRUE(playlist().ends_with("#EXTINF:1.000,\n0-1.ts\n#EXTINF:1.000,\n0-2.ts\n"))
      << playlist();
}

TEST_F(Archived, APlaylistThatSomebodyRemovedIsWrittenAnew) {
  auto archive = make();
  write(archive, "0-0.ts");
  std::filesystem::remove(directory_.path() / "0.m3u8");
  write(archive, "0-1.ts");
  EXPECT_EQ(failure_, "");
  EXPECT_TRUE(playlist().ends_with("#EXTINF:1.000,\n0-0.ts\n#EXTINF:1.000,\n0-1.ts\n"))
      << playlist();
}

TEST_F(Archived, WhatCouldNotBeKeptIsAGapAndTheRestGoesOn) {
  auto archive = make();
  write(archive, "0-0.ts");
  keep(archive, {.uri = "0-1.ts", .duration = 1s});  // which nobody has written
  EXPECT_NE(failure_, "");
  write(archive, "0-2.ts");
  EXPECT_EQ(failure_, "");
  EXPECT_NE(playlist().find("#EXT-X-GAP\n#EXTINF:1.000,\n0-1.ts\n"), std::string::npos)
      << playlist();
  EXPECT_NE(playlist().find("0-2.ts\n"), std::string::npos);
}

TEST_F(Archived, InitializationSectionsAreKeptOnce) {
  auto archive = make();
  ASSERT_EQ(what_failed(live_.replace("0-init-1.mp4", bytes_of("init"))), "");
  write(archive, "0-0.m4s", {.map = "0-init-1.mp4"});
  EXPECT_EQ(text("0-init-1.mp4"), "init");
  ASSERT_EQ(what_failed(live_.remove("0-init-1.mp4")), "");
  write(archive, "0-1.m4s", {.map = "0-init-1.mp4"});
  EXPECT_EQ(failure_, "");
}

}  // namespace
}  // namespace onair::test
