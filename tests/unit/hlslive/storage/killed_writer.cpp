// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 at every call that changes a file, and at seeded instants: what a playlist lists is whole,
// and a new writer goes on with the numbering.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/directory_storage.hpp"
#include "storage/published_playlist.hpp"
#include "support/system_calls.hpp"
#include "support/temporary_directory.hpp"
#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;

using Kind = Storage::Kind;
using Sync = DirectoryStorage::Sync;

constexpr std::uint64_t kWindow = 3;
constexpr int kPieces = 3;

std::string segment_name(std::uint64_t sequence) {
  return "0-" + std::to_string(sequence) + ".ts";
}

// Each piece says which it is, and so a segment that is not whole shows.
std::string piece_of(std::uint64_t sequence, int piece) {
  return std::to_string(sequence) + '.' + std::to_string(piece) +
         std::string(1000 + sequence % 100, '-') + '\n';
}

std::string segment_of(std::uint64_t sequence) {
  std::string text;
  for (int piece = 0; piece < kPieces; ++piece)
    text += piece_of(sequence, piece);
  return text;
}

std::string playlist_of(std::uint64_t first, std::uint64_t end) {
  auto text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:" +
              std::to_string(first) + '\n';
  for (auto sequence = first; sequence < end; ++sequence)
    text += "#EXTINF:1,\n" + segment_name(sequence) + '\n';
  return text;
}

PublishedPlaylist playlist_in(const Storage& storage) {
  if (!is_there(storage, "0.m3u8"))
    return {};
  const auto parsed = parse_published_playlist(text_in(storage, "0.m3u8"));
  if (const auto* error = std::get_if<PlaylistSyntaxError>(&parsed)) {
    ADD_FAILURE() << to_text(*error);
    return {};
  }
  return std::get<PublishedPlaylist>(parsed);
}

class KilledWriter : public testing::Test {
 protected:
  ~KilledWriter() override { system_calls() = {}; }

  // In a process of its own, which ends at the first failure.
  void write(std::uint64_t segments) const {
    DirectoryStorage live{live_path(), Sync::Segments};
    DirectoryStorage archive{archive_path(), Sync::Never};
    const auto need = [](const Storage::Failure& failure) {
      if (failure)
        ::_exit(2);
    };
    need(live.prepare());
    const auto published = playlist_in(live);
    auto first = published.media_sequence;
    auto end = published.next_media_sequence();
    const auto names = std::get<std::vector<std::string>>(live.names());
    for (const auto& name : names) {
      if (name != "0.m3u8" &&
          std::none_of(published.segments.begin(), published.segments.end(),
                       [&](const auto& segment) { return segment.uri == name; }))
        need(live.remove(name));
    }
    for (; segments > 0; --segments, ++end) {
      const auto name = segment_name(end);
      need(live.begin(name, Kind::Segment));
      for (int piece = 0; piece < kPieces; ++piece)
        need(live.append(name, bytes_of(piece_of(end, piece))));
      need(live.finish(name));
      need(archive.keep(live, name));
      const auto removed = first;
      first = std::max(first, end + 1 - std::min(end + 1, kWindow));
      need(live.replace("0.m3u8", bytes_of(playlist_of(first, end + 1))));
      for (auto sequence = removed; sequence < first; ++sequence)
        need(live.remove(segment_name(sequence)));
    }
  }

  // Of a writer that has ended in whatever way.
  void expect_whole() {
    {
      DirectoryStorage archive{archive_path(), Sync::Never};
      ASSERT_EQ(what_failed(archive.prepare()), "");
      const auto names = std::get<std::vector<std::string>>(archive.names());
      for (const auto& name : names)
        EXPECT_EQ(text_in(archive, name), segment_of(std::stoull(name.substr(2))));
    }
    DirectoryStorage live{live_path(), Sync::Never};
    const auto before = playlist_in(live);
    for (std::size_t i = 0; i < before.segments.size(); ++i) {
      const auto sequence = before.media_sequence + i;
      EXPECT_EQ(before.segments[i].uri, segment_name(sequence));
      EXPECT_EQ(text_in(live, before.segments[i].uri), segment_of(sequence));
    }
    EXPECT_GE(before.next_media_sequence(), reached_) << "the numbering went back";
    reached_ = before.next_media_sequence();
    ASSERT_EQ(what_failed(live.prepare()), "");
    for (const auto& entry : fs::directory_iterator{live_path()})
      EXPECT_TRUE(is_resource_name(entry.path().filename().string())) << entry.path();
    // The playlist, what was being added, and what was being removed.
    EXPECT_LE(std::get<std::vector<std::string>>(live.names()).size(), kWindow + 3);
  }

  [[nodiscard]] std::uint64_t reached() const { return reached_; }

 private:
  [[nodiscard]] fs::path live_path() const { return directory_.path() / "live"; }
  [[nodiscard]] fs::path archive_path() const { return directory_.path() / "archive"; }

  TemporaryDirectory directory_;
  std::uint64_t reached_ = 0;
};

TEST_F(KilledWriter, LeavesWholeSegmentsWhereverItStopped) {
  bool was_killed = true;
  std::size_t call = 0;
  for (; was_killed; ++call) {
    SCOPED_TRACE("killed before call " + std::to_string(call));
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      system_calls() = {.killed_before = call};
      write(2);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    was_killed = WIFSIGNALED(status);
    ASSERT_TRUE(was_killed ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0) << status;
    expect_whole();
    ASSERT_FALSE(HasFailure());
  }
  // Ten or more for each segment.
  EXPECT_GT(call, 20U);
  EXPECT_GT(reached(), 10U);
}

TEST_F(KilledWriter, LeavesWholeSegmentsAtAnyInstant) {
  constexpr std::uint32_t kSeed = 20260731;
  std::mt19937 random{kSeed};
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int round = 0; round < 20; ++round) {
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      write(1'000'000);
      ::_exit(0);
    }
    // Real time is what makes the instant.
    const timespec while_it_writes{0, static_cast<long>(random() % 20'000'000)};
    ::nanosleep(&while_it_writes, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    expect_whole();
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  EXPECT_GT(reached(), 0U);
}

}  // namespace
}  // namespace onair::test
