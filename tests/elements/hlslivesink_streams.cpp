// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: streams that break, stop, come late, end and begin anew; time; states.
#include <algorithm>
#include <string>
#include <string_view>
#include <thread>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "fatal_warnings.hpp"
#include "hlslivesink_bench.hpp"

namespace onair::test {
namespace {

constexpr const char* kPlain = "low-latency=false";
constexpr std::string_view kDiscontinuity = "#EXT-X-DISCONTINUITY";

// A factory that cannot be found while this lives.
class WithoutElement {
 public:
  explicit WithoutElement(const char* name)
      : feature_{GstPtr<GstPluginFeature>::adopt(
            gst_registry_lookup_feature(gst_registry_get(), name))} {
    gst_registry_remove_feature(gst_registry_get(), feature_.get());
  }
  ~WithoutElement() { gst_registry_add_feature(gst_registry_get(), feature_.get()); }
  WithoutElement(const WithoutElement&) = delete;
  WithoutElement& operator=(const WithoutElement&) = delete;

 private:
  GstPtr<GstPluginFeature> feature_;
};

// Where in the list the tag stands: in front of which segment.
Strings discontinuities(const std::string& playlist) {
  Strings found;
  bool is_next = false;
  for (const auto& line : LiveSinkBench::lines(playlist)) {
    is_next |= line == kDiscontinuity;
    if (is_next && line.front() != '#') {
      found.push_back(line);
      is_next = false;
    }
  }
  return found;
}

// ---- time

TEST(HlsLiveSinkStreams, AJumpOfTheTimeLineIsADiscontinuityAndTimesInTheFilesGoOn) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 2100ms);
  bench.broadcast(3600s, 3602100ms);
  const auto text = bench.wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(discontinuities(text), Strings{"0-3.ts"});
  const auto before = bench.media("0-2.ts");
  const auto behind = bench.media("0-3.ts");
  EXPECT_EQ(before.pictures, "K2000");
  EXPECT_EQ(behind.pictures.substr(0, 8), "K3600000");
  EXPECT_EQ(behind.sounds.substr(0, 8), "S3600000");
  EXPECT_EQ(behind.stream.video.front().pts, behind.stream.audio.front().pts);
  EXPECT_GT(behind.stream.video.front().pts, before.stream.video.back().pts);
  EXPECT_LT(behind.stream.video.front().pts, before.stream.video.back().pts + 90'000);
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-DISCONTINUITY-SEQUENCE"),
            Strings{"#EXT-X-DISCONTINUITY-SEQUENCE:0"});
}

TEST(HlsLiveSinkStreams, LostFramesAreNoDiscontinuity) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1500ms), GST_FLOW_OK);
  EXPECT_EQ(audio.sounds(1700ms, 3100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-2.ts\n");
  EXPECT_EQ(discontinuities(text), Strings{});
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXTINF"),
            (Strings{"#EXTINF:1.008,", "#EXTINF:0.984,", "#EXTINF:1.008,"}));
}

TEST(HlsLiveSinkStreams, DatesAreThoseOfTheSendersClockOrOfTheArrival) {
  for (const bool is_captured : {true, false}) {
    LiveSinkBench bench;
    auto& audio = bench.add("audio_0");
    // 2026-03-01T12:00:00.250Z is running time 0.5 s.
    audio.push_timeline(500ms, 1'772'366'400'250ms, is_captured);
    EXPECT_EQ(audio.sounds(0s, 3100ms), GST_FLOW_OK);
    EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-2.ts\n"), "#EXT-X-PROGRAM-DATE-TIME"),
              (Strings{"#EXT-X-PROGRAM-DATE-TIME:2026-03-01T11:59:59.750Z",
                       "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:00.758Z",
                       "#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:01.742Z"}));
    EXPECT_EQ(text_of(bench.stats().get(), "date-source"), is_captured ? "capture" : "arrival");
    EXPECT_EQ(int64_of(bench.stats().get(), "date-error"), 0);
  }
}

TEST(HlsLiveSinkStreams, WithoutAMappingDatesAreOurClocks) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  const auto before = g_get_real_time();
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  const auto dates = LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-0.ts\n"), "#EXT-X-PROGRAM");
  const auto after = g_get_real_time();
  ASSERT_EQ(dates.size(), 1U);
  const auto text = dates[0].substr(dates[0].find(':') + 1);
  auto* date = g_date_time_new_from_iso8601(text.c_str(), nullptr);
  ASSERT_NE(date, nullptr);
  const auto us = g_date_time_to_unix(date) * 1'000'000 + g_date_time_get_microsecond(date);
  g_date_time_unref(date);
  EXPECT_GE(us, before - 1000) << "printed in milliseconds";
  EXPECT_LE(us, after + 1000);
  EXPECT_EQ(text_of(bench.stats().get(), "date-source"), "local");
}

// ---- the end

TEST(HlsLiveSinkStreams, AtTheEndThePlaylistIsCompleteAtOnce) {
  LiveSinkBench bench;
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 2500ms);
  bench.end();
  const auto text = bench.get("0.m3u8").data;
  EXPECT_EQ(LiveSinkBench::lines(text),
            (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,", "0-1.ts", "#EXTINF:0.528,",
                     "0-2.ts", "#EXT-X-ENDLIST"}))
      << "when EOS has been taken";
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-PLAYLIST-TYPE"), Strings{"#EXT-X-PLAYLIST-TYPE:VOD"});
  for (const char* tag : {"#EXT-X-PART", "#EXT-X-SERVER-CONTROL", "#EXT-X-PRELOAD-HINT"})
    EXPECT_EQ(LiveSinkBench::tags(text, tag), Strings{});
  const auto last = bench.media("0-2.ts");
  EXPECT_EQ(last.pictures, "K2000 D2100 D2200 D2300 D2400");
  EXPECT_TRUE(last.sounds.ends_with("S2496"));
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_EOS));
  // Whoever asks for what will never come is told at once.
  EXPECT_EQ(bench.get("0.m3u8?_HLS_msn=9").status, 200U);
}

TEST(HlsLiveSinkStreams, AnEventListsEverythingSinceTheBeginning) {
  LiveSinkBench bench{"playlist-type=event window=3000000000"};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 8100ms), GST_FLOW_OK);
  const auto live = bench.wait_for("0.m3u8", "0-7.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(live, "#EXT-X-PLAYLIST-TYPE"),
            Strings{"#EXT-X-PLAYLIST-TYPE:EVENT"});
  EXPECT_EQ(LiveSinkBench::tags(live, "0-").size(), 8U);
  audio.end();
  const auto text = bench.get("0.m3u8").data;
  EXPECT_EQ(LiveSinkBench::tags(text, "0-").size(), 9U);
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-PLAYLIST-TYPE"), Strings{"#EXT-X-PLAYLIST-TYPE:VOD"});
  bench.set_time(100s);
  EXPECT_EQ(bench.get("0-0.ts").status, 200U);
}

TEST(HlsLiveSinkStreams, AStreamThatEndsDoesNotEndTheOthers) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  bench.broadcast(0s, 1500ms);
  video.end();
  EXPECT_EQ(audio.sounds(1500ms, 3100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-2.ts\n");
  EXPECT_EQ(LiveSinkBench::lines(text), (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,",
                                                 "0-1.ts", "#EXTINF:1.008,", "0-2.ts"}));
  EXPECT_EQ(bench.media("0-2.ts").pictures, "");
  EXPECT_TRUE(bench.media("0-2.ts").stream.begins_with_tables);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_EOS).empty());
  audio.end();
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_EOS));
  EXPECT_NE(bench.get("0.m3u8").data.find("ENDLIST"), std::string::npos);
}

TEST(HlsLiveSinkStreams, APictureThatHasEndedBeforeTheFirstSoundIsThereLosesNothing) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    SCOPED_TRACE(properties);
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    audio.hold();
    auto sound = on_a_thread([&audio] {
      const auto flow = audio.sounds(0s, 2500ms);
      audio.end();
      return flow;
    });
    EXPECT_EQ(video.encode(0s, 2500ms), GST_FLOW_OK);
    video.end();
    audio.release();
    EXPECT_EQ(sound.get(), GST_FLOW_OK);
    const auto text = bench.get("0.m3u8").data;
    EXPECT_EQ(LiveSinkBench::tags(text, "#EXTINF"),
              (Strings{"#EXTINF:1.008,", "#EXTINF:0.984,", "#EXTINF:0.528,"}));
    EXPECT_EQ(LiveSinkBench::lines(text).back(), "#EXT-X-ENDLIST");
  }
}

TEST(HlsLiveSinkStreams, TheEndIsNotToldBeforeItPlays) {
  LiveSinkBench bench{kPlain, GST_STATE_PAUSED};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 500ms), GST_FLOW_OK);
  audio.end();
  EXPECT_NE(bench.get("0.m3u8").data.find("ENDLIST"), std::string::npos);
  EXPECT_TRUE(bench.messages(GST_MESSAGE_EOS).empty());
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_EOS));
}

TEST(HlsLiveSinkStreams, AnEndWithoutAnythingIsAnEnd) {
  LiveSinkBench bench;
  bench.add("audio_0").end();
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_EOS));
  EXPECT_EQ(bench.errors(), Strings{});
}

// ---- streams that stop, and that come late

TEST(HlsLiveSinkStreams, SoundThatStopsIsWaitedForNoLongerThanTheBalancerDoes) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    bench.broadcast(0s, 1500ms);
    EXPECT_EQ(video.encode(1500ms, 2100ms), GST_FLOW_OK);
    EXPECT_EQ(bench.get("0.m3u8").data.find("0-1.ts\n"), std::string::npos);
    bench.crank();
    while (bench.balancer_stat("fills") == 0)
      std::this_thread::yield();
    EXPECT_EQ(video.encode(2100ms, 4100ms), GST_FLOW_OK);
    bench.wait_for("0.m3u8", "0-2.ts\n");
    EXPECT_EQ(bench.media("0-2.ts").sounds, "") << properties;
    // It comes back: in the same stream, with nothing broken.
    EXPECT_EQ(audio.sound(4104ms), GST_FLOW_OK);
    bench.broadcast(4110ms, 6100ms);
    const auto text = bench.wait_for("0.m3u8", "0-5.ts\n");
    EXPECT_EQ(discontinuities(text), Strings{});
    const auto media = bench.media("0-5.ts");
    ASSERT_FALSE(media.stream.audio.empty());
    EXPECT_EQ(media.stream.audio.front().pts, media.stream.video.front().pts);
    EXPECT_EQ(media.pictures, "K5000 D5100 D5200 D5300 D5400 D5500 D5600 D5700 D5800 D5900");
  }
}

TEST(HlsLiveSinkStreams, SoundGoesOnWithoutThePicture) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    bench.broadcast(0s, 1500ms);
    auto sound = on_a_thread([&] { return audio.sounds(1500ms, 4100ms); });
    bench.wait_for_deadline();
    bench.crank();
    EXPECT_EQ(sound.get(), GST_FLOW_OK);
    bench.wait_for("0.m3u8", "0-3.ts\n");
    EXPECT_EQ(bench.media("0-2.ts").pictures, "") << properties;
    EXPECT_EQ(bench.media("0-2.ts").sounds.substr(0, 5), "S1992");
    EXPECT_TRUE(bench.media("0-3.ts").sounds.ends_with("S3984")) << bench.media("0-3.ts").sounds;
    EXPECT_EQ(video.key(4110ms), GST_FLOW_OK);
    bench.broadcast(4110ms, 7100ms);
    const auto text = bench.wait_for("0.m3u8", "0-6.ts\n");
    EXPECT_EQ(discontinuities(text), Strings{}) << "nothing was broken";
    EXPECT_EQ(bench.media("0-6.ts").pictures,
              "K6000 D6100 D6200 D6300 D6400 D6500 D6600 D6700 D6800 D6900");
  }
}

// EXTINF to the nearest second is EXT-X-TARGETDURATION at most (RFC 8216bis 4.4.3.1).
TEST(HlsLiveSinkStreams, AGapInThePictureMakesNoSegmentLongerThanPlayersTake) {
  for (const char* properties : {kPlain, "low-latency=true"}) {
    LiveSinkBench bench{properties};
    auto& audio = bench.add("audio_0");
    auto& video = bench.add("video_0");
    auto sound = on_a_thread([&] { return audio.sounds(0s, 6100ms); });
    EXPECT_EQ(video.encode(0s, 1s), GST_FLOW_OK);
    EXPECT_EQ(video.encode(1700ms, 2900ms), GST_FLOW_OK);
    EXPECT_EQ(video.encode(4600ms, 6200ms), GST_FLOW_OK);
    EXPECT_EQ(sound.get(), GST_FLOW_OK);
    const auto text = bench.wait_for("0.m3u8", "0-5.ts\n");
    EXPECT_EQ(LiveSinkBench::tags(text, "#EXTINF"),
              (Strings{"#EXTINF:1.008,", "#EXTINF:0.984,", "#EXTINF:1.008,", "#EXTINF:1.008,",
                       "#EXTINF:0.984,", "#EXTINF:1.008,"}))
        << properties;
    EXPECT_EQ(bench.media("0-1.ts").pictures, "K1700 D1800 D1900");
    EXPECT_EQ(bench.media("0-3.ts").pictures, "");
    EXPECT_EQ(bench.media("0-4.ts").pictures.substr(0, 5), "K4600");
    for (const char* name : {"0-1.ts", "0-4.ts"}) {
      const auto media = bench.media(name);
      EXPECT_EQ(media.stream.video.front().pts, media.stream.audio.front().pts)
          << name << ": who begins here sees something at once";
    }
  }
}

TEST(HlsLiveSinkStreams, AStreamThatComesLateJoinsBehindADiscontinuity) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto first = on_a_thread([&] { return audio.sound(0s); });
  bench.wait_for_deadline();
  bench.crank();
  EXPECT_EQ(first.get(), GST_FLOW_OK);
  // What has been begun is a segment without picture.
  EXPECT_EQ(audio.sounds(24ms, 2500ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-1.ts\n");
  EXPECT_EQ(bench.media("0-1.ts").pictures, "");
  EXPECT_EQ(video.key(2500ms), GST_FLOW_OK);
  audio.hold();
  auto sound = on_a_thread([&] { return audio.sounds(2500ms, 5100ms); });
  EXPECT_EQ(video.encode(2600ms, 5100ms), GST_FLOW_OK);
  audio.release();
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(discontinuities(text), Strings{"0-3.ts"});
  const auto before = bench.media("0-2.ts");
  const auto joined = bench.media("0-3.ts");
  EXPECT_EQ(before.pictures, "");
  EXPECT_EQ(joined.pictures.substr(0, 11), "K3000 D3100");
  EXPECT_TRUE(joined.stream.begins_with_tables);
  EXPECT_EQ(joined.stream.video.front().pts, joined.stream.audio.front().pts);
  EXPECT_GT(joined.stream.audio.front().pts, before.stream.audio.back().pts);
  std::string sounds;
  for (const char* name : {"0-0.ts", "0-1.ts", "0-2.ts", "0-3.ts", "0-4.ts"})
    sounds += bench.media(name).sounds + " ";
  std::string all;
  for (auto pts = 0ms; pts < 5016ms && all.size() < sounds.size(); pts += 24ms)
    all += "S" + std::to_string(pts / 1ms) + " ";
  EXPECT_EQ(sounds, all) << "no sound was lost";
}

// Sound is let go by the key frame that decides, and so is always behind it.
TEST(HlsLiveSinkStreams, SoundThatComesLateJoinsThePicture) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto first = on_a_thread([&] { return video.key(0s); });
  bench.wait_for_deadline();
  bench.crank();
  EXPECT_EQ(first.get(), GST_FLOW_OK);
  EXPECT_EQ(video.encode(100ms, 2500ms), GST_FLOW_OK);
  EXPECT_EQ(audio.sound(2496ms), GST_FLOW_OK);
  audio.hold();
  auto sound = on_a_thread([&] { return audio.sounds(2520ms, 5100ms); });
  EXPECT_EQ(video.encode(2500ms, 5100ms), GST_FLOW_OK);
  audio.release();
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(discontinuities(text), Strings{"0-3.ts"});
  EXPECT_EQ(bench.media("0-2.ts").sounds, "");
  const auto joined = bench.media("0-3.ts");
  EXPECT_EQ(joined.pictures.substr(0, 11), "K3000 D3100");
  EXPECT_EQ(joined.sounds.substr(0, 11), "S3000 S3024");
  EXPECT_TRUE(joined.stream.begins_with_tables);
}

TEST(HlsLiveSinkStreams, AStreamThatIsAddedLaterIsARenditionWithTheSameNumbers) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.add("video_0");
  bench.broadcast(0s, 2500ms);
  EXPECT_EQ(bench.add("video_1").key(2500ms), GST_FLOW_OK);
  bench.broadcast(2600ms, 6100ms);
  const auto first = bench.wait_for("0.m3u8", "0-5.ts\n");
  const auto text = bench.wait_for("1.m3u8", "1-5.ts\n");
  EXPECT_EQ(discontinuities(first), Strings{});
  const auto one = bench.media("0-5.ts");
  const auto other = bench.media("1-5.ts");
  EXPECT_EQ(other.pictures, one.pictures);
  EXPECT_EQ(other.sounds, one.sounds);
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXTINF").back(),
            LiveSinkBench::tags(first, "#EXTINF").back());
  EXPECT_EQ(LiveSinkBench::tags(text, "#EXT-X-PROGRAM").back(),
            LiveSinkBench::tags(first, "#EXT-X-PROGRAM").back());
  EXPECT_NE(bench.wait_for("master.m3u8", "\n1.m3u8").find("\n0.m3u8"), std::string::npos);
}

TEST(HlsLiveSinkStreams, APadThatNeverGetsAnythingHoldsNobodyUp) {
  LiveSinkBench bench{kPlain};
  auto& video = bench.add("video_0");
  bench.add("audio_0");
  auto picture = on_a_thread([&] { return video.key(0s); });
  bench.wait_for_deadline();
  bench.crank();
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  EXPECT_EQ(video.encode(100ms, 2100ms), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::tags(bench.wait_for("0.m3u8", "0-1.ts\n"), "0-"),
            (Strings{"0-0.ts", "0-1.ts"}));
  EXPECT_EQ(discontinuities(bench.get("0.m3u8").data), Strings{});
}

TEST(HlsLiveSinkStreams, OneRenditionThatStandsStillDoesNotHoldUpTheOther) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  bench.add("video_1");
  bench.broadcast(0s, 1500ms);
  const auto go_on = [&](Duration from, Duration to) {
    auto sound = on_a_thread([&, from, to] { return audio.sounds(from, to); });
    EXPECT_EQ(video.encode(from, to), GST_FLOW_OK);
    EXPECT_EQ(sound.get(), GST_FLOW_OK);
  };
  go_on(1500ms, 3100ms);
  bench.wait_for("0.m3u8", "0-2.ts\n");
  EXPECT_EQ(bench.get("1.m3u8").data.find("1-1.ts\n"), std::string::npos);
  bench.crank();
  // Who is given up is known at the next boundary.
  auto newest = 3100ms;
  while (bench.get("1.m3u8").data.find("1-2.ts\n") == std::string::npos && newest < 100s) {
    go_on(newest, newest + 1s);
    newest += 1s;
  }
  bench.wait_for("1.m3u8", "1-2.ts\n");
  EXPECT_EQ(bench.media("1-2.ts").pictures, "");
  EXPECT_EQ(bench.media("1-2.ts").sounds, bench.media("0-2.ts").sounds);
}

TEST(HlsLiveSinkStreams, APadThatIsReleasedIsAStreamThatEnds) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  bench.broadcast(0s, 1500ms);
  video.give_back();
  EXPECT_EQ(audio.sounds(1500ms, 3100ms), GST_FLOW_OK);
  bench.wait_for("0.m3u8", "0-2.ts\n");
  EXPECT_EQ(bench.media("0-1.ts").pictures, "K1000 D1100 D1200 D1300 D1400");
  audio.end();
  EXPECT_TRUE(bench.wait_for_message(GST_MESSAGE_EOS));
}

TEST(HlsLiveSinkStreams, AFlushBeginsANewLine) {
  LiveSinkBench bench{kPlain};
  bench.add("audio_0");
  bench.broadcast(0s, 2100ms);
  auto& audio = bench.stream(0);
  audio.push_event(gst_event_new_flush_start());
  audio.push_event(gst_event_new_flush_stop(TRUE));
  audio.push_segment();
  bench.broadcast(100s, 102100ms);
  const auto text = bench.wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(discontinuities(text), Strings{"0-3.ts"});
  EXPECT_EQ(bench.media("0-3.ts").sounds.substr(0, 14), "S100008 S10003")
      << bench.media("0-3.ts").sounds;
}

// ---- states, and what is wrong from the beginning

TEST(HlsLiveSinkStreams, AfterReadyItGoesOnBehindADiscontinuity) {
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  bench.set_time(1000s);
  EXPECT_EQ(audio.sounds(0s, 2100ms), GST_FLOW_OK);
  const auto before = bench.wait_for("0.m3u8", "0-1.ts\n");
  bench.set_state(GST_STATE_READY);
  EXPECT_EQ(bench.get("0.m3u8").data, before) << "players go on";
  bench.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(bench.get("0.m3u8").status, 202U);
  audio.open();
  EXPECT_EQ(audio.sounds(50s, 52100ms), GST_FLOW_OK);
  const auto text = bench.wait_for("0.m3u8", "0-3.ts\n");
  EXPECT_EQ(LiveSinkBench::lines(text),
            (Strings{"#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,", "0-1.ts", "#EXT-X-DISCONTINUITY",
                     "#EXTINF:1.008,", "0-2.ts", "#EXTINF:0.984,", "0-3.ts"}));
  EXPECT_EQ(bench.media("0-2.ts").sounds.substr(0, 6), "S50016");
  EXPECT_EQ(bench.errors(), Strings{});
}

TEST(HlsLiveSinkStreams, WhoWaitsIsLetGoWhenTheElementStops) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  bench.wait_for_deadline();
  bench.set_state(GST_STATE_READY);
  EXPECT_EQ(sound.get(), GST_FLOW_FLUSHING);
}

TEST(HlsLiveSinkStreams, ItStopsInTheMiddleOfAnything) {
  for (const int segments : {0, 1, 3})
    for (const char* properties : {kPlain, "low-latency=true"}) {
      LiveSinkBench bench{properties};
      bench.add("audio_0");
      bench.add("video_0");
      bench.broadcast(0s, segments * 1000ms + 130ms);
      bench.set_state(GST_STATE_NULL);
      EXPECT_EQ(bench.errors(), Strings{});
    }
}

TEST(HlsLiveSinkStreams, CapsThatNoMuxerTakesAreRefused) {
  LiveSinkBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  const auto refused = [](LiveStream& stream, const char* text) {
    const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(text));
    return !gst_pad_query_accept_caps(stream.in(), caps.get());
  };
  EXPECT_TRUE(refused(audio, "audio/x-raw, rate=48000, channels=2"));
  EXPECT_TRUE(refused(audio, "audio/x-opus"));
  EXPECT_TRUE(refused(audio, "audio/mpeg, mpegversion=1, parsed=false"));
  EXPECT_TRUE(refused(video, "video/x-h264, stream-format=byte-stream, alignment=nal"));
  EXPECT_TRUE(refused(video, "video/x-vp8"));
  EXPECT_FALSE(
      refused(audio, "audio/mpeg, mpegversion=4, stream-format=adts, rate=48000, channels=2"));
  video.push_caps("video/x-vp8");
  auto sound = on_a_thread([&] { return audio.sounds(0s, 500ms); });
  EXPECT_EQ(video.key(0s), GST_FLOW_NOT_NEGOTIATED);
  bench.wait_for_deadline();
  bench.crank();
  EXPECT_EQ(sound.get(), GST_FLOW_OK) << "others go on";
}

TEST(HlsLiveSinkStreams, AMuxerThatIsNotThereIsAnError) {
  const WithoutElement none{"mpegtsmux"};
  LiveSinkBench bench{kPlain};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1500ms), GST_FLOW_ERROR);
  const auto errors = bench.errors();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("mpegtsmux"), std::string::npos) << errors[0];
}

TEST(HlsLiveSinkStreams, WithoutABalancerItDoesNotStart) {
  const WithoutElement none{"hlsbalancer"};
  LiveSinkBench bench{"", GST_STATE_NULL};
  EXPECT_EQ(bench.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto errors = bench.errors();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("hlsbalancer"), std::string::npos) << errors[0];
  EXPECT_EQ(gst_element_request_pad_simple(bench.element(), "video_0"), nullptr);
}

TEST(HlsLiveSinkStreams, PadsAreCalledAsTheyAreAskedFor) {
  LiveSinkBench bench;
  EXPECT_EQ(bench.add("audio_%u").name(), "audio_0");
  EXPECT_EQ(bench.add("video_7").name(), "video_7");
  EXPECT_EQ(bench.add("video_%u").name(), "video_0");
  for (const char* name : {"video_07", "audio", "text_0"}) {
    auto* pad = gst_element_request_pad_simple(bench.element(), name);
    EXPECT_EQ(pad, nullptr) << name;
  }
  bench.stream(1).give_back();
  EXPECT_EQ(bench.add("video_7").name(), "video_7");
}

TEST(HlsLiveSinkStreams, PropertiesAreWhatTheyAreSetTo) {
  LiveSinkBench bench{"", GST_STATE_NULL};
  struct Property {
    const char* name;
    const char* initial;
    const char* value;
  };
  const auto text = [&](const char* name) {
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(bench.element()), name, &value);
    gchar* raw =
        G_VALUE_HOLDS_ENUM(&value)
            ? g_strdup(g_enum_get_value(
                           static_cast<GEnumClass*>(g_type_class_peek(G_VALUE_TYPE(&value))),
                           g_value_get_enum(&value))
                           ->value_nick)
            : g_strdup_value_contents(&value);
    const std::string found{raw};
    g_free(raw);
    g_value_unset(&value);
    return found;
  };
  for (const auto& [name, initial, value] :
       {Property{"location", "NULL", "\"/nowhere\""}, Property{"archive", "NULL", "\"/elsewhere\""},
        Property{"target-duration", "1000000000", "2000000000"},
        Property{"low-latency", "TRUE", "FALSE"}, Property{"part-target", "200000000", "300000000"},
        Property{"window", "12000000000", "0"}, Property{"start-offset", "0", "-5000000000"},
        Property{"origin-port", "-1", "0"}, Property{"origin-address", "\"0.0.0.0\"", "\"::1\""},
        Property{"encrypt-key-uri", "NULL", "\"key\""}, Property{"key-rotation", "0", "3"},
        Property{"playlist-type", "live", "event"}, Property{"container", "mpegts", "fmp4"},
        Property{"sync-files", "never", "always"}, Property{"audio", "muxed", "group"}}) {
    EXPECT_EQ(text(name), initial) << name;
    std::string bare{value};
    std::erase(bare, '"');
    bench.set(name, bare.c_str());
    EXPECT_EQ(text(name), value) << name;
  }
}

}  // namespace
}  // namespace onair::test
