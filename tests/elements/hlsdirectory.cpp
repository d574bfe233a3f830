// SPDX-License-Identifier: LGPL-2.1-or-later
// hlsdirectory beside the hlslivesink that writes into its directory: what players get, and when they have to
// ask again.
#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <tuple>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "gst_environment.hpp"
#include "hlslivesink_bench.hpp"
#include "patience.hpp"
#include "temporary_directory.hpp"

namespace onair::test {

bool operator==(const Answer& one, const Answer& other) {
  const auto fields = [](const Answer& answer) {
    return std::tie(answer.status, answer.data, answer.is_complete, answer.type,
                    answer.cache_control, answer.reason, answer.wait_for, answer.patience);
  };
  return fields(one) == fields(other);
}

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << answer.status << ' ' << answer.type << ' ' << answer.cache_control << ' ' << answer.reason
       << ' ' << answer.wait_for << ' ' << answer.patience.count() << '\n'
       << (answer.data.starts_with("#EXTM3U") ? answer.data
                                              : std::to_string(answer.data.size()) + " bytes");
}

namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr const char* kServed = "location-served=true";

class DirectoryBench : public ElementBench {
 public:
  explicit DirectoryBench(const fs::path& path, const std::string& more = {})
      : ElementBench{"hlsdirectory location=" + path.string() + " " + more} {
    g_signal_connect(element(), "resource-changed", G_CALLBACK(on_change), this);
    EXPECT_EQ(set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  }
  ~DirectoryBench() { set_state(GST_STATE_NULL); }

  Answer get(const std::string& target, guint64 offset = 0) {
    return ask(element(), target, offset);
  }
  guint status(const std::string& target) { return get(target).status; }
  // The first answer of which that is true, after each of which it is waited for what it says: as an origin
  // does it.
  Answer wait_for(const std::string& target, const std::function<bool(const Answer&)>& is_true) {
    for (;;) {
      const auto seen = told();
      const auto answer = get(target);
      if (is_true(answer) || !wait_for_news(answer.wait_for, seen))
        return answer;
    }
  }
  Answer wait_while_202(const std::string& target) {
    return wait_for(target, [](const Answer& answer) { return answer.status != 202; });
  }
  // Forgets what was told.
  void forget() {
    const std::lock_guard lock{mutex_};
    told_.clear();
  }
  std::size_t told() {
    const std::lock_guard lock{mutex_};
    return told_.size();
  }
  // Of this name, or of any if that is empty, behind the first `seen` news.
  bool wait_for_news(const std::string& name, std::size_t seen = 0) {
    std::unique_lock lock{mutex_};
    const bool is_told = changed_.wait_for(lock, kPatience, [&] {
      const auto from = told_.begin() + static_cast<std::ptrdiff_t>(std::min(seen, told_.size()));
      return name.empty() ? from != told_.end() : std::find(from, told_.end(), name) != told_.end();
    });
    EXPECT_TRUE(is_told) << name;
    return is_told;
  }

 private:
  static void on_change(GstElement*, const char* name, gpointer raw) {
    auto* self = static_cast<DirectoryBench*>(raw);
    const std::lock_guard lock{self->mutex_};
    self->told_.emplace_back(name);
    self->changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Strings told_;
};

class HlsDirectory : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return root_.path() / "live"; }
  [[nodiscard]] fs::path one() const { return path() / "one"; }
  std::unique_ptr<LiveSinkBench> writer(const std::string& properties = kServed) {
    return std::make_unique<LiveSinkBench>("location=" + one().string() + " " + properties);
  }
  void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream{file.string() + ".new"} << text;
    fs::rename(file.string() + ".new", file);
  }
  // What the sink answers, in the directory's words. The sink may still be writing.
  static void expect_same(LiveSinkBench& sink, DirectoryBench& directory,
                          const std::string& target) {
    for (;;) {
      const auto seen = directory.told();
      auto expected = sink.get(target);
      if (!expected.wait_for.empty())
        expected.wait_for = "one/" + expected.wait_for;
      const auto answer = directory.get("one/" + target);
      if (answer == expected)
        return;
      if (!directory.wait_for_news({}, seen)) {
        EXPECT_EQ(answer, expected) << target;
        return;
      }
    }
  }
  // The files that a playlist lists.
  static Strings files_in(const std::string& playlist) {
    Strings files;
    for (const auto& line : LiveSinkBench::lines(playlist)) {
      const auto quote = line.find("URI=\"");
      if (line.starts_with("#EXT-X-PART:") || line.starts_with("#EXT-X-MAP:"))
        files.push_back(line.substr(quote + 5, line.find('"', quote + 5) - quote - 5));
      else if (!line.starts_with('#'))
        files.push_back(line);
    }
    return files;
  }

 private:
  TemporaryDirectory root_;
};

// ---- what hlslivesink writes

constexpr const char* kAvc =
    "video/x-h264, stream-format=(string)avc, alignment=(string)au, width=(int)640, "
    "height=(int)360, framerate=(fraction)10/1, codec_data=(buffer)0142c01effe000";
constexpr const char* kMp3InMp4 =
    "audio/mpeg, mpegversion=(int)1, layer=(int)3, mpegaudioversion=(int)1, parsed=(boolean)true, "
    "rate=(int)48000, channels=(int)2";

struct Programme {
  const char* name;
  std::string properties;
  std::string ending;
  Strings pads;
  Strings playlists;
};

void PrintTo(const Programme& programme, std::ostream* out) {
  *out << programme.name;
}

class HlsDirectoryOfAWriter : public HlsDirectory, public testing::WithParamInterface<Programme> {};

TEST_P(HlsDirectoryOfAWriter, AnswersAsTheWriterItselfWould) {
  const auto& [name, properties, ending, pads, playlists] = GetParam();
  DirectoryBench directory{path()};
  const auto sink = writer(properties);
  for (const auto& pad : pads)
    sink->add(pad.c_str(), ending == ".ts" ? "" : pad.starts_with("audio") ? kMp3InMp4 : kAvc);
  auto from = 0ms;
  for (const auto to : {1100ms, 2300ms, 9100ms}) {  // the last one beyond what deltas skip
    sink->broadcast(from, to);
    from = to;
    const auto last = to / 1s - 1;
    for (const auto& playlist : playlists) {
      const auto text = sink->wait_for(playlist, "-" + std::to_string(last) + ending + "\n");
      for (const char* query :
           {"", "?_HLS_skip=YES", "?_HLS_msn=0", "?_HLS_msn=x", "?_HLS_msn=99", "?_HLS_part=1"})
        expect_same(*sink, directory, playlist + query);
      for (auto msn = last; msn < last + 3; ++msn)
        for (const char* more : {"", "&_HLS_part=0", "&_HLS_part=1", "&_HLS_part=3",
                                 "&_HLS_part=99", "&_HLS_skip=YES"})
          expect_same(*sink, directory, playlist + "?_HLS_msn=" + std::to_string(msn) + more);
      const auto files = files_in(text);
      EXPECT_FALSE(files.empty());
      for (const auto& file : files)
        expect_same(*sink, directory, file);
    }
    expect_same(*sink, directory, "master.m3u8");
  }
  sink->end();
  for (const auto& playlist : playlists) {
    sink->wait_for(playlist, "#EXT-X-ENDLIST");
    expect_same(*sink, directory, playlist);
    expect_same(*sink, directory, playlist + "?_HLS_msn=99&_HLS_skip=YES");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, HlsDirectoryOfAWriter,
    testing::Values(Programme{"Parts", kServed, ".ts", {"audio_0", "video_0"}, {"0.m3u8"}},
                    Programme{"Plain", "", ".ts", {"audio_0", "video_0"}, {"0.m3u8"}},
                    Programme{"Group",
                              "location-served=true audio=group container=fmp4",
                              ".m4s",
                              {"audio_0", "video_0", "video_1"},
                              {"0.m3u8", "1.m3u8", "audio-0.m3u8"}}),
    [](const auto& each) { return std::string{each.param.name}; });

TEST_F(HlsDirectory, PartsAreInALocationOnlyIfItIsServed) {
  auto sink = writer("");
  sink->add("audio_0");
  sink->broadcast(0s, 1100ms);
  EXPECT_EQ(sink->wait_for("0.m3u8", "0-0.ts\n").find("#EXT-X-PART"), std::string::npos);
  sink.reset();
  fs::remove_all(one());
  sink = writer("location-served=true low-latency=false");
  sink->add("audio_0");
  sink->broadcast(0s, 1100ms);
  EXPECT_EQ(sink->wait_for("0.m3u8", "0-0.ts\n").find("#EXT-X-PART"), std::string::npos);
}

TEST_F(HlsDirectory, ADirectoryMayItselfBeAChannel) {
  DirectoryBench directory{one()};
  const auto sink = writer();
  sink->add("audio_0");
  sink->broadcast(0s, 1100ms);
  const auto text = sink->wait_for("0.m3u8", "0-0.ts\n");
  EXPECT_EQ(
      directory.wait_for("0.m3u8", [&](const auto& answer) { return answer.data == text; }).data,
      text);
  EXPECT_EQ(directory.get("0-0.ts").data, sink->get("0-0.ts").data);
  EXPECT_EQ(directory.get("0.m3u8?_HLS_msn=9999").status, 400U);
}

// ---- who waits

TEST_F(HlsDirectory, ABlockedReloadIsAnsweredWhenThePartIsThere) {
  DirectoryBench directory{path()};
  const auto sink = writer();
  auto& audio = sink->add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1250ms), GST_FLOW_OK);
  directory.wait_for("one/0.m3u8", [](const auto& answer) {
    return answer.data.find("\"0-1.1.ts\"\n") != std::string::npos;
  });
  const auto target = "one/0.m3u8?_HLS_msn=1&_HLS_part=1";
  const auto blocked = directory.get(target);
  EXPECT_EQ(blocked.status, 202U);
  EXPECT_EQ(blocked.wait_for, "one/0.m3u8");
  EXPECT_EQ(blocked.patience, 3s);
  EXPECT_EQ(audio.sounds(1250ms, 1450ms), GST_FLOW_OK);
  const auto answer = directory.wait_while_202(target);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_NE(answer.data.find("URI=\"0-1.1.ts\",INDEPENDENT"), std::string::npos);
}

TEST_F(HlsDirectory, ThePartThatIsHintedAtIsWaitedForUntilItIsWhole) {
  DirectoryBench directory{path()};
  const auto sink = writer();
  auto& audio = sink->add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1250ms), GST_FLOW_OK);
  directory.wait_for("one/0.m3u8", [](const auto& answer) {
    return answer.data.find("\"0-1.1.ts\"\n") != std::string::npos;
  });
  const auto blocked = directory.get("one/0-1.1.ts");
  EXPECT_EQ(blocked.status, 202U);
  EXPECT_EQ(blocked.wait_for, "one/0-1.1.ts");
  EXPECT_EQ(blocked.patience, 3s);
  EXPECT_EQ(directory.get("one/0-1.2.ts").status, 404U);
  EXPECT_EQ(audio.sounds(1250ms, 1450ms), GST_FLOW_OK);
  const auto part = directory.wait_while_202("one/0-1.1.ts");
  EXPECT_EQ(part.status, 200U);
  EXPECT_EQ(part.data, sink->get("0-1.1.ts").data);
}

TEST_F(HlsDirectory, WhoWaitsForAPartThatNeverComesIsTold) {
  const auto playlist = [](const std::string& hint) {
    return "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.5\n"
           "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"" +
           hint + "\"\n";
  };
  write(one() / "0.m3u8", playlist("0-1.0.ts"));
  DirectoryBench directory{path()};
  EXPECT_EQ(directory.get("one/0-1.0.ts").patience, 6s);
  write(one() / "0.m3u8", playlist("0-2.0.ts"));
  EXPECT_EQ(directory.wait_while_202("one/0-1.0.ts").status, 404U);
  EXPECT_EQ(directory.get("one/0-2.0.ts").status, 202U);
}

TEST_F(HlsDirectory, WhoComesBeforeTheFirstSegmentWaitsForIt) {
  DirectoryBench directory{path()};
  EXPECT_EQ(directory.get("one/master.m3u8").status, 404U) << "nobody writes anything";
  const auto sink = writer();
  auto& audio = sink->add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 150ms), GST_FLOW_OK);
  sink->wait_for_change("0-0.ts");
  // Files that grow have hidden names: nobody is told of them, and whoever has got 404 does not wait.
  while (directory.status("one/0.m3u8") == 404)
    std::this_thread::yield();
  for (const char* name : {"one/0.m3u8", "one/master.m3u8"}) {
    const auto answer = directory.get(name);
    EXPECT_EQ(answer.status, 202U) << name;
    EXPECT_EQ(answer.wait_for, name);
    EXPECT_EQ(answer.patience, 5s);
  }
  EXPECT_EQ(directory.get("one/1.m3u8").status, 404U);
  EXPECT_EQ(audio.sounds(150ms, 1100ms), GST_FLOW_OK);
  for (const char* name : {"one/0.m3u8", "one/master.m3u8"})
    EXPECT_EQ(directory.wait_while_202(name).status, 200U) << name;
}

// ---- writers and folders that go

TEST_F(HlsDirectory, AWriterMayBeReplacedWhileSomebodyWaits) {
  DirectoryBench directory{path()};
  auto sink = writer();
  sink->add("audio_0");
  sink->broadcast(0s, 2300ms);
  sink->wait_for("0.m3u8", "0-1.ts\n");
  const auto before = directory.wait_for("one/0.m3u8", [&](const auto& answer) {
    return answer.data.find("\"0-2.1.ts\"\n") != std::string::npos;
  });
  const auto target = "one/0.m3u8?_HLS_msn=3";
  EXPECT_EQ(directory.get(target).status, 202U);
  sink->set_state(GST_STATE_NULL);
  for (const auto& file : files_in(before.data))
    EXPECT_EQ(directory.get("one/" + file).status, 200U) << file;
  EXPECT_EQ(directory.get("one/0.m3u8").data, before.data);
  EXPECT_EQ(directory.get(target).status, 202U);

  sink = writer();
  sink->add("audio_0");
  EXPECT_EQ(directory.get(target).status, 202U);
  sink->broadcast(0s, 2300ms);
  const auto answer = directory.wait_while_202(target);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(LiveSinkBench::tags(answer.data, "#EXT-X-DISCONTINUITY").size(), 2U)
      << "the number, and one between the writers\n"
      << answer.data;
  EXPECT_EQ(LiveSinkBench::tags(answer.data, "#EXT-X-MEDIA-SEQUENCE"),
            Strings{"#EXT-X-MEDIA-SEQUENCE:0"});
  for (const auto& file : files_in(answer.data))
    EXPECT_EQ(directory.get("one/" + file).status, 200U) << file;
}

TEST_F(HlsDirectory, WhoWaitsInAFolderThatIsDeletedIsToldAndItMayComeAgain) {
  for (const auto& root : {one(), path()}) {
    DirectoryBench directory{path()};
    auto sink = writer();
    sink->add("audio_0");
    sink->broadcast(0s, 1300ms);
    const auto target = "one/0.m3u8?_HLS_msn=1";
    directory.wait_for(target, [](const auto& answer) { return answer.status == 202; });
    sink.reset();
    fs::remove_all(root);
    EXPECT_EQ(directory.wait_while_202(target).status, 404U);
    EXPECT_EQ(directory.get("one/0-0.ts").status, 404U);
    EXPECT_EQ(directory.get("one/master.m3u8").status, 404U);
    sink = writer();
    sink->add("audio_0");
    sink->broadcast(0s, 1100ms);
    sink->wait_for("0.m3u8", "0-0.ts\n");
    EXPECT_EQ(directory.wait_for(target, [](const auto& answer) { return answer.status == 202; })
                  .wait_for,
              "one/0.m3u8");
    EXPECT_EQ(directory.get("one/0-0.ts").data, sink->get("0-0.ts").data);
  }
}

// ---- files

TEST_F(HlsDirectory, NothingButPlainNamesOfItsOwnFilesIsThere) {
  write(one() / "0-0.ts", "segment");
  write(path().parent_path() / "secret", "secret");
  fs::create_directories(path() / "two" / "three");
  write(path() / "two" / "three" / "a", "too deep");
  write(one() / ".0-1.ts.onair-growing", "unfinished");
  fs::create_symlink("../../secret", one() / "link.ts");
  DirectoryBench directory{path()};
  EXPECT_EQ(directory.get("one/0-0.ts?anything=1").data, "segment");
  EXPECT_EQ(directory.get("one/0-0.ts", 3).data, "ment");
  EXPECT_EQ(directory.get("one/0-0.ts", 99).data, "");
  for (const char* target :
       {"", "/", "one", "one/", "/one/0-0.ts", "one//0-0.ts", "one/0-1.ts", "one/link.ts",
        "one/.0-1.ts.onair-growing", "../secret", "one/../../secret", "./one/0-0.ts", "two/three/a",
        "/etc/passwd", "\x01", "\xff\xfe"}) {
    const auto answer = directory.get(target);
    EXPECT_EQ(answer.status, 404U) << target;
    EXPECT_NE(answer.reason, "");
    EXPECT_EQ(answer.data, "");
  }
  EXPECT_EQ(directory.get("one/" + std::string(100'000, 'x')).status, 404U);
}

TEST_F(HlsDirectory, AFileIsReadOnceForAllWhileTheCacheHasRoom) {
  write(one() / "0-0.ts", "segment 0");
  write(one() / "0-1.ts", "segment 1");
  DirectoryBench directory{path(), "cache-size=10"};
  const auto before = directory.stat("reads");
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(directory.get("one/0-0.ts").data, "segment 0");
  EXPECT_EQ(directory.stat("reads"), before + 1);
  EXPECT_EQ(directory.stat("cached"), 9U);
  EXPECT_EQ(directory.get("one/0-1.ts").data, "segment 1");
  EXPECT_EQ(directory.get("one/0-0.ts").data, "segment 0");
  EXPECT_EQ(directory.stat("reads"), before + 3);
  EXPECT_EQ(directory.stat("cached"), 9U);
  fs::remove(one() / "0-0.ts");
  EXPECT_EQ(directory.get("one/0-0.ts").status, 404U) << "whatever is remembered of it";
}

TEST_F(HlsDirectory, APlaylistThatCannotBeReadIsServedAsItIs) {
  DirectoryBench directory{path()};
  for (const std::string text :
       {"", "no playlist", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n0.m3u8\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:x,\na.ts\n"}) {
    write(one() / "0.m3u8", text);
    const auto answer = directory.get("one/0.m3u8?_HLS_msn=9&_HLS_skip=YES");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.data, text);
    EXPECT_EQ(answer.cache_control, "public, max-age=0, stale-while-revalidate=0");
  }
  write(one() / "master.m3u8", "no playlist either");
  EXPECT_EQ(directory.get("one/master.m3u8").data, "no playlist either");
}

TEST_F(HlsDirectory, APlaylistThatIsDeletedIsNotWaitedFor) {
  write(one() / "0-0.ts", "segment");
  write(one() / "0.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0-0.ts\n");
  write(one() / "master.m3u8", "#EXTM3U\n");
  DirectoryBench directory{path()};
  EXPECT_EQ(directory.get("one/0.m3u8").status, 200U);
  for (const char* name : {"0.m3u8", "master.m3u8"}) {
    directory.forget();
    fs::remove(one() / name);
    EXPECT_TRUE(directory.wait_for_news(std::string{"one/"} + name));
    EXPECT_EQ(directory.get(std::string{"one/"} + name).status, 404U);
  }
}

// ---- the element

TEST_F(HlsDirectory, ServesFromReadyOnAndNoLonger) {
  write(one() / "0-0.ts", "segment");
  DirectoryBench directory{path()};
  EXPECT_EQ(directory.get("one/0-0.ts").status, 200U);
  EXPECT_EQ(directory.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(directory.get("one/0-0.ts").status, 200U);
  directory.set_state(GST_STATE_NULL);
  EXPECT_EQ(directory.get("one/0-0.ts").status, 503U);
  EXPECT_EQ(directory.stat("requests"), 0U);
  EXPECT_EQ(directory.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(directory.get("one/0-0.ts").status, 200U);
}

TEST_F(HlsDirectory, WithoutALocationThereIsNothingToServe) {
  ElementBench directory{"hlsdirectory"};
  EXPECT_EQ(directory.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(directory.messages(GST_MESSAGE_ERROR).size(), 1U);
}

}  // namespace
}  // namespace onair::test
