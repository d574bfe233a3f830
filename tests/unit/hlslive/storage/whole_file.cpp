// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/whole_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <variant>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_directory.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;

class WholeFileTest : public testing::Test {
 protected:
  WholeFileTest() { fs::create_directories(path() / "one"); }

  [[nodiscard]] fs::path path() const { return directory_.path() / "live"; }
  void write(const fs::path& file, const std::string& text) { std::ofstream{file} << text; }
  WholeFilePtr read(const std::string& folder, const std::string& name,
                    const WholeFilePtr& known = {}) {
    const auto read = read_whole_file(path(), folder, name, known);
    const auto* file = std::get_if<WholeFilePtr>(&read);
    return file ? *file : nullptr;
  }
  std::error_code error(const std::string& folder, const std::string& name) {
    const auto read = read_whole_file(path(), folder, name);
    const auto* code = std::get_if<std::error_code>(&read);
    return code ? *code : std::error_code{};
  }

  TemporaryDirectory directory_;
};

TEST_F(WholeFileTest, IsReadFromTheDirectoryOrAFolderInIt) {
  write(path() / "a", "above");
  write(path() / "one" / "a", "");
  EXPECT_EQ(read("", "a")->bytes, "above");
  EXPECT_EQ(read("one", "a")->bytes, "");
  EXPECT_EQ(error("one", "b"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(error("two", "a"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(error("a", "a"), std::errc::no_such_file_or_directory);
}

TEST_F(WholeFileTest, IsTheOneThatIsKnownUntilAnotherTakesItsPlace) {
  write(path() / "a", "first");
  const auto first = read("", "a");
  EXPECT_EQ(read("", "a", first), first);
  write(path() / "b", "again");
  fs::rename(path() / "b", path() / "a");
  const auto second = read("", "a", first);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->bytes, "again");
  EXPECT_EQ(first->bytes, "first") << "whoever sends it is not disturbed";
}

TEST_F(WholeFileTest, NoLinkLeadsOutOfTheDirectory) {
  write(directory_.path() / "secret", "secret");
  fs::create_directory(directory_.path() / "elsewhere");
  write(directory_.path() / "elsewhere" / "a", "secret");
  fs::create_symlink("../secret", path() / "a");
  fs::create_symlink("../../secret", path() / "one" / "a");
  fs::create_directory_symlink("../elsewhere", path() / "two");
  for (const auto* folder : {"", "one", "two"})
    EXPECT_EQ(error(folder, "a"), std::errc::no_such_file_or_directory) << folder;
}

TEST_F(WholeFileTest, WhatIsNoFileIsNone) {
  ASSERT_EQ(::mkfifo((path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(error("", "pipe"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(error("", "one"), std::errc::no_such_file_or_directory);
}

TEST_F(WholeFileTest, OneThatIsTooLongIsNotRead) {
  write(path() / "a", "x");
  fs::resize_file(path() / "a", kLongestFile + 1);
  EXPECT_EQ(error("", "a"), std::errc::file_too_large);
}

// ---- the cache

WholeFilePtr file_of(std::size_t size) {
  return std::make_shared<const WholeFile>(WholeFile{.bytes = std::string(size, 'x')});
}

TEST(FileCache, KeepsWhatWasAskedForLast) {
  FileCache cache{10};
  for (const auto* name : {"a", "b"})
    cache.keep(name, file_of(5));
  EXPECT_TRUE(cache.find("a"));
  cache.keep("c", file_of(1));
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("a"));
  EXPECT_TRUE(cache.find("c"));
  EXPECT_EQ(cache.bytes_held(), 6U);
}

TEST(FileCache, OneNameIsOneFile) {
  FileCache cache{10};
  cache.keep("a", file_of(10));
  cache.keep("a", file_of(9));
  EXPECT_EQ(cache.find("a")->bytes.size(), 9U);
  EXPECT_EQ(cache.bytes_held(), 9U);
  cache.forget("a");
  cache.forget("a");
  EXPECT_FALSE(cache.find("a"));
  EXPECT_EQ(cache.bytes_held(), 0U);
}

TEST(FileCache, WhatIsTooLargeIsNotKept) {
  FileCache cache{10};
  cache.keep("a", file_of(11));
  EXPECT_FALSE(cache.find("a"));
  EXPECT_EQ(cache.bytes_held(), 0U);
  FileCache none{0};
  none.keep("a", file_of(1));
  EXPECT_FALSE(none.find("a"));
}

}  // namespace
}  // namespace onair::test
