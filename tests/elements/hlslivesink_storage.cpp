// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: what lies on the disk, when the disk does not take it, and after a restart.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "hlslivesink_bench.hpp"
#include "small_disk.hpp"
#include "temporary_directory.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;

// Before there are threads.
struct DiskEnvironment : testing::Environment {
  void SetUp() override { SmallDisk::enter_namespace(); }
};
[[maybe_unused]] const auto* const kDisks = testing::AddGlobalTestEnvironment(new DiskEnvironment);

std::string read_text(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

Strings names_in(const fs::path& directory) {
  Strings names;
  for (const auto& entry : fs::directory_iterator{directory})
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string in_directory(const fs::path& directory, const std::string& more = {}) {
  return "location=" + directory.string() + " " + more;
}

class HlsLiveSinkStorage : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return directory_.path() / "made" / "by the way"; }
  [[nodiscard]] std::string quoted(const std::string& more = {}) const {
    return "location=\"" + path().string() + "\" " + more;
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(HlsLiveSinkStorage, ADirectoryHasWhatThePlaylistsName) {
  LiveSinkBench bench{quoted()};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 2100ms), GST_FLOW_OK);
  audio.end();
  EXPECT_EQ(names_in(path()), (Strings{"0-0.ts", "0-1.ts", "0-2.ts", "0.m3u8", "master.m3u8"}))
      << "without an origin nobody could wait for parts, and there are none";
  EXPECT_EQ(read_text(path() / "0.m3u8"), bench.get("0.m3u8").data);
  EXPECT_EQ(read_text(path() / "master.m3u8"), bench.get("master.m3u8").data);
  EXPECT_EQ(read_text(path() / "0-1.ts"), bench.get("0-1.ts").data);
  EXPECT_EQ(LiveSinkBench::read(read_text(path() / "0-0.ts")).sounds.substr(0, 6), "S0 S24");
}

TEST_F(HlsLiveSinkStorage, AnArchiveKeepsWhatHasLeftTheWindow) {
  const TemporaryDirectory archive;
  LiveSinkBench bench{quoted("window=3000000000 archive=" + archive.path().string())};
  auto& audio = bench.add("audio_0");
  for (auto pts = 0ms; pts < 16s; pts += 24ms) {
    bench.set_time(pts);
    EXPECT_EQ(audio.sound(pts), GST_FLOW_OK);
    if (pts % 1008ms == 0ms && pts > 1s)  // the next second in the next second
      bench.wait_for("0.m3u8", "0-" + std::to_string(pts / 1s - 1) + ".ts\n");
  }
  audio.end();
  EXPECT_FALSE(fs::exists(path() / "0-0.ts"));
  for (int n = 0; n < 16; ++n) {
    const auto name = "0-" + std::to_string(n) + ".ts";
    EXPECT_TRUE(fs::exists(archive.path() / name)) << name;
  }
  std::ostringstream listed;
  listed << std::ifstream{archive.path() / "0.m3u8"}.rdbuf();
  EXPECT_NE(listed.str().find("0-0.ts\n"), std::string::npos);
  EXPECT_TRUE(listed.str().ends_with("#EXT-X-ENDLIST\n")) << listed.str();
}

std::uintmax_t bytes_in(const fs::path& directory) {
  std::uintmax_t sum = 0;
  for (const auto& name : names_in(directory)) {
    std::error_code is_gone;
    const auto size = fs::file_size(directory / name, is_gone);
    sum += name.ends_with(".ts") && !is_gone ? size : 0;
  }
  return sum;
}

TEST_F(HlsLiveSinkStorage, WhereRoomIsShortTheOldestSegmentsGoFirst) {
  std::uintmax_t of_one = 0;
  {
    LiveSinkBench bench{quoted()};
    EXPECT_EQ(bench.add("audio_0").sounds(0s, 1100ms), GST_FLOW_OK);
    bench.wait_for("0.m3u8", "0-0.ts\n");
    of_one = fs::file_size(path() / "0-0.ts");
  }
  fs::remove_all(path());
  const auto most = 6 * of_one;
  LiveSinkBench bench{quoted("window=60000000000 max-bytes=" + std::to_string(most))};
  auto& audio = bench.add("audio_0");
  for (auto pts = 0ms; pts < 16s; pts += 24ms) {
    bench.set_time(pts);
    EXPECT_EQ(audio.sound(pts), GST_FLOW_OK);
    if (pts % 1008ms == 0ms && pts > 1s) {
      bench.wait_for("0.m3u8", "0-" + std::to_string(pts / 1s - 1) + ".ts\n");
      EXPECT_LE(bytes_in(path()), most + 2 * of_one);  // one is being written, one may just go
    }
  }
  audio.end();
  bench.wait_for("0.m3u8", "#EXT-X-ENDLIST\n");
  const auto listed = read_text(path() / "0.m3u8");
  EXPECT_EQ(listed.find("0-4.ts\n"), std::string::npos) << listed;
  EXPECT_NE(listed.find("0-12.ts\n"), std::string::npos) << listed;
  for (const auto& name : names_in(path())) {
    if (name.ends_with(".ts")) {
      EXPECT_NE(listed.find(name + "\n"), std::string::npos) << name;
    }
  }
  EXPECT_TRUE(bench.messages(GST_MESSAGE_ELEMENT, "hlslivesink-full").empty());
}

TEST_F(HlsLiveSinkStorage, WhatIsKeptForGoodCanOnlyBeTold) {
  const TemporaryDirectory archive;
  LiveSinkBench bench{quoted("max-bytes=20000 archive=" + archive.path().string())};
  EXPECT_EQ(bench.add("audio_0").sounds(0s, 8100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-7.ts\n");
  const auto told = bench.messages(GST_MESSAGE_ELEMENT, "hlslivesink-full");
  ASSERT_EQ(told.size(), 1U) << "once";
  for (int n = 0; n < 8; ++n)
    EXPECT_TRUE(fs::exists(archive.path() / ("0-" + std::to_string(n) + ".ts")));
}

TEST_F(HlsLiveSinkStorage, ADirectoryThatCannotBeMadeIsAnError) {
  fs::create_directories(path().parent_path());
  std::ofstream{path()} << "a file";
  for (const char* property : {"location", "archive"}) {
    LiveSinkBench bench{std::string{property} + "=\"" + path().string() + "\"", GST_STATE_READY};
    EXPECT_EQ(bench.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    const auto errors = bench.errors();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find(path().string()), std::string::npos) << errors[0];
    EXPECT_NE(errors[0].find("create directory"), std::string::npos) << errors[0];
  }
  // Once it can be made, so can the rest.
  fs::remove(path());
  LiveSinkBench bench{quoted()};
  EXPECT_EQ(bench.add("audio_0").sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts");
}

TEST_F(HlsLiveSinkStorage, TwoOfThemDoNotWriteIntoOneDirectory) {
  const LiveSinkBench first{quoted()};
  LiveSinkBench second{quoted(), GST_STATE_READY};
  EXPECT_EQ(second.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(second.errors().size(), 1U);
}

TEST_F(HlsLiveSinkStorage, ADiskThatIsFullMakesGapsOneWarningAndIsWrittenToAgain) {
  const SmallDisk disk{256 << 10};
  if (!disk)
    GTEST_SKIP() << "no tmpfs here";
  LiveSinkBench bench{in_directory(disk.path())};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  EXPECT_EQ(bench.warnings(), Strings{});
  {
    std::ofstream all{disk.path() / "somebody else's", std::ios::binary};
    const std::string block(4096, 'x');
    while (all.write(block.data(), static_cast<std::streamsize>(block.size())).flush())
      continue;
  }
  EXPECT_EQ(audio.sounds(1100ms, 4100ms), GST_FLOW_OK);
  const auto full = bench.wait_for("0.m3u8", "0-3.ts\n");
  EXPECT_EQ(
      LiveSinkBench::lines(full),
      (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXT-X-GAP", "#EXTINF:0.984,", "0-1.ts", "#EXT-X-GAP",
               "#EXTINF:1.008,", "0-2.ts", "#EXT-X-GAP", "#EXTINF:1.008,", "0-3.ts"}));
  EXPECT_TRUE(bench.wait_for_progress("gaps", 3));
  const auto warnings = bench.warnings();
  // Of what failed first, a segment or, if the disk was full before it was written, a playlist; of a second
  // thing only where the first worked again in between.
  EXPECT_GE(warnings.size(), 1U);
  EXPECT_LE(warnings.size(), 2U);
  for (const auto& text : warnings)
    EXPECT_NE(text.find("No space left"), std::string::npos) << text;
  EXPECT_EQ(bench.get("0-1.ts").status, 404U);
  EXPECT_EQ(bench.errors(), Strings{});
  fs::remove(disk.path() / "somebody else's");
  EXPECT_EQ(audio.sounds(4100ms, 6100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-5.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-GAP").size(),
            3U + (text.find("#EXT-X-GAP\n#EXTINF:0.984,\n0-4.ts") != std::string::npos ? 1U : 0U))
      << "one may have been begun when the disk was full";
  EXPECT_EQ(bench.get("0-5.ts").status, 200U);
  audio.end();
  EXPECT_EQ(read_text(disk.path() / "0.m3u8"), bench.get("0.m3u8").data);
  EXPECT_EQ(bench.warnings(), Strings{}) << "it has been said";
}

TEST_F(HlsLiveSinkStorage, AfterARestartNumbersGoOnBehindADiscontinuity) {
  std::string before;
  {
    LiveSinkBench bench{quoted()};
    auto& audio = bench.add("audio_0");
    EXPECT_EQ(audio.sounds(0s, 3100ms), GST_FLOW_OK);
    before = bench.wait_for("0.m3u8", "0-2.ts\n");
    bench.set_state(GST_STATE_NULL);  // no EOS: as when it was killed
    EXPECT_EQ(read_text(path() / "0.m3u8"), before);
  }
  EXPECT_FALSE(fs::exists(path() / "0-3.ts")) << "what was begun is not whole";
  LiveSinkBench bench{quoted()};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(50s, 51100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-3.ts\n");
  EXPECT_EQ(LiveSinkBench::lines(text),
            (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,", "0-1.ts", "#EXTINF:1.008,",
                     "0-2.ts", "#EXT-X-DISCONTINUITY", "#EXTINF:1.008,", "0-3.ts"}));
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-PROGRAM").size(), 4U);
  EXPECT_EQ(bench.get("0-0.ts").status, 200U);
}

TEST_F(HlsLiveSinkStorage, AfterTheEndTheNextOneIsAnotherProgramme) {
  {
    LiveSinkBench bench{quoted()};
    auto& audio = bench.add("audio_0");
    EXPECT_EQ(audio.sounds(0s, 2100ms), GST_FLOW_OK);
    audio.end();
  }
  LiveSinkBench bench{quoted()};
  EXPECT_EQ(bench.add("audio_0").sounds(0s, 1100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-3.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(text, "0-"), Strings{"0-3.ts"}) << "no name is used twice";
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-DISCONTINUITY-SEQUENCE"),
            Strings{"#EXT-X-DISCONTINUITY-SEQUENCE:1"});
}

TEST_F(HlsLiveSinkStorage, WhatIsNoPlaylistOfOursIsWrittenOver) {
  fs::create_directories(path());
  std::ofstream{path() / "0.m3u8"} << "#EXTM3U\nnonsense: \x01\xff";
  LiveSinkBench bench{quoted()};
  EXPECT_EQ(bench.add("audio_0").sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts\n");
}

TEST_F(HlsLiveSinkStorage, ADirectoryThatIsRemovedIsMadeAgain) {
  LiveSinkBench bench{quoted()};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  fs::remove_all(path().parent_path());
  EXPECT_EQ(audio.sounds(1100ms, 4100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-3.ts\n");
  audio.end();
  EXPECT_TRUE(fs::exists(path() / "0-3.ts"));
  EXPECT_EQ(read_text(path() / "0.m3u8"), bench.get("0.m3u8").data);
}

}  // namespace
}  // namespace onair::test
