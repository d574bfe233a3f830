// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of a whole pipeline, at seeded instants, over and over in one directory: what a playlist lists is
// whole, no name is ever used for something else, and the next process goes on with the numbers.
//   KILL_ROUNDS=100 KILL_SEED=7 for more of it, and for other instants
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_name.hpp"
#include "iso_boxes.hpp"
#include "patience.hpp"
#include "storage/published_playlist.hpp"
#include "temporary_directory.hpp"
#include "transport_stream.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// lamemp3enc: 128 kbit/s, 1152 samples at 48 kHz.
constexpr std::size_t kSoundFrame = 384;
constexpr Duration kSoundDuration = 24ms;
constexpr Duration kTick{11'112};  // of 90 kHz, rounded up
constexpr const char* kRenditions[] = {"0", "1"};

std::uint64_t from_environment(const char* name, std::uint64_t usual) {
  const auto* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : usual;
}

std::string read(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct Case {
  std::string name;
  std::string properties;
  bool is_event = false;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

// A live_writer, which says when it has written a segment.
class Writer {
 public:
  Writer(const std::string& properties, int pictures) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string words[] = {LIVE_WRITER, properties, std::to_string(pictures)};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    EXPECT_EQ(::posix_spawn(&process_, LIVE_WRITER, &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    if (process_ > 0)
      kill();
    ::close(output_);
  }

  // Whether it wrote so many, and did not end before.
  bool wait_for(std::size_t segments) {
    for (char byte = 0; segments > 0; --segments) {
      pollfd waits{.fd = output_, .events = POLLIN, .revents = 0};
      if (::poll(&waits, 1, std::chrono::milliseconds{kPatience}.count()) != 1 ||
          ::read(output_, &byte, 1) != 1)
        return false;
    }
    return true;
  }
  // Real time is what makes the instant.
  void wait_for(std::chrono::microseconds while_it_writes) const {
    ::usleep(static_cast<useconds_t>(while_it_writes.count()));
  }
  // Whether it was still at it.
  bool kill() {
    ::kill(process_, SIGKILL);
    const auto status = wait();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    process_ = -1;
    return status;
  }

 private:
  pid_t process_ = -1;
  int output_ = -1;
};

class KilledSink : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] const fs::path& path() const { return directory_.path(); }
  [[nodiscard]] fs::path playlist_path(const std::string& rendition) const {
    return path() / (rendition + ".m3u8");
  }
  [[nodiscard]] std::string properties() const {
    return GetParam().properties + " location=" + path().string();
  }

  std::map<std::string, PublishedPlaylist> playlists() {
    std::map<std::string, PublishedPlaylist> found;
    for (const auto* rendition : kRenditions) {
      if (!fs::exists(playlist_path(rendition)))
        continue;
      auto parsed = parse_published_playlist(read(playlist_path(rendition)));
      if (const auto* error = std::get_if<PlaylistSyntaxError>(&parsed))
        ADD_FAILURE() << to_text(*error);
      else
        found.emplace(rendition, std::get<PublishedPlaylist>(std::move(parsed)));
    }
    return found;
  }

  // As if what has been written so far had been written long ago.
  void let_time_pass() {
    old_.clear();
    for (const auto& entry : fs::directory_iterator{path()}) {
      old_.insert(entry.path().filename().string());
      fs::last_write_time(entry, fs::file_time_type::clock::now() - 1h);
    }
    listed_.clear();
    for (const auto& [rendition, playlist] : playlists())
      for (const auto& segment : playlist.segments) {
        if (!segment.is_gap)
          listed_.insert(segment.uri);
        listed_.insert(segment.map.value_or(""));
      }
  }

  // Of the files that lay there before, what no playlist lists is gone; nothing else is. The newest of a
  // rendition may stay, as its number must not be given again.
  void expect_cleared() {
    std::map<std::string, std::uint64_t> newest;
    for (const auto& name : old_)
      if (const auto file = parse_file_name(name)) {
        auto& number = newest[std::string{file->rendition}];
        number = std::max(number, file->number);
      }
    for (const auto& name : old_) {
      const auto file = parse_file_name(name);
      const bool is_there =
          fs::exists(path() / name) &&
          fs::last_write_time(path() / name) < fs::file_time_type::clock::now() - 30min;
      if (listed_.contains(name)) {
        EXPECT_TRUE(is_there) << name;
      } else if (file || name.starts_with('.')) {
        EXPECT_FALSE(is_there && !(file && file->number == newest[std::string{file->rendition}]))
            << name;
      } else if (!name.ends_with(".m3u8")) {
        EXPECT_TRUE(is_there) << name;
      }
    }
  }

  void expect_no_name_used_twice() {
    for (const auto& entry : fs::directory_iterator{path()}) {
      const auto name = entry.path().filename().string();
      if (!parse_file_name(name))
        continue;
      const auto bytes = read(entry.path());
      const auto [known, is_new] = contents_.try_emplace(name, bytes);
      EXPECT_TRUE(is_new || known->second == bytes) << name << " is another one now";
    }
  }

  void expect_whole(const PublishedPlaylist::Segment& segment) {
    SCOPED_TRACE(segment.uri);
    ASSERT_TRUE(fs::exists(path() / segment.uri));
    if (segment.map) {
      EXPECT_EQ(iso_outline(as_bytes(read(path() / *segment.map))).substr(0, 9), "ftyp moov");
      std::size_t fragments = 0;
      const auto text = read(path() / segment.uri);
      for (const auto& box : iso_boxes(as_bytes(text)))
        fragments += box.type == "moof" ? 1U : 0U;
      EXPECT_GT(fragments, 0U);
      return;
    }
    const auto media = segments::read_transport_stream(path() / segment.uri);
    EXPECT_TRUE(media.begins_with_tables);
    EXPECT_EQ(media.continuity_breaks, 0U);
    ASSERT_FALSE(media.video.empty());
    EXPECT_TRUE(segments::is_idr(media.video.front().payload));
    std::size_t sound = 0;
    for (const auto& unit : media.audio)
      sound += unit.payload.size();
    EXPECT_EQ(sound % kSoundFrame, 0U);
    const auto lasts = static_cast<std::int64_t>(sound / kSoundFrame) * kSoundDuration;
    EXPECT_LE(std::chrono::abs(lasts - segment.duration), kTick);
  }

  // Of a process that has ended in whatever way.
  void expect_whole() {
    const auto found = playlists();
    const auto before = reached_;
    // The next one ends what this one has begun.
    for (const auto& [rendition, playlist] : found)
      reached_ = std::max(reached_, playlist.next_media_sequence() + (playlist.begun ? 1U : 0U));
    if (reached_ > before)
      lives_.insert(before);
    for (const auto& [rendition, playlist] : found) {
      SCOPED_TRACE("rendition " + rendition);
      EXPECT_EQ(playlist.target_duration, 1U);
      auto& reached = reached_by_[rendition];
      EXPECT_GE(playlist.next_media_sequence(), reached) << "the numbering went back";
      reached = std::max(reached, playlist.next_media_sequence());
      if (GetParam().is_event) {
        EXPECT_TRUE(playlist.is_event || playlist.has_ended);
        EXPECT_EQ(playlist.media_sequence, 0U);
      }
      auto sequence = playlist.media_sequence;
      auto discontinuities = playlist.discontinuity_sequence;
      for (const auto& segment : playlist.segments) {
        discontinuities += segment.is_discontinuity ? 1U : 0U;
        // One for each life but the first, in all renditions.
        EXPECT_EQ(discontinuities, std::distance(lives_.begin(), lives_.upper_bound(sequence)) - 1)
            << segment.uri;
        const auto [known, is_new] = uris_.try_emplace({rendition, sequence}, segment.uri);
        EXPECT_TRUE(is_new || known->second == segment.uri) << sequence << " is another one now";
        if (segment.is_gap)
          EXPECT_FALSE(fs::exists(path() / segment.uri)) << segment.uri;
        else
          expect_whole(segment);
        ++sequence;
      }
    }
    expect_no_name_used_twice();
  }

  static std::span<const std::uint8_t> as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  [[nodiscard]] std::uint64_t reached() const { return reached_; }
  [[nodiscard]] std::size_t lives() const { return lives_.size(); }

 private:
  TemporaryDirectory directory_;
  std::uint64_t reached_ = 0;
  std::map<std::string, std::uint64_t> reached_by_;
  std::set<std::uint64_t> lives_;  // which segment each began with
  std::map<std::pair<std::string, std::uint64_t>, std::string> uris_;
  std::map<std::string, std::string> contents_;
  std::set<std::string> old_;
  std::set<std::string> listed_;
};

TEST_P(KilledSink, LeavesWhatAnotherGoesOnFrom) {
  const auto rounds = from_environment("KILL_ROUNDS", 8);
  const auto seed = from_environment("KILL_SEED", 20260731);
  SCOPED_TRACE("KILL_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (const auto* name : {"0-notes.txt", "camera-1.ts", "0-01.ts", "1-2.mp4"})
    std::ofstream{path() / name} << "somebody's";
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    let_time_pass();
    Writer writer{properties(), -1};
    const bool is_early = round % 4 == 3;  // perhaps before there is a segment
    if (!is_early) {
      ASSERT_TRUE(writer.wait_for(1 + random() % 40)) << "it does not write";
    }
    writer.wait_for(std::chrono::microseconds{random() % (is_early ? 300'000 : 20'000)});
    ASSERT_TRUE(writer.kill());
    expect_whole();
    if (!is_early)
      expect_cleared();
  }
  EXPECT_GT(lives(), rounds / 2);
}

TEST_P(KilledSink, EndsAndANewProgrammeGoesOnWithTheNumbersAlone) {
  constexpr int kPictures =
      45;  // four segments and a half, or fewer where a key frame came too late
  Writer first{properties(), kPictures};
  ASSERT_EQ(first.wait(), 0);
  expect_whole();
  const auto ended = playlists();
  ASSERT_EQ(ended.size(), 2U);
  for (const auto& [rendition, playlist] : ended) {
    EXPECT_TRUE(playlist.has_ended);
    EXPECT_EQ(playlist.next_media_sequence(), reached());
  }
  ASSERT_GT(reached(), 1U);
  Writer second{properties(), kPictures};
  ASSERT_EQ(second.wait(), 0);
  for (const auto& [rendition, playlist] : playlists()) {
    EXPECT_EQ(playlist.media_sequence, reached());
    EXPECT_EQ(playlist.discontinuity_sequence, 1U);
    ASSERT_FALSE(playlist.segments.empty());
    EXPECT_FALSE(playlist.segments.front().is_discontinuity);
    for (const auto& segment : playlist.segments)
      expect_whole(segment);
    // Whoever watches the old one may go on for as long as it lasts.
    for (const auto& segment : ended.at(rendition).segments)
      EXPECT_TRUE(fs::exists(path() / segment.uri)) << segment.uri;
  }
  expect_no_name_used_twice();
}

INSTANTIATE_TEST_SUITE_P(
    Programmes, KilledSink,
    testing::Values(Case{"Live", "window=5000000000"},
                    Case{"Event", "playlist-type=event sync-files=segments", true},
                    Case{"FragmentedMp4", "container=fmp4 window=5000000000"}
#ifdef HAVE_HLSORIGIN
                    ,
                    Case{"LowLatency", "origin-port=0 origin-address=127.0.0.1 window=5000000000"},
                    Case{"LowLatencyFragmentedMp4",
                         "origin-port=0 origin-address=127.0.0.1 container=fmp4"}
#endif
                    ),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace onair::test
