// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_store.hpp"

#include <fstream>
#include <iterator>

#include <glib.h>
#include <gtest/gtest.h>

#include "glue/gstptr.hpp"
#include "server/archive_copy.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

constexpr const char* kEnded =
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0-0.ts\n#EXT-X-ENDLIST\n";

// A folder of one segment, and a root that archives may be copied to.
class ArchiveStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    const onair::GMemory<char> made{g_dir_make_tmp("onair-archive-XXXXXX", nullptr)};
    folder = fs::canonical(made.get());
    for (const char* name : {"from", "root", "elsewhere"})
      fs::create_directory(folder / name);
    write(folder / "from/0-0.ts", std::string(3'000'000, 'x'));
    write(folder / "from/0.m3u8", kEnded);
    write(folder / "from/master.m3u8", "#EXTM3U\n0.m3u8\n");
  }
  void TearDown() override { fs::remove_all(folder); }

  [[nodiscard]] ArchiveDestination destination(const std::string& path) const {
    return {.id = "d1", .bucket_uri = "file://" + (folder / path).string()};
  }

  [[nodiscard]] std::string open(const std::string& path) {
    auto opened = open_archive_store(destination(path), "c1", (folder / "root").string(), stops);
    if (auto* why = std::get_if<std::string>(&opened))
      return *why;
    store = std::get<std::unique_ptr<ArchiveStore>>(std::move(opened));
    return {};
  }

  // Runs a copy to its end.
  std::string copy(const std::string& path, ArchiveRecord::Progress& progress) {
    std::optional<std::string> end;
    ArchiveCopy copy{{.folder = (folder / "from").string(),
                      .name = "c1",
                      .destination = destination(path),
                      .root = (folder / "root").string(),
                      .progress = progress},
                     [&](const std::string& why) { end = why; }};
    while (!end)
      g_main_context_iteration(nullptr, TRUE);
    progress = copy.progress();
    return *end;
  }

  fs::path folder;
  std::atomic<bool> stops{false};
  std::unique_ptr<ArchiveStore> store;
};

TEST_F(ArchiveStoreTest, AFileIsWholeOrNotThere) {
  ASSERT_EQ(open("root/a"), "");
  EXPECT_EQ(store->put("0-0.ts", folder / "from/0-0.ts"), "");
  EXPECT_EQ(read(folder / "root/a/c1/0-0.ts"), read(folder / "from/0-0.ts"));
  stops = true;
  EXPECT_NE(store->put("0-1.ts", folder / "from/0-0.ts"), "");
  stops = false;
  EXPECT_NE(store->put("0-2.ts", folder / "from/nothing"), "");
  EXPECT_EQ(file_names((folder / "root/a/c1").string()), std::vector<std::string>{"0-0.ts"});
}

TEST_F(ArchiveStoreTest, WhatIsThereIsReplaced) {
  ASSERT_EQ(open("root"), "");
  EXPECT_EQ(store->put("0.m3u8", folder / "from/master.m3u8"), "");
  EXPECT_EQ(store->put("0.m3u8", folder / "from/0.m3u8"), "");
  EXPECT_EQ(read(folder / "root/c1/0.m3u8"), kEnded);
}

TEST_F(ArchiveStoreTest, NothingIsWrittenElsewhere) {
  fs::create_directory_symlink(folder / "elsewhere", folder / "root/link");
  fs::create_directory(folder / "rooted");
  for (const char* wrong : {"elsewhere", "root/link", "rooted", "."})
    EXPECT_NE(open(wrong), "") << wrong;
  EXPECT_TRUE(fs::is_empty(folder / "elsewhere"));
  EXPECT_TRUE(is_below(folder / "root/x/y", folder / "root/"));
  EXPECT_TRUE(is_below(folder / "root", folder / "root"));
  EXPECT_FALSE(is_below(folder / "root/../elsewhere", folder / "root"));
  EXPECT_FALSE(is_below(folder, folder / "root"));
}

TEST_F(ArchiveStoreTest, AnArchiveIsCopiedAndCounted) {
  ArchiveRecord::Progress progress;
  EXPECT_EQ(copy("root", progress), "");
  const auto bytes = 3'000'000 + std::string{kEnded}.size() + 15;
  EXPECT_EQ(progress, (ArchiveRecord::Progress{
                          .files = 3, .files_copied = 3, .bytes = bytes, .bytes_copied = bytes}));
  EXPECT_EQ(file_names((folder / "root/c1").string()).size(), 3U);
}

TEST_F(ArchiveStoreTest, WhatHasBeenCopiedIsNotCopiedAgain) {
  ArchiveRecord::Progress progress;
  fs::create_directories(folder / "root/c1/0.m3u8/taken");  // in the way of the playlist
  EXPECT_NE(copy("root", progress), "");
  EXPECT_EQ(progress.files_copied, 1U);
  EXPECT_FALSE(fs::exists(folder / "root/c1/master.m3u8"));
  fs::remove_all(folder / "root/c1/0.m3u8");
  fs::remove(folder / "root/c1/0-0.ts");
  EXPECT_EQ(copy("root", progress), "");
  EXPECT_EQ(progress.bytes_copied, progress.bytes);
  EXPECT_FALSE(fs::exists(folder / "root/c1/0-0.ts"));
  // Another archive than it was: all of it.
  write(folder / "from/0-1.ts", "more");
  EXPECT_EQ(copy("root", progress), "");
  EXPECT_EQ(file_names((folder / "root/c1").string()).size(), 4U);
}

TEST_F(ArchiveStoreTest, TheArchiveOfAKilledWriterIsFinished) {
  write(folder / "from/0.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0-0.ts\n#EXTI");
  ArchiveRecord::Progress progress;
  EXPECT_EQ(copy("root", progress), "");
  EXPECT_EQ(read(folder / "root/c1/0.m3u8"), kEnded);
}

TEST_F(ArchiveStoreTest, AnEmptyArchiveIsTold) {
  EXPECT_TRUE(holds_segments((folder / "from").string()));
  fs::remove(folder / "from/0-0.ts");
  ArchiveRecord::Progress progress;
  EXPECT_FALSE(holds_segments((folder / "from").string()));
  EXPECT_FALSE(holds_segments((folder / "nowhere").string()));
  EXPECT_NE(copy("root", progress), "");
  EXPECT_EQ(progress, ArchiveRecord::Progress{});
}

TEST_F(ArchiveStoreTest, ABucketThatNobodyServesIsTold) {
  const ArchiveDestination bucket{.id = "d1",
                                  .bucket_uri = "s3://talks",
                                  .endpoint_url = "http://127.0.0.1:1",
                                  .aws_region = "us-east-1",
                                  .aws_access_key_id = "a",
                                  .aws_secret_access_key = "kept-secret"};
  auto opened = open_archive_store(bucket, "c1", "", stops);
  const auto why =
      std::get<std::unique_ptr<ArchiveStore>>(opened)->put("0-0.ts", folder / "from/0-0.ts");
  EXPECT_EQ(why.find("http://127.0.0.1:1/talks/c1/0-0.ts: "), 0U) << why;
  EXPECT_EQ(why.find("kept-secret"), std::string::npos) << why;
  EXPECT_EQ(archive_location(bucket, "c1"), "s3://talks/c1/");
}

}  // namespace
}  // namespace live
