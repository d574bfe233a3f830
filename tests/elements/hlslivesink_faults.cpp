// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink when disks, streams and clocks are not as they should be.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gst_environment.hpp"
#include "hlslivesink_bench.hpp"
#include "patience.hpp"
#include "small_disk.hpp"
#include "storage/published_playlist.hpp"
#include "temporary_directory.hpp"

namespace onair::test {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

// Of a disk that takes its time: whoever syncs waits until it is open.
class Gate {
 public:
  void set_open(bool is_open) {
    const std::lock_guard lock{mutex_};
    is_open_ = is_open;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
};

Gate& disk() {
  static Gate gate;
  return gate;
}

std::string read(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

PublishedPlaylist parse(const std::string& text) {
  const auto parsed = parse_published_playlist(text);
  if (const auto* error = std::get_if<PlaylistSyntaxError>(&parsed)) {
    ADD_FAILURE() << to_text(*error) << '\n' << text;
    return {};
  }
  return std::get<PublishedPlaylist>(parsed);
}

// "0-0.ts 0-1.ts! 0-2.ts": those with ! are gaps.
std::string segments_in(const std::string& text) {
  std::string uris;
  for (const auto& segment : parse(text).segments)
    uris += (uris.empty() ? "" : " ") + segment.uri + (segment.is_gap ? "!" : "");
  return uris;
}

std::size_t count_of(std::string_view what, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

// It may be left out of a build.
bool has_origin() {
  return static_cast<bool>(GstPtr<GstElementFactory>::adopt(gst_element_factory_find("hlsorigin")));
}

// ---- disks

class Faults : public testing::Test {
 protected:
  LiveSinkBench& start(const std::string& properties) {
    bench_.emplace(properties + " window=60000000000");
    bench_->add("video_0");
    bench_->add("audio_0");
    return *bench_;
  }
  // Until the playlist has so many segments.
  std::string playlist(std::size_t segments, const char* name = "0.m3u8") {
    return bench_
        ->wait_for(name,
                   [segments](const Answer& answer) {
                     return answer.status == 200 && count_of("#EXTINF", answer.data) >= segments;
                   })
        .data;
  }
  // Of 2 to 5 s; what begins at 5 s may be saved when there is room from 5.5 s on.
  static void expect_gaps(const std::string& text) {
    auto uris = segments_in(text);
    if (const auto at = uris.find("0-5.ts!"); at != std::string::npos)
      uris.erase(at + 6, 1);
    EXPECT_EQ(uris, "0-0.ts 0-1.ts 0-2.ts! 0-3.ts! 0-4.ts! 0-5.ts 0-6.ts 0-7.ts");
  }

 private:
  std::optional<LiveSinkBench> bench_;
};

TEST_F(Faults, AFullDiskIsWarnedOfOnceAndWritingGoesOnWhenThereIsRoom) {
  const SmallDisk small{512 * 1024};
  if (!small)
    GTEST_SKIP() << "no user namespaces here";
  auto& bench = start("location=" + small.path().string());
  const auto fill = [&small] {
    std::ofstream{small.path() / "ballast"} << std::string(1 << 20, '.');
    EXPECT_EQ(small.room(), 0U);
  };
  bench.broadcast(0s, 2500ms);
  EXPECT_EQ(segments_in(playlist(2)), "0-0.ts 0-1.ts");
  fill();
  bench.broadcast(2500ms, 5500ms);
  // Who asks for a playlist gets it all the same.
  EXPECT_EQ(segments_in(playlist(5)), "0-0.ts 0-1.ts 0-2.ts! 0-3.ts! 0-4.ts!");
  EXPECT_EQ(bench.warnings().size(), 1U);
  fs::remove(small.path() / "ballast");
  bench.broadcast(5500ms, 8500ms);
  const auto text = playlist(8);
  expect_gaps(text);
  EXPECT_EQ(bench.warnings().size(), 0U);
  EXPECT_TRUE(bench.wait_until([&] { return read(small.path() / "0.m3u8") == text; }));
  EXPECT_FALSE(bench.media("0-6.ts").pictures.empty());
  // Another time it is told again.
  fill();
  bench.broadcast(8500ms, 11500ms);
  playlist(11);
  const auto warnings = bench.warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("No space left on device"), std::string::npos) << warnings[0];
}

// In low latency parts, segments and playlists fail, each for itself.
TEST_F(Faults, AFullDiskIsWarnedOfOnceInLowLatencyToo) {
  if (!has_origin())
    GTEST_SKIP() << "no hlsorigin";
  const SmallDisk small{512 * 1024};
  if (!small)
    GTEST_SKIP() << "no user namespaces here";
  auto& bench = start("origin-port=0 origin-address=127.0.0.1 location=" + small.path().string());
  bench.broadcast(0s, 2500ms);
  playlist(2);
  std::ofstream{small.path() / "ballast"} << std::string(1 << 20, '.');
  bench.broadcast(2500ms, 5500ms);
  const auto text = playlist(5);
  EXPECT_NE(text.find("GAP=YES"), std::string::npos) << text;
  EXPECT_EQ(bench.warnings().size(), 1U);
  fs::remove(small.path() / "ballast");
  bench.broadcast(5500ms, 8500ms);
  expect_gaps(playlist(8));
  EXPECT_EQ(bench.warnings().size(), 0U);
}

TEST_F(Faults, ADirectoryThatIsRemovedIsMadeAgain) {
  const TemporaryDirectory directory;
  const auto live = directory.path() / "live";
  auto& bench = start("location=" + live.string());
  bench.broadcast(0s, 2500ms);
  playlist(2);
  fs::rename(live, directory.path() / "gone");
  bench.broadcast(2500ms, 5500ms);
  const auto text = playlist(5);
  // What was being written may be lost, and nothing after it.
  EXPECT_EQ(segments_in(text).substr(segments_in(text).find(" 0-3")), " 0-3.ts 0-4.ts");
  EXPECT_LE(bench.warnings().size(), 1U);
  EXPECT_TRUE(bench.wait_until([&] { return read(live / "0.m3u8") == text; }));
  EXPECT_TRUE(fs::exists(live / "0-4.ts"));
  // Players that come now find what there is.
  EXPECT_TRUE(fs::exists(live / "master.m3u8"));
}

TEST_F(Faults, ADiskThatIsReadOnlyForAWhileLeavesGaps) {
  const SmallDisk disk_below{1 << 20};
  if (!disk_below)
    GTEST_SKIP() << "no user namespaces here";
  auto& bench = start("location=" + disk_below.path().string());
  bench.broadcast(0s, 2500ms);
  playlist(2);
  ASSERT_EQ(::mount("none", disk_below.path().c_str(), "tmpfs", MS_RDONLY, nullptr), 0);
  bench.broadcast(2500ms, 5500ms);
  EXPECT_EQ(segments_in(playlist(5)), "0-0.ts 0-1.ts 0-2.ts! 0-3.ts! 0-4.ts!");
  ASSERT_EQ(::umount2(disk_below.path().c_str(), MNT_DETACH), 0);
  bench.broadcast(5500ms, 8500ms);
  const auto text = playlist(8);
  expect_gaps(text);
  EXPECT_TRUE(bench.wait_until([&] { return read(disk_below.path() / "0.m3u8") == text; }));
  // Two things were wrong: what was being written was gone, and nothing could be made.
  EXPECT_LE(bench.warnings().size(), 2U);
}

TEST_F(Faults, ASlowDiskMakesStreamsWaitAndLosesNothing) {
  const TemporaryDirectory directory;
  auto& bench = start("sync-files=segments location=" + directory.path().string());
  bench.broadcast(0s, 2500ms);
  playlist(2);
  std::atomic<Duration::rep> fed{0};
  disk().set_open(false);
  auto feeding = on_a_thread([&] {
    for (Duration from = 2500ms; from < 40s; from += 1s) {
      bench.broadcast(from, from + 1s);
      fed = (from + 1s).count();
    }
  });
  // The segment that waits for the disk is complete at 3 s; ten seconds more may wait behind it.
  EXPECT_TRUE(bench.wait_until([&] { return Duration{fed} >= 12s; }));
  // No more: time has to pass to show that.
  EXPECT_EQ(feeding.wait_for(1s), std::future_status::timeout);
  EXPECT_LT(Duration{fed}, 15s);
  bench.set_time(20s);
  // Players don't wait for the disk.
  EXPECT_EQ(bench.get("0.m3u8").status, 200U);
  EXPECT_EQ(bench.get("0-0.ts").status, 200U);
  disk().set_open(true);
  ASSERT_EQ(feeding.wait_for(kPatience), std::future_status::ready);
  bench.end();
  const auto text = bench.wait_for("0.m3u8", "#EXT-X-ENDLIST");
  const auto all = parse(text);
  ASSERT_EQ(all.segments.size(), 41U);
  std::string sounds;
  std::string pictures;
  for (const auto& segment : all.segments) {
    EXPECT_FALSE(segment.is_gap);
    const auto media = bench.media(segment.uri);
    sounds += media.sounds + " ";
    pictures += media.pictures + " ";
  }
  EXPECT_EQ(count_of("S", sounds), static_cast<std::size_t>(std::ceil(40.5 / 0.024)));
  EXPECT_EQ(count_of("K", pictures) + count_of("D", pictures), 405U);
  EXPECT_EQ(bench.warnings().size(), 0U);
}

// ---- ports

Strings children(LiveSinkBench& bench) {
  Strings names;
  for (auto* each = GST_BIN_CHILDREN(bench.element()); each; each = each->next)
    names.emplace_back(GST_OBJECT_NAME(each->data));
  std::sort(names.begin(), names.end());
  return names;
}

guint current_port(LiveSinkBench& bench) {
  guint port = 0;
  gst_child_proxy_get(GST_CHILD_PROXY(bench.element()), "origin::current-port", &port, nullptr);
  return port;
}

TEST(FaultyPorts, WhereThePortIsTakenTheNextTryIsAsTheFirst) {
  if (!has_origin())
    GTEST_SKIP() << "no hlsorigin";
  const Strings idle{"balancer"};
  const Strings running{"balancer", "origin"};
  auto first = std::make_unique<LiveSinkBench>("origin-port=0 origin-address=127.0.0.1");
  ASSERT_EQ(children(*first), running);
  const auto taken = std::to_string(current_port(*first));
  LiveSinkBench bench{"origin-address=127.0.0.1 origin-port=" + taken, GST_STATE_NULL};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
    EXPECT_EQ(children(bench), idle);
    const auto errors = bench.errors();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("127.0.0.1:" + taken), std::string::npos) << errors[0];
  }
  bench.set("origin-port", "0");
  ASSERT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(children(bench), running);
  EXPECT_NE(current_port(bench), 0U);
  bench.set_state(GST_STATE_NULL);
  EXPECT_EQ(children(bench), idle);
  // And that one, once it is free.
  bench.set("origin-port", taken.c_str());
  first.reset();
  ASSERT_EQ(bench.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(std::to_string(current_port(bench)), taken);
}

// ---- streams

// Picture and sound have playlists of their own: nobody else tells when a segment ends.
TEST(FaultyStreams, ARenditionThatIsMissingListsGapsAndKeepsTheNumbers) {
  LiveSinkBench bench{"audio=group low-latency=false window=60000000000"};
  auto& camera = bench.add("video_0");
  auto& other = bench.add("video_1");
  auto& sound = bench.add("audio_0");
  bench.broadcast(0s, 2500ms);
  // The other camera is away from 2.5 to 7.2 s.
  const auto go_on = [&](Duration from, Duration to) {
    bench.set_time(from);
    auto picture = on_a_thread([&] { return camera.encode(from, to); });
    EXPECT_EQ(sound.sounds(from, to), GST_FLOW_OK);
    EXPECT_EQ(picture.get(), GST_FLOW_OK);
  };
  for (auto from = 2500ms; from < 6500ms; from += 1s)
    go_on(from, from + 1s);
  go_on(6500ms, 7200ms);
  bench.wait_for("1.m3u8", "1-3.ts");
  EXPECT_EQ(other.encode(7200ms, 7500ms), GST_FLOW_OK);
  go_on(7200ms, 7500ms);
  bench.broadcast(7500ms, 10500ms);
  const auto its = parse(bench.wait_for("1.m3u8", "1-9.ts"));
  const auto others = parse(bench.wait_for("0.m3u8", "0-9.ts"));
  ASSERT_EQ(its.segments.size(), others.segments.size());
  EXPECT_EQ(its.media_sequence, others.media_sequence);
  for (std::size_t i = 0; i < its.segments.size(); ++i) {
    EXPECT_EQ(its.segments[i].duration, others.segments[i].duration) << i;
    EXPECT_FALSE(others.segments[i].is_gap);
    if (i != 7) {  // it comes back within that one, perhaps too late
      EXPECT_EQ(its.segments[i].is_gap, i >= 3 && i < 7) << i;
    }
  }
}

// Parts go on without it after max-wait, and don't wait for the end of the segment.
TEST(FaultyStreams, PartsGoOnWithoutAPictureThatStandsStill) {
  LiveSinkBench bench{"window=60000000000"};
  auto& camera = bench.add("video_0");
  auto& sound = bench.add("audio_0");
  bench.broadcast(0s, 1100ms);
  EXPECT_EQ(sound.sounds(1100ms, 1800ms), GST_FLOW_OK);
  const auto parts = [&bench] { return bench.progress("parts"); };
  EXPECT_TRUE(bench.wait_for_progress("parts", 5));  // of the first segment
  bench.set_time(2s - 1ns);
  EXPECT_EQ(sound.sound(1800ms), GST_FLOW_OK);
  bench.set_time(2s);
  EXPECT_EQ(parts(), 5U);
  EXPECT_EQ(sound.sound(1824ms), GST_FLOW_OK);
  EXPECT_TRUE(bench.wait_for_progress("parts", 9));
  // Back again, it is waited for again.
  EXPECT_EQ(camera.picture(1800ms), GST_FLOW_OK);
  auto frames = on_a_thread([&sound] { return sound.sounds(1848ms, 2500ms); });
  EXPECT_EQ(camera.encode(1900ms, 2500ms), GST_FLOW_OK);
  EXPECT_EQ(frames.get(), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-1.ts");
  EXPECT_EQ(count_of("S", bench.media("0-1.ts").sounds), 41U);
  EXPECT_EQ(bench.media("0-1.ts").pictures, "K1000 D1800 D1900");
}

// A key frame that comes too late is in its segment somewhere; the segment begins where the others' does.
TEST(FaultyStreams, ALateKeyFrameMovesNoBoundary) {
  LiveSinkBench bench{"low-latency=false window=60000000000"};
  auto& camera = bench.add("video_0");
  auto& other = bench.add("video_1");
  auto& sound = bench.add("audio_0");
  bench.broadcast(0s, 900ms);
  // This one comes in time, and decides.
  EXPECT_EQ(camera.encode(900ms, 2500ms), GST_FLOW_OK);
  for (auto at : {900ms, 1000ms, 1100ms})
    EXPECT_EQ(other.picture(at), GST_FLOW_OK);
  EXPECT_EQ(other.key(1200ms), GST_FLOW_OK);
  for (auto at = 1300ms; at < 2000ms; at += 100ms)
    EXPECT_EQ(other.picture(at), GST_FLOW_OK);
  EXPECT_EQ(other.key(2000ms), GST_FLOW_OK);
  for (auto at = 2100ms; at < 2600ms; at += 100ms)
    EXPECT_EQ(other.picture(at), GST_FLOW_OK);
  EXPECT_EQ(sound.sounds(900ms, 2500ms), GST_FLOW_OK);
  for (const std::string rendition : {"0", "1"}) {
    SCOPED_TRACE(rendition);
    const auto playlist = parse(bench.wait_for(rendition + ".m3u8", rendition + "-1.ts"));
    EXPECT_EQ(playlist.segments[0].duration, 1008ms);
    EXPECT_EQ(count_of("S", bench.media(rendition + "-0.ts").sounds), 42U);
    EXPECT_EQ(playlist.segments[1].duration, 984ms);
    EXPECT_EQ(count_of("S", bench.media(rendition + "-1.ts").sounds), 41U);
  }
  EXPECT_EQ(bench.media("1-1.ts").pictures.substr(0, 5), "K1200");
}

// ---- clocks

class Dates : public testing::Test {
 protected:
  static constexpr Duration kSince1970 = std::chrono::hours(24 * 365 * 56);
  static constexpr Duration kReport{5s};

  Dates() : bench_{"low-latency=false window=600000000000"} {
    bench_.add("video_0");
    sound_ = &bench_.add("audio_0");
  }

  void begin(Duration at, Duration off) {
    sound_->push_timeline(at, kSince1970 + at + off, true);
    bench_.broadcast(at, at + 500ms);
  }
  // The sender's clock is so far off, from now on.
  void broadcast(Duration from, Duration to, Duration off) {
    for (auto at = from; at < to; at += kReport) {
      sound_->push_timeline(at, kSince1970 + at + off, true);
      bench_.broadcast(at, at + kReport);
    }
  }
  PublishedPlaylist playlist(std::size_t segments) {
    return parse(bench_
                     .wait_for("0.m3u8",
                               [segments](const Answer& answer) {
                                 return count_of("#EXTINF", answer.data) >= segments;
                               })
                     .data);
  }
  static Duration off(const PublishedPlaylist& playlist, std::size_t index) {
    Duration at{};
    for (std::size_t i = 0; i < index; ++i)
      at += playlist.segments[i].duration;
    return playlist.segments[index].program_date_time->time_since_epoch() - kSince1970 - at;
  }
  LiveSinkBench& bench() { return bench_; }

 private:
  LiveSinkBench bench_;
  LiveStream* sound_ = nullptr;
};

TEST_F(Dates, BendToAClockThatHasSteppedALittle) {
  begin(0s, 0s);
  broadcast(500ms, 30s, 0s);
  broadcast(30500ms, 300s, 1s);
  const auto all = playlist(298);
  Duration before = off(all, 0);
  EXPECT_LE(std::chrono::abs(before), 1ms);
  for (std::size_t i = 1; i < all.segments.size(); ++i) {
    const auto now = off(all, i);
    // 0.5 %, and both are written in whole milliseconds.
    EXPECT_LE(std::chrono::abs(now - before), all.segments[i].duration / 200 + 2ms) << i;
    before = now;
    EXPECT_FALSE(all.segments[i].is_discontinuity);
  }
  EXPECT_LE(std::chrono::abs(before - 1s), 50ms);
}

TEST_F(Dates, StayOnTheirClockWhereItStepsFarUntilTheTimeLineBreaks) {
  begin(0s, 0s);
  broadcast(500ms, 30s, 0s);
  broadcast(30500ms, 60s, 1h);
  const auto line = playlist(58);
  for (std::size_t i = 0; i < line.segments.size(); ++i)
    EXPECT_LE(std::chrono::abs(off(line, i)), 1ms) << i;
  // A new time line, which begins twenty seconds later.
  begin(80s, 1h);
  broadcast(80500ms, 90s, 1h);
  const auto all = playlist(66);
  std::size_t first = 0;
  for (std::size_t i = 1; i < all.segments.size(); ++i)
    if (all.segments[i].is_discontinuity) {
      EXPECT_EQ(first, 0U) << "a second discontinuity";
      first = i;
    }
  ASSERT_GT(first, 0U);
  const auto date = all.segments[first].program_date_time->time_since_epoch() - kSince1970;
  EXPECT_LE(std::chrono::abs(date - (80s + 1h)), 50ms);
}

}  // namespace
}  // namespace onair::test

// An executable's own symbols come before those of the C library. Only segments are synced here.
extern "C" [[gnu::visibility("default")]] int fdatasync(int fd) {
  onair::test::disk().pass();
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
