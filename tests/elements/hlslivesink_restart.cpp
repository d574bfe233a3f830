// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink in READY, and started again: what stays, and how it goes on. In memory; for directories see
// what a process leaves behind.
#include <algorithm>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "hlslivesink_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kPlain = "low-latency=false";

void restart(LiveSinkBench& bench, LiveStream& stream) {
  bench.set_state(GST_STATE_READY);
  bench.set_state(GST_STATE_PLAYING);
  stream.open();
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

TEST(HlsLiveSinkRestart, InReadyPlayersAreStillServedAndInNullNoMore) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  const auto text = bench.wait_for("0.m3u8", "0-1.ts\n");
  bench.set_state(GST_STATE_READY);
  EXPECT_EQ(bench.get("0.m3u8").data, text);
  EXPECT_EQ(bench.get("0-1.ts").status, 200U);
  bench.set_state(GST_STATE_NULL);
  EXPECT_EQ(bench.get("0.m3u8").status, 503U);
}

TEST(HlsLiveSinkRestart, APlaylistThatHasNotEndedGoesOnBehindOneDiscontinuity) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  bench.wait_for("0.m3u8", "0-1.ts\n");
  restart(bench, audio);
  const auto early = bench.get("0.m3u8");
  EXPECT_EQ(early.status, 202U) << "what is about to change must not be cached for ever";
  EXPECT_EQ(early.wait_for, "0.m3u8");
  bench.broadcast(10s, 12100ms);
  const auto text = bench.wait_for("0.m3u8", "0-3.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(text, "0-"), (Strings{"0-0.ts", "0-1.ts", "0-2.ts", "0-3.ts"}));
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-DISCONTINUITY").size(), 2U) << "sequence and tag";
  const auto lines = LiveSinkBench::lines(text);
  const auto tag = std::find(lines.begin(), lines.end(), "#EXT-X-DISCONTINUITY");
  ASSERT_GE(lines.end() - tag, 3);
  EXPECT_EQ(tag[2], "0-2.ts");
  EXPECT_EQ(bench.media("0-1.ts").sounds.substr(0, 11), "S1008 S1032");
  EXPECT_EQ(bench.media("0-2.ts").sounds.substr(0, 6), "S10008");
}

TEST(HlsLiveSinkRestart, BehindAnEndNumbersGoOnInAPlaylistOfItsOwn) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  bench.end();
  const auto ended = LiveSinkBench::tags(bench.wait_for("0.m3u8", "ENDLIST"), "0-");
  ASSERT_EQ(ended, (Strings{"0-0.ts", "0-1.ts", "0-2.ts"})) << "the last one is short";
  restart(bench, audio);
  bench.broadcast(10s, 12100ms);
  const auto text = bench.wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(text, "0-"), (Strings{"0-3.ts", "0-4.ts"}));
  EXPECT_TRUE(has(LiveSinkBench::tags(text, "#EXT-X"), "#EXT-X-MEDIA-SEQUENCE:3"));
  EXPECT_TRUE(has(LiveSinkBench::tags(text, "#EXT-X"), "#EXT-X-DISCONTINUITY-SEQUENCE:1"));
  EXPECT_TRUE(LiveSinkBench::tags(text, "#EXT-X-ENDLIST").empty());
}

TEST(HlsLiveSinkRestart, InMemoryTooThePartsOfBeforeGoInTheEnd) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  bench.broadcast(0s, 2300ms);
  bench.wait_for("0.m3u8", "0-2.1.ts\"");
  restart(bench, audio);
  EXPECT_EQ(bench.get("0-2.0.ts").status, 200U) << "players may be on their way to it";
  bench.broadcast(10s, 11100ms);
  bench.wait_for("0.m3u8", "0-3.ts\n");
  bench.set_time(20s);
  bench.broadcast(11100ms, 12100ms);
  for (const char* part : {"0-1.0.ts", "0-2.0.ts"})
    bench.wait_for(part, [](const Answer& answer) { return answer.status == 404; });
  EXPECT_EQ(bench.get("0-1.ts").status, 200U) << "it is listed";
}

TEST(HlsLiveSinkParts, EachBeginsWithTablesWhichAreCountedOn) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 2100ms);
  bench.wait_for("0.m3u8", "0-1.ts\n");
  for (const char* part : {"0-1.0.ts", "0-1.1.ts", "0-1.2.ts", "0-1.3.ts", "0-1.4.ts"}) {
    const auto media = bench.media(part);
    EXPECT_TRUE(media.stream.begins_with_tables) << part;
    EXPECT_FALSE(media.pictures.empty()) << part;
  }
  EXPECT_EQ(bench.media("0-1.ts").stream.continuity_breaks, 0U);
}

}  // namespace
}  // namespace onair::test
