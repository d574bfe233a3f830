// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel has its news ready when a call that changes something returns, so nothing here waits.
#include "storage/directory_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "storage/directory_storage.hpp"
#include "support/temporary_directory.hpp"

namespace onair {

void PrintTo(const DirectoryWatch::Change& change, std::ostream* out) {
  *out << '"' << change.folder << '/' << change.name << '"';
}

namespace test {
namespace {

namespace fs = std::filesystem;
using Change = DirectoryWatch::Change;
using Changes = std::vector<Change>;

class DirectoryWatchTest : public testing::Test {
 protected:
  DirectoryWatchTest() { EXPECT_FALSE(watch_.begin()); }

  [[nodiscard]] fs::path above() const { return directory_.path() / "srv" / "here"; }
  [[nodiscard]] fs::path path() const { return above() / "live"; }
  void write(const fs::path& file) {
    std::ofstream{file.string() + ".new"} << "text";
    fs::rename(file.string() + ".new", file);
  }
  // Each once, without what is being written.
  Changes take() {
    Changes changes;
    for (const auto& change : watch_.take())
      if (!change.name.ends_with(".new") &&
          std::find(changes.begin(), changes.end(), change) == changes.end())
        changes.push_back(change);
    return changes;
  }
  bool has_news() {
    pollfd waits{.fd = watch_.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&waits, 1, 0) == 1;
  }
  // Whether it is watched: what is written into the folder is told.
  bool is_watched(const std::string& folder) {
    write(path() / folder / "probe");
    const auto changes = take();
    return std::find(changes.begin(), changes.end(), Change{folder, "probe"}) != changes.end();
  }

  TemporaryDirectory directory_;
  DirectoryWatch watch_{path() / "." / ""};
};

TEST_F(DirectoryWatchTest, TellsWhatIsThereAndThenOnlyNews) {
  fs::create_directories(path() / "one");
  EXPECT_EQ(take(), (Changes{{"one", ""}, {"", ""}}));
  EXPECT_FALSE(has_news());
  EXPECT_EQ(take(), Changes{});
  write(path() / "0.m3u8");
  EXPECT_TRUE(has_news());
  EXPECT_EQ(take(), (Changes{{"", "0.m3u8"}}));
  write(path() / "one" / "0.m3u8");
  EXPECT_EQ(take(), (Changes{{"one", "0.m3u8"}}));
  fs::remove(path() / "one" / "0.m3u8");
  EXPECT_EQ(take(), (Changes{{"one", "0.m3u8"}}));
}

TEST_F(DirectoryWatchTest, AFileIsNewsHoweverItCame) {
  fs::create_directories(path());
  take();
  std::ofstream{path() / "written"} << "in place";
  fs::create_hard_link(path() / "written", path() / "linked");
  EXPECT_EQ(take(), (Changes{{"", "written"}, {"", "linked"}}));
  std::ofstream{path() / "written"} << "again";
  EXPECT_EQ(take(), (Changes{{"", "written"}}));
  fs::rename(path() / "written", above() / "written");
  EXPECT_EQ(take(), (Changes{{"", "written"}}));
}

TEST_F(DirectoryWatchTest, ItsOrderIsTheWriters) {
  DirectoryStorage storage{path(), DirectoryStorage::Sync::Never};
  ASSERT_FALSE(storage.prepare());
  take();
  ASSERT_FALSE(storage.begin("0-1.0.ts", Storage::Kind::Part));
  ASSERT_FALSE(storage.append("0-1.0.ts", bytes_of("part")));
  ASSERT_FALSE(storage.finish("0-1.0.ts"));
  ASSERT_FALSE(storage.replace("0.m3u8", bytes_of("text")));
  auto changes = take();
  std::erase_if(changes, [](const Change& change) { return change.name.starts_with('.'); });
  EXPECT_EQ(changes, (Changes{{"", "0-1.0.ts"}, {"", "0.m3u8"}}));
}

TEST_F(DirectoryWatchTest, FoldersComeAndGo) {
  fs::create_directories(path());
  take();
  fs::create_directory(path() / "one");
  EXPECT_EQ(take(), (Changes{{"one", ""}}));
  EXPECT_TRUE(is_watched("one"));
  fs::rename(path() / "one", path() / "two");
  EXPECT_EQ(take(), (Changes{{"one", ""}, {"two", ""}}));
  EXPECT_TRUE(is_watched("two"));
  fs::remove_all(path() / "two");
  const auto gone = take();
  ASSERT_FALSE(gone.empty());
  EXPECT_EQ(gone.back(), (Change{"two", ""}));
  fs::create_directory(path() / "two");
  EXPECT_EQ(take(), (Changes{{"two", ""}}));
  EXPECT_TRUE(is_watched("two"));
}

TEST_F(DirectoryWatchTest, AFolderThatTakesAnothersPlaceIsWatched) {
  fs::create_directories(path() / "one");
  fs::create_directories(above() / "other");
  take();
  fs::rename(path() / "one", above() / "former");
  fs::rename(above() / "other", path() / "one");
  EXPECT_EQ(take(), (Changes{{"one", ""}}));
  EXPECT_TRUE(is_watched("one"));
  std::ofstream{above() / "former" / "late"} << "text";
  EXPECT_EQ(take(), Changes{});
}

TEST_F(DirectoryWatchTest, AFolderMadeAndWrittenAtOnceIsToldOfWhenItIsSeen) {
  fs::create_directories(path());
  take();
  fs::create_directory(path() / "one");
  write(path() / "one" / "0.m3u8");
  EXPECT_EQ(take(), (Changes{{"one", ""}})) << "whatever is in it";
}

TEST_F(DirectoryWatchTest, TheDirectoryMayComeLate) {
  EXPECT_EQ(take(), (Changes{{"", ""}}));
  fs::create_directory(directory_.path() / "other");
  EXPECT_EQ(take(), Changes{});
  fs::create_directories(path() / "one");  // all at once, and in front of the watch
  EXPECT_EQ(take(), (Changes{{"one", ""}, {"", ""}}));
  EXPECT_TRUE(is_watched("one"));
  EXPECT_TRUE(is_watched(""));
}

TEST_F(DirectoryWatchTest, TheDirectoryMayBeDeletedAndMadeAnew) {
  fs::create_directories(path() / "one");
  take();
  for (const auto& root : {path(), directory_.path() / "srv"}) {
    fs::remove_all(root);
    auto gone = take();
    EXPECT_NE(std::find(gone.begin(), gone.end(), Change{"one", ""}), gone.end());
    EXPECT_NE(std::find(gone.begin(), gone.end(), Change{"", ""}), gone.end());
    fs::create_directories(path() / "one");
    EXPECT_EQ(take(), (Changes{{"one", ""}, {"", ""}}));
    EXPECT_TRUE(is_watched("one"));
  }
}

// A writer that is claiming it, or a shell that stands in it.
TEST_F(DirectoryWatchTest, ADirectoryThatSomebodyHoldsOpenIsGoneAllTheSame) {
  fs::create_directories(path());
  take();
  DirectoryStorage holder{path(), DirectoryStorage::Sync::Never};
  ASSERT_FALSE(holder.prepare());
  fs::remove(path());
  EXPECT_EQ(take(), (Changes{{"", ""}}));
  fs::create_directories(path());
  EXPECT_EQ(take(), (Changes{{"", ""}}));
  EXPECT_TRUE(is_watched(""));
}

TEST_F(DirectoryWatchTest, AnotherDirectoryMayTakeThePlaceOfOneAboveIt) {
  fs::create_directories(path() / "one");
  take();
  fs::rename(directory_.path() / "srv", directory_.path() / "former");
  fs::create_directories(path() / "two");
  EXPECT_EQ(take(), (Changes{{"two", ""}, {"", ""}, {"one", ""}}));
  EXPECT_TRUE(is_watched("two"));
}

TEST_F(DirectoryWatchTest, LinksAndHiddenFoldersAreNone) {
  fs::create_directories(path() / ".hidden");
  fs::create_directories(directory_.path() / "elsewhere");
  fs::create_directory_symlink(directory_.path() / "elsewhere", path() / "link");
  EXPECT_EQ(take(), (Changes{{"", ""}}));
  fs::create_directory_symlink(directory_.path() / "elsewhere", path() / "late");
  take();
  std::ofstream{path() / ".hidden" / "a"} << "text";
  std::ofstream{directory_.path() / "elsewhere" / "a"} << "text";
  EXPECT_EQ(take(), Changes{});
  EXPECT_TRUE(watch_.take_problems().empty());
}

// More news than the kernel keeps (fs.inotify.max_queued_events).
TEST_F(DirectoryWatchTest, WhatWasLostIsAnythingThatMayBe) {
  fs::create_directories(path() / "one");
  take();
  std::size_t most = 0;
  std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> most;
  ASSERT_GT(most, 0U);
  if (most > 100'000)
    GTEST_SKIP() << "it would take long";
  std::ofstream{path() / "a"} << "text";
  for (std::size_t n = 0; n <= most; ++n)  // not two that are alike: they would be one
    fs::rename(path() / (n % 2 ? "b" : "a"), path() / (n % 2 ? "a" : "b"));
  const auto changes = take();
  EXPECT_NE(std::find(changes.begin(), changes.end(), Change{"one", ""}), changes.end());
  EXPECT_NE(std::find(changes.begin(), changes.end(), Change{"", ""}), changes.end());
  EXPECT_TRUE(is_watched("one"));
}

}  // namespace
}  // namespace test
}  // namespace onair
