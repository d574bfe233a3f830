// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: how it answers those who serve players.
#include <algorithm>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "hlslivesink_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kPlaylistType = "application/vnd.apple.mpegurl";
constexpr const char* kForEver = "public, max-age=31536000, immutable";
constexpr std::size_t kPacket = 188;

bool is_whole(const Answer& answer) {
  return answer.status == 200 && answer.is_complete;
}

TEST(HlsLiveSinkRequests, WhatIsNotStartedServesNothing) {
  LiveSinkBench bench{"", GST_STATE_READY};
  const auto answer = bench.get("0.m3u8");
  EXPECT_EQ(answer.status, 503U);
  EXPECT_NE(answer.reason, "");
}

TEST(HlsLiveSinkRequests, WhoComesBeforeTheFirstSegmentWaitsForIt) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 100ms), GST_FLOW_OK);
  for (const char* name : {"0.m3u8", "master.m3u8"}) {
    const auto answer = bench.get(name);
    EXPECT_EQ(answer.status, 202U) << name;
    EXPECT_EQ(answer.wait_for, name);
    EXPECT_GT(answer.patience, 1s);
  }
  EXPECT_EQ(audio.sounds(100ms, 1100ms), GST_FLOW_OK);
  EXPECT_EQ(bench.wait_for("0.m3u8", is_whole).type, kPlaylistType);
  EXPECT_EQ(bench.wait_for("master.m3u8", is_whole).type, kPlaylistType);
}

TEST(HlsLiveSinkRequests, WhatIsNotThereIsNotThere) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  for (const char* target :
       {"", "1.m3u8", "0-7.ts", "0-0.9.ts", "0-2.0.ts", "../0.m3u8", "/etc/passwd", ".", "..",
        "a/b", "0.m3u8/", "%2e%2e/0.m3u8", "\x01", "\xff\xfe"}) {
    const auto answer = bench.get(target);
    EXPECT_EQ(answer.status, 404U) << target;
    EXPECT_NE(answer.reason, "") << target;
    EXPECT_EQ(answer.data, "");
  }
  EXPECT_EQ(bench.get(std::string(100'000, 'x')).status, 404U);
  EXPECT_EQ(bench.get("0-0.ts?anything=1").status, 200U) << "queries are players' business";
}

TEST(HlsLiveSinkRequests, AReloadIsBlockedUntilThePartIsThere) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 2250ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "\"0-2.1.ts\"\n");
  const auto status = [&](const char* query) {
    return bench.get("0.m3u8" + std::string{query}).status;
  };
  EXPECT_EQ(status(""), 200U);
  EXPECT_EQ(status("?_HLS_msn=1"), 200U);
  EXPECT_EQ(status("?_HLS_msn=2&_HLS_part=0"), 200U);
  EXPECT_EQ(status("?_HLS_msn=1&_HLS_part=5"), 200U)
      << "the part behind the last of segment 1 is 2.0";
  EXPECT_EQ(status("?session=7"), 200U);
  const auto blocked = bench.get("0.m3u8?_HLS_msn=2&_HLS_part=1");
  EXPECT_EQ(blocked.status, 202U);
  EXPECT_EQ(blocked.wait_for, "0.m3u8");
  EXPECT_EQ(blocked.patience, 3s) << "three target durations, then 503";
  EXPECT_EQ(status("?_HLS_msn=2"), 202U) << "the whole segment";
  EXPECT_EQ(status("?_HLS_msn=3&_HLS_part=0"), 202U);
  EXPECT_EQ(status("?_HLS_msn=4"), 400U) << "too far ahead";
  EXPECT_EQ(status("?_HLS_msn=2&_HLS_part=100"), 400U);
  EXPECT_EQ(status("?_HLS_part=1"), 400U) << "of which segment";
  EXPECT_EQ(status("?_HLS_msn=x"), 400U);
  EXPECT_EQ(status("?_HLS_msn=-1"), 400U);
  EXPECT_EQ(status("?_HLS_msn=1&_HLS_msn=2"), 400U);
  EXPECT_NE(bench.get("0.m3u8?_HLS_msn=x").reason, "");
  EXPECT_EQ(audio.sounds(2250ms, 2450ms), GST_FLOW_OK);
  const auto ready = bench.wait_for("0.m3u8?_HLS_msn=2&_HLS_part=1", is_whole);
  EXPECT_NE(ready.data.find(R"(URI="0-2.1.ts",INDEPENDENT)"), std::string::npos);
  EXPECT_EQ(audio.sounds(2450ms, 3100ms), GST_FLOW_OK);
  EXPECT_NE(bench.wait_for("0.m3u8?_HLS_msn=2", is_whole).data.find("0-2.ts\n"), std::string::npos);
  EXPECT_EQ(bench.get("master.m3u8?_HLS_msn=x").status, 200U) << "that has no segments";
}

TEST(HlsLiveSinkRequests, APlainPlaylistBlocksNoReload) {
  LiveSinkBench bench{"low-latency=false"};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-0.ts\n");
  EXPECT_EQ(bench.get("0.m3u8?_HLS_msn=5&_HLS_part=2").status, 200U);
}

TEST(HlsLiveSinkRequests, ADeltaSkipsWhatAPlayerHas) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 9100ms), GST_FLOW_OK);
  const auto full = bench.wait_for("0.m3u8", "0-8.ts\n");
  const auto delta = bench.get("0.m3u8?_HLS_skip=YES").data;
  EXPECT_EQ(LiveSinkBench::tags(delta, "#EXT-X-SKIP"), Strings{"#EXT-X-SKIP:SKIPPED-SEGMENTS=3"})
      << "what is more than six target durations from the end";
  EXPECT_EQ(LiveSinkBench::tags(delta, "0-").front(), "0-3.ts");
  EXPECT_EQ(full.substr(full.find("0-3.ts")), delta.substr(delta.find("0-3.ts")));
  EXPECT_EQ(bench.get("0.m3u8?_HLS_msn=8&_HLS_skip=v2").data, delta);
  EXPECT_EQ(bench.get("0.m3u8?_HLS_skip=NO").data, full);
}

TEST(HlsLiveSinkRequests, ThePartThatIsHintedAtIsWaitedForAndGrows) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1010ms), GST_FLOW_OK);
  const auto name = std::string{"0-1.0.ts"};
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-0.ts\n"), "#EXT-X-PRELOAD-HINT"),
            Strings{R"(#EXT-X-PRELOAD-HINT:TYPE=PART,URI="0-1.0.ts")"});
  const auto early = bench.get(name);
  EXPECT_EQ(early.status, 202U);
  EXPECT_EQ(early.wait_for, name);
  EXPECT_EQ(early.patience, 3s);
  EXPECT_EQ(bench.get("0-1.1.ts").status, 404U) << "nobody was told of that one";
  // Four frames are a packet, and two more stay back.
  EXPECT_EQ(audio.sounds(1010ms, 1150ms), GST_FLOW_OK);
  const auto begun =
      bench.wait_for(name, [](const Answer& answer) { return answer.status == 200; });
  EXPECT_FALSE(begun.is_complete);
  EXPECT_EQ(begun.data.size() % kPacket, 0U);
  EXPECT_EQ(LiveSinkBench::read(begun.data).sounds.substr(0, 5), "S1008");
  EXPECT_EQ(begun.type, "video/mp2t");
  EXPECT_EQ(audio.sounds(1150ms, 1250ms), GST_FLOW_OK);
  const auto whole = bench.wait_for(name, is_whole);
  EXPECT_EQ(whole.data.substr(0, begun.data.size()), begun.data);
  EXPECT_GT(whole.data.size(), begun.data.size());
  EXPECT_EQ(bench.get(name, begun.data.size()).data, whole.data.substr(begun.data.size()));
  EXPECT_EQ(bench.get(name, whole.data.size()).data, "");
  EXPECT_EQ(bench.get(name, whole.data.size() + 1).data, "");
  const auto changes = bench.changes();
  EXPECT_GE(std::count(changes.begin(), changes.end(), name), 2);
}

TEST(HlsLiveSinkRequests, CachesKeepSegmentsForEverAndPlaylistsNoLongerThanTheyAreTrue) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 2100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-1.ts\n");
  EXPECT_EQ(bench.get("0-0.ts").cache_control, kForEver);
  EXPECT_EQ(bench.get("0-1.0.ts").cache_control, kForEver);
  EXPECT_EQ(bench.get("0.m3u8").cache_control, "public, max-age=0, stale-while-revalidate=0");
  EXPECT_EQ(bench.get("0.m3u8?_HLS_msn=1").cache_control,
            "public, max-age=6, stale-while-revalidate=0");
  EXPECT_EQ(bench.get("master.m3u8").cache_control, "public, max-age=1, stale-while-revalidate=0");
  LiveSinkBench plain{"low-latency=false target-duration=2000000000"};
  EXPECT_EQ(plain.add("audio_0").sounds(0s, 2100ms), GST_FLOW_OK);
  EXPECT_EQ(plain.wait_for("0.m3u8", is_whole).cache_control,
            "public, max-age=1, stale-while-revalidate=0");
  plain.end();
  plain.wait_for("0.m3u8", "ENDLIST");
  EXPECT_EQ(plain.get("0.m3u8").cache_control, "public, max-age=3600, stale-while-revalidate=0");
}

// Section 6.2.2 of the draft: its own length and that of the longest playlist. Section 4.4.4.9: parts,
// three target durations, 10 s at least.
TEST(HlsLiveSinkRequests, WhatHasLeftThePlaylistStaysForAsLongAsPlayersMayAskForIt) {
  LiveSinkBench bench{"window=3000000000"};
  auto& audio = bench.add("audio_0");
  auto go_on = [&, newest = Duration{0}](Duration to) mutable {
    for (; newest < to; newest += 24ms) {
      bench.set_time(newest);
      EXPECT_EQ(audio.sound(newest), GST_FLOW_OK);
    }
  };
  const auto is_gone = [](const Answer& answer) { return answer.status == 404; };
  // When 0-2 is complete, at 3 s, the parts of 0-0 leave; when 0-3 is, at 4.008 s, so does 0-0.
  go_on(3010ms);
  bench.wait_for("0.m3u8", "0-2.ts\n");
  go_on(4010ms);
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-3.ts\n"), "0-"),
            (Strings{"0-1.ts", "0-2.ts", "0-3.ts"}));
  EXPECT_EQ(LiveSinkBench::tags(bench.get("0.m3u8").data, "#EXT-X-MEDIA-SEQUENCE"),
            Strings{"#EXT-X-MEDIA-SEQUENCE:1"});
  // 1.008 s and the 4.008 s of the playlist before it was removed from it.
  go_on(9010ms);
  bench.wait_for("0.m3u8", "\"0-8.3.ts\",");
  EXPECT_EQ(bench.get("0-0.ts").status, 200U);
  go_on(9300ms);
  bench.wait_for("0-0.ts", is_gone);
  EXPECT_EQ(bench.get("0-1.ts").status, 200U);
  go_on(12990ms);
  bench.wait_for("0.m3u8", "\"0-12.3.ts\",");
  EXPECT_EQ(bench.get("0-0.4.ts").status, 200U);
  go_on(13300ms);
  bench.wait_for("0-0.4.ts", is_gone);
}

}  // namespace
}  // namespace onair::test
