// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/directory_storage.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "storage/memory_storage.hpp"
#include "support/small_disk.hpp"
#include "support/system_calls.hpp"
#include "support/temporary_directory.hpp"
#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Kind = Storage::Kind;
using Sync = DirectoryStorage::Sync;

std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator{directory})
    files.push_back(entry.path().filename().string());
  return files;
}

class Directory : public testing::Test {
 protected:
  ~Directory() override { system_calls() = {}; }

  [[nodiscard]] const fs::path& path() const { return directory_.path(); }

  static void fail_each(std::string name, int code) {
    system_calls().fault = [name = std::move(name), code](std::string_view call) {
      return call == name ? std::optional{code} : std::nullopt;
    };
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(Directory, IsMadeWithItsParents) {
  DirectoryStorage storage{path() / "a" / "b", Sync::Never};
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("text"))), "");
  EXPECT_THAT(files_in(path() / "a" / "b"), ElementsAre("0.m3u8"));
}

TEST_F(Directory, ThatCannotBeMadeIsNamedInTheErrorAndTriedAgain) {
  std::ofstream{path() / "a"} << "no directory";
  DirectoryStorage storage{path() / "a" / "b", Sync::Never};
  EXPECT_EQ(what_failed(storage.prepare()),
            "cannot create directory " + (path() / "a" / "b").string() + ": Not a directory");
  EXPECT_EQ(code_of(storage.begin("0-1.ts", Kind::Segment)), std::errc::not_a_directory);
  fs::remove(path() / "a");
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "text")), "");
}

TEST_F(Directory, HasNoFileByItsNameBeforeItIsFinished) {
  DirectoryStorage storage{path(), Sync::Never};
  ASSERT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  ASSERT_EQ(what_failed(storage.append("0-1.ts", bytes_of("half"))), "");
  EXPECT_FALSE(fs::exists(path() / "0-1.ts"));
  EXPECT_THAT(std::get<std::vector<std::string>>(storage.names()), IsEmpty());
  ASSERT_EQ(what_failed(storage.finish("0-1.ts")), "");
  EXPECT_THAT(files_in(path()), ElementsAre("0-1.ts"));
  EXPECT_THAT(std::get<std::vector<std::string>>(storage.names()), ElementsAre("0-1.ts"));
}

TEST_F(Directory, IsLeftWithoutUnfinishedFiles) {
  {
    DirectoryStorage storage{path(), Sync::Never};
    ASSERT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
    ASSERT_EQ(what_failed(storage.append("0-1.ts", bytes_of("half"))), "");
  }
  EXPECT_THAT(files_in(path()), IsEmpty());
}

TEST_F(Directory, IsClearedOfAKilledWritersFilesAndOfNothingElse) {
  for (const auto* file :
       {".0-1.ts.onair-growing", ".0.m3u8.onair-new", ".profile", "0-0.ts", "notes.onair-new"})
    std::ofstream{path() / file} << "text";
  DirectoryStorage storage{path(), Sync::Never};
  ASSERT_EQ(what_failed(storage.prepare()), "");
  EXPECT_THAT(files_in(path()), UnorderedElementsAre(".profile", "0-0.ts", "notes.onair-new"));
}

TEST_F(Directory, HasOneWriter) {
  std::optional<DirectoryStorage> first{std::in_place, path(), Sync::Never};
  ASSERT_EQ(what_failed(first->begin("0-1.ts", Kind::Segment)), "");
  DirectoryStorage second{path(), Sync::Never};
  EXPECT_EQ(code_of(second.replace("0.m3u8", bytes_of("text"))),
            std::errc::device_or_resource_busy);
  EXPECT_EQ(what_failed(first->append("0-1.ts", bytes_of("text"))), "");
  EXPECT_EQ(what_failed(first->finish("0-1.ts")), "");
  first.reset();
  EXPECT_EQ(what_failed(second.replace("0.m3u8", bytes_of("text"))), "");
}

TEST_F(Directory, ThatWasRemovedIsMadeAgain) {
  DirectoryStorage storage{path() / "live", Sync::Always};
  ASSERT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  fs::remove_all(path() / "live");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("lost"))), "");
  EXPECT_EQ(code_of(storage.finish("0-1.ts")), std::errc::no_such_file_or_directory);
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("text"))), "");
  EXPECT_EQ(what_failed(write_segment(storage, "0-2.ts", "text")), "");
  EXPECT_THAT(files_in(path() / "live"), UnorderedElementsAre("0.m3u8", "0-2.ts"));
  DirectoryStorage second{path() / "live", Sync::Never};
  EXPECT_EQ(code_of(second.prepare()), std::errc::device_or_resource_busy);
}

TEST_F(Directory, OnADiskThatNeverSyncsIsNotSynced) {
  DirectoryStorage storage{path(), Sync::Never};
  ASSERT_EQ(what_failed(storage.prepare()), "");
  system_calls() = {};
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "text")), "");
  EXPECT_THAT(system_calls().made, ElementsAre("write", "rename"));
}

TEST_F(Directory, HasASegmentOnTheDiskBeforeAnybodyCanListIt) {
  DirectoryStorage storage{path(), Sync::Segments};
  ASSERT_EQ(what_failed(storage.prepare()), "");
  system_calls() = {};
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "text")), "");
  EXPECT_THAT(system_calls().made, ElementsAre("write", "fdatasync", "rename", "fsync"));
  system_calls() = {};
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.0.ts", "text", Kind::Part)), "");
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("text"))), "");
  EXPECT_THAT(system_calls().made, testing::Not(testing::Contains("fdatasync")));
  EXPECT_THAT(system_calls().made, testing::Not(testing::Contains("fsync")));
}

TEST_F(Directory, ThatAlwaysSyncsDoesItForPartsAndPlaylists) {
  DirectoryStorage storage{path(), Sync::Always};
  ASSERT_EQ(what_failed(storage.prepare()), "");
  for (const bool is_part : {true, false}) {
    system_calls() = {};
    EXPECT_EQ(what_failed(is_part ? write_segment(storage, "0-1.0.ts", "text", Kind::Part)
                                  : storage.replace("0.m3u8", bytes_of("text"))),
              "");
    EXPECT_THAT(system_calls().made, ElementsAre("write", "fdatasync", "rename", "fsync"));
  }
}

TEST_F(Directory, TakesWritesThatAreInterruptedOrShort) {
  DirectoryStorage storage{path(), Sync::Never};
  int interruptions = 3;
  system_calls().fault = [&](std::string_view call) {
    return call == "write" && interruptions-- > 0 ? std::optional{EINTR} : std::nullopt;
  };
  system_calls().longest_write = 3;
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "0123456789")), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "0123456789");
}

// What fails, and when: what was there stays, nothing else does, and the next try is a new one.
class FailingDirectory : public Directory,
                         public testing::WithParamInterface<std::pair<const char*, int>> {};

TEST_P(FailingDirectory, KeepsWhatWasThereAndRecovers) {
  const auto [call, code] = GetParam();
  DirectoryStorage storage{path(), Sync::Always};
  ASSERT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("old"))), "");
  ASSERT_EQ(what_failed(write_segment(storage, "0-1.ts", "old")), "");
  fail_each(call, code);
  for (const bool is_segment : {false, true}) {
    const auto failure = is_segment ? write_segment(storage, "0-1.ts", "new")
                                    : storage.replace("0.m3u8", bytes_of("new"));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, (std::error_code{code, std::generic_category()}));
    EXPECT_EQ(failure->name, is_segment ? "0-1.ts" : "0.m3u8");
  }
  EXPECT_EQ(code_of(storage.append("0-1.ts", bytes_of("more"))), std::errc::bad_file_descriptor);
  system_calls() = {};
  EXPECT_THAT(files_in(path()), UnorderedElementsAre("0.m3u8", "0-1.ts"));
  EXPECT_EQ(text_in(storage, "0.m3u8"), "old");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "old");
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("new"))), "");
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "new")), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "new");
}

INSTANTIATE_TEST_SUITE_P(Calls, FailingDirectory,
                         testing::Values(std::pair{"write", ENOSPC}, std::pair{"write", EIO},
                                         std::pair{"write", EDQUOT}, std::pair{"fdatasync", EIO},
                                         std::pair{"rename", EIO}),
                         [](const auto& about) {
                           return std::string{about.param.first} +
                                  (about.param.second == ENOSPC ? "Full"
                                   : about.param.second == EIO  ? "Broken"
                                                                : "OverQuota");
                         });

TEST_F(Directory, SaysThatItsOwnSyncFailedThoughTheFileIsThere) {
  DirectoryStorage storage{path(), Sync::Segments};
  fail_each("fsync", EIO);
  const auto failure = write_segment(storage, "0-1.ts", "whole");
  EXPECT_EQ(what_failed(failure), "cannot sync the directory of 0-1.ts: Input/output error");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "whole");
}

TEST_F(Directory, GivesTheRoomBackWhenAFileGrowsTooLong) {
  struct rlimit old {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit low { 4096, old.rlim_max };
  DirectoryStorage storage{path(), Sync::Never};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  const auto failure = write_segment(storage, "0-1.ts", std::string(5000, 'a'));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(code_of(failure), std::errc::file_too_large);
  EXPECT_THAT(files_in(path()), IsEmpty());
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", std::string(5000, 'a'))), "");
}

TEST(FullDisk, LosesNothingAndTakesAgainWhenThereIsRoom) {
  SmallDisk disk{64 << 10};
  if (!disk)
    GTEST_SKIP() << "no right to mount";
  DirectoryStorage storage{disk.path(), Sync::Segments};
  ASSERT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("old"))), "");
  ASSERT_EQ(what_failed(write_segment(storage, "0-1.ts", std::string(40 << 10, 'a'))), "");
  const auto room = disk.room();
  for (int tries = 0; tries < 3; ++tries) {
    EXPECT_EQ(code_of(write_segment(storage, "0-2.ts", std::string(30 << 10, 'b'))),
              std::errc::no_space_on_device);
    EXPECT_EQ(disk.room(), room);
  }
  EXPECT_EQ(code_of(storage.replace("0.m3u8", bytes_of(std::string(30 << 10, 'n')))),
            std::errc::no_space_on_device);
  EXPECT_EQ(text_in(storage, "0.m3u8"), "old");
  EXPECT_EQ(text_in(storage, "0-1.ts"), std::string(40 << 10, 'a'));
  EXPECT_EQ(what_failed(storage.remove("0-1.ts")), "");
  EXPECT_EQ(what_failed(write_segment(storage, "0-2.ts", std::string(30 << 10, 'b'))), "");
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("new"))), "");
  EXPECT_THAT(files_in(disk.path()), UnorderedElementsAre("0.m3u8", "0-2.ts"));
}

TEST(ReadOnlyDisk, IsAnErrorForAsLongAsItIsReadOnly) {
  SmallDisk disk{64 << 10};
  if (!disk)
    GTEST_SKIP() << "no right to mount";
  DirectoryStorage storage{disk.path() / "live", Sync::Never};
  ASSERT_TRUE(disk.make_read_only(true));
  EXPECT_EQ(code_of(storage.prepare()), std::errc::read_only_file_system);
  ASSERT_TRUE(disk.make_read_only(false));
  ASSERT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("old"))), "");
  ASSERT_TRUE(disk.make_read_only(true));
  EXPECT_EQ(code_of(storage.replace("0.m3u8", bytes_of("new"))), std::errc::read_only_file_system);
  EXPECT_EQ(code_of(storage.begin("0-1.ts", Kind::Segment)), std::errc::read_only_file_system);
  EXPECT_EQ(text_in(storage, "0.m3u8"), "old");
  ASSERT_TRUE(disk.make_read_only(false));
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "text")), "");
}

class Archive : public Directory {
 protected:
  DirectoryStorage live_{path() / "live", Sync::Never};
  DirectoryStorage archive_{path() / "archive", Sync::Segments};
};

TEST_F(Archive, SharesTheFileWithTheLiveDirectory) {
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "text")), "");
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_TRUE(fs::equivalent(path() / "live" / "0-1.ts", path() / "archive" / "0-1.ts"));
  EXPECT_EQ(what_failed(live_.remove("0-1.ts")), "");
  EXPECT_EQ(text_in(archive_, "0-1.ts"), "text");
}

TEST_F(Archive, IsNotChangedByANewLiveFileOfThatName) {
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "old")), "");
  ASSERT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "new")), "");
  EXPECT_EQ(text_in(archive_, "0-1.ts"), "old");
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_EQ(text_in(archive_, "0-1.ts"), "new");
}

TEST_F(Archive, HasNoDroppingsWhenAskedTwice) {
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "text")), "");
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_THAT(files_in(path() / "archive"), ElementsAre("0-1.ts"));
}

TEST_F(Archive, SyncsWhatTheLiveDirectoryDidNot) {
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "text")), "");
  ASSERT_EQ(what_failed(archive_.prepare()), "");
  system_calls() = {};
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_THAT(system_calls().made,
              ElementsAre("unlink", "link", "fdatasync", "rename", "fsync", "unlink"));
}

TEST_F(Archive, IsACopyWhereThereAreNoLinks) {
  ASSERT_EQ(what_failed(write_segment(live_, "0-1.ts", "text")), "");
  fail_each("link", EPERM);
  EXPECT_EQ(what_failed(archive_.keep(live_, "0-1.ts")), "");
  EXPECT_FALSE(fs::equivalent(path() / "live" / "0-1.ts", path() / "archive" / "0-1.ts"));
  EXPECT_EQ(text_in(archive_, "0-1.ts"), "text");
}

TEST_F(Archive, TakesFromMemoryToo) {
  MemoryStorage memory;
  ASSERT_EQ(what_failed(memory.begin("0-1.ts", Kind::Segment)), "");
  ASSERT_EQ(what_failed(memory.append("0-1.ts", bytes_of("te"))), "");
  EXPECT_EQ(code_of(archive_.keep(memory, "0-1.ts")), std::errc::resource_unavailable_try_again);
  ASSERT_EQ(what_failed(memory.append("0-1.ts", bytes_of("xt"))), "");
  ASSERT_EQ(what_failed(memory.finish("0-1.ts")), "");
  EXPECT_EQ(what_failed(archive_.keep(memory, "0-1.ts")), "");
  EXPECT_EQ(text_in(archive_, "0-1.ts"), "text");
  EXPECT_EQ(code_of(archive_.keep(memory, "0-2.ts")), std::errc::no_such_file_or_directory);
}

TEST_F(Archive, AddsToWhatIsWholeOnly) {
  ASSERT_EQ(what_failed(archive_.replace("0.m3u8", bytes_of("one\n"))), "");
  EXPECT_EQ(what_failed(archive_.extend("0.m3u8", bytes_of("two\n"))), "");
  EXPECT_EQ(text_in(archive_, "0.m3u8"), "one\ntwo\n");
  ASSERT_EQ(what_failed(archive_.begin("0-1.ts", Kind::Segment)), "");
  for (const auto* name : {"0-1.ts", "1.m3u8"})
    EXPECT_EQ(code_of(archive_.extend(name, bytes_of("more"))),
              std::errc::no_such_file_or_directory);
  EXPECT_EQ(code_of(archive_.extend("../0.m3u8", bytes_of("more"))), std::errc::invalid_argument);
}

TEST_F(Archive, TakesBackWhatItCouldNotAddWhole) {
  DirectoryStorage archive{path(), Sync::Always};
  ASSERT_EQ(what_failed(archive.replace("0.m3u8", bytes_of("one\n"))), "");
  for (const std::pair<std::string_view, int> fault :
       {std::pair{"write", ENOSPC}, {"fdatasync", EIO}}) {
    system_calls().longest_write = 2;
    int calls = 0;
    system_calls().fault = [&](std::string_view call) {
      return call == fault.first && (call != "write" || ++calls > 1) ? std::optional{fault.second}
                                                                     : std::nullopt;
    };
    const auto failure = archive.extend("0.m3u8", bytes_of("two\n"));
    system_calls() = {};
    EXPECT_EQ(code_of(failure), (std::error_code{fault.second, std::generic_category()}));
    EXPECT_EQ(text_in(archive, "0.m3u8"), "one\n");
  }
}

TEST(ArchiveOnAFullDisk, LeavesTheLiveDirectoryAlone) {
  SmallDisk disk{16 << 10};
  if (!disk)
    GTEST_SKIP() << "no right to mount";
  TemporaryDirectory directory;
  DirectoryStorage live{directory.path(), Sync::Never};
  DirectoryStorage archive{disk.path(), Sync::Segments};
  const std::string text(10 << 10, 'a');
  ASSERT_EQ(what_failed(write_segment(live, "0-1.ts", text)), "");
  ASSERT_EQ(what_failed(write_segment(live, "0-2.ts", text)), "");
  EXPECT_EQ(what_failed(archive.keep(live, "0-1.ts")), "");
  EXPECT_EQ(code_of(archive.keep(live, "0-2.ts")), std::errc::no_space_on_device);
  EXPECT_EQ(text_in(live, "0-2.ts"), text);
  EXPECT_THAT(files_in(disk.path()), ElementsAre("0-1.ts"));
  EXPECT_EQ(text_in(archive, "0-1.ts"), text);
}

}  // namespace
}  // namespace onair::test
