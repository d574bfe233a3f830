// SPDX-License-Identifier: LGPL-2.1-or-later
// hlsbalancer: where it cuts, and what it asks for.
#include <string>
#include <thread>
#include <vector>

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "gst_environment.hpp"
#include "hlsbalancer_bench.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

using Strings = std::vector<std::string>;

constexpr Duration kTenth{100ms};  // ten pictures a second
constexpr const char* kTenASecond =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, "
    "framerate=(fraction)10/1";

// Those of the first picture are made before the sound is known, where that comes second: to half a frame of it.
void expect_requests(BalancerStream& video, const Strings& expected) {
  const auto requests = video.requests();
  ASSERT_EQ(requests.size(), expected.size());
  for (std::size_t n = 0; n < requests.size(); ++n) {
    if (requests[n] == "now" || expected[n] == "now")
      EXPECT_EQ(requests[n], expected[n]);
    else
      EXPECT_NEAR(std::stoi(requests[n]), std::stoi(expected[n]), 12) << n;
  }
}

// Sound and pictures of an encoder that answers, up to `to`; the sound waits where it must.
void broadcast(BalancerStream& audio, BalancerStream& video, Duration from, Duration to) {
  auto sound = on_a_thread([&] {
    const auto first = (from + kSoundFrame - 1ns) / kSoundFrame * kSoundFrame;
    return audio.sounds(first, to);
  });
  EXPECT_EQ(video.encode(from, to, kTenth), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
}

TEST(HlsBalancer, SoundAloneIsCutAtTheFramesNearestToTheGrid) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 4100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(),
            (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992", "3@3000 S3000", "4@4008 S4008"}));
  std::size_t others = 0;
  for (const auto& item : audio.buffers())
    others += item.name[0] == 's' ? 1 : 0;
  EXPECT_EQ(others, audio.buffers().size() - 5) << "writers that follow sound cut nowhere else";
}

TEST(HlsBalancer, PictureIsAskedForKeyFramesAndBeginsTogetherWithTheSound) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kTenASecond);
  broadcast(audio, video, 0s, 4100ms);
  EXPECT_EQ(audio.cuts(),
            (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992", "3@3000 S3000", "4@4008 S4008"}));
  EXPECT_EQ(video.cuts(),
            (Strings{"0@0 K0", "1@1008 K1008", "2@1992 K1992", "3@3000 K3000", "4@4008 K4008"}))
      << "each moved by 8 ms";
  // Half a frame interval before the boundary, three seconds ahead.
  expect_requests(video, {"958", "1942", "2950", "3958", "4942", "5950"});
  EXPECT_EQ(bench.stat("demoted"), 0u);
  EXPECT_EQ(bench.stat("missed"), 0u);
  for (const auto& item : audio.buffers())
    EXPECT_EQ(item.name[0], 'S') << "the writer follows the picture";
}

// An encoder goes on meanwhile, past the first boundaries.
TEST(HlsBalancer, ThePictureIsAskedForKeyFramesWhileItWaitsForTheSound) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto picture = on_a_thread([&] { return video.key(0s); });
  ASSERT_TRUE(video.wait_for_upstream("GstForceKeyUnit", 3));
  EXPECT_EQ(video.requests(), (Strings{"983", "1983", "2983"})) << "30 a second, by a guess";
  EXPECT_TRUE(video.buffers().empty());
  EXPECT_EQ(audio.sound(0s), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  EXPECT_EQ(video.requests().size(), 3u) << "not twice";
}

TEST(HlsBalancer, SoundWhoseTimestampsAreRoundedBeginsNoNanosecondBeforeThePicture) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0", "audio/mpeg, mpegversion=4, rate=48000, channels=2");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] {
    for (std::int64_t n = 0; n < 500; ++n)
      audio.sound(Duration{n * 1024 * 1'000'000'000 / 48'000}, 21'333'333ns);
  });
  EXPECT_EQ(video.encode(0s, 11s, kTenth), GST_FLOW_OK);
  video.push_event(gst_event_new_eos());
  sound.get();
  std::vector<GstClockTime> starts[2];
  for (const bool is_sound : {true, false}) {
    bool is_next = false;
    for (const auto& item : (is_sound ? audio : video).items()) {
      if (item.buffer && is_next)
        starts[is_sound].push_back(GST_BUFFER_PTS(item.buffer.get()));
      is_next = item.name == "GstForceKeyUnit";
    }
  }
  EXPECT_EQ(starts[true].size(), 11u);
  EXPECT_EQ(starts[true], starts[false]);
}

TEST(HlsBalancer, WithoutSoundTheGridIsExact) {
  BalancerBench bench{"target-duration=700000000"};
  auto& video = bench.add("video_0");
  EXPECT_EQ(video.encode(0s, 3s, kTenth), GST_FLOW_OK);
  EXPECT_EQ(video.cuts(),
            (Strings{"0@0 K0", "1@700 K700", "2@1400 K1400", "3@2100 K2100", "4@2800 K2800"}));
}

TEST(HlsBalancer, WithoutSnapTheTimesOfPicturesAreTheirOwn) {
  BalancerBench bench{"snap=false"};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  broadcast(audio, video, 0s, 2100ms);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992"}));
  EXPECT_EQ(video.cuts(), (Strings{"0@0 K0", "1@1000 K1000", "2@2000 K2000"}));
}

TEST(HlsBalancer, OtherKeyFramesBeginNothing) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  video.key(0s);
  for (auto pts = kTenth; pts < 1s; pts += kTenth)
    pts == 300ms || pts == 900ms ? video.key(pts) : video.picture(pts);
  video.key(1s);
  EXPECT_EQ(video.out_order(),
            "|0@0 K0 D100 D200 D300 D400 D500 D600 D700 D800 D900 |1@1000 K1000");
  EXPECT_EQ(bench.stat("demoted"), 2u);
}

TEST(HlsBalancer, ALateKeyFrameMakesItsSegmentLongerAndTheNextOneShorter) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0", kTenASecond);
  auto sound = on_a_thread([&] { return audio.sounds(0s, 2100ms); });
  video.key(0s);
  for (auto pts = kTenth; pts < 1400ms; pts += kTenth)
    video.picture(pts);
  video.key(1400ms);
  for (Duration pts = 1500ms; pts < 2s; pts += kTenth)
    video.picture(pts);
  video.key(2s);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1392 S1392", "2@1992 S1992"}));
  EXPECT_EQ(video.cuts(), (Strings{"0@0 K0", "1@1392 K1392", "2@1992 K1992"}));
  // Asked for again when it was overdue.
  expect_requests(video, {"958", "1942", "2950", "3958", "now", "4942"});
  EXPECT_EQ(bench.stat("repeats"), 1u);
  EXPECT_EQ(int64_of(bench.stats().get(), "error"), ns(0s) - ns(8ms));
  EXPECT_EQ(bench.stat("worst-error"), ns(392ms));
}

TEST(HlsBalancer, AGapInThePictureMakesNoSegmentLongerThanPlayersTake) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sounds(0s, 5100ms); });
  EXPECT_EQ(video.encode(0s, 1s, kTenth), GST_FLOW_OK);
  EXPECT_EQ(video.encode(1700ms, 2950ms, kTenth), GST_FLOW_OK);
  EXPECT_EQ(video.encode(4600ms, 5200ms, kTenth), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992", "3@3000 S3000",
                                   "4@4008 S4008", "5@4992 S4992"}));
  EXPECT_EQ(video.cuts(),
            (Strings{"0@0 K0", "1@1008 K1008", "2@1992 K1992", "4@4008 K4008", "5@4992 K4992"}))
      << "segment 3 has no picture, and the first one behind it is in its place";
  EXPECT_EQ(bench.stat("missed"), 0u);
  EXPECT_EQ(bench.stat("worst-error"), ns(8ms));
}

TEST(HlsBalancer, RenditionsAreCutAtTheSameInstants) {
  BalancerBench bench;
  auto& fast = bench.add("video_0");
  auto& slow = bench.add("video_1");
  auto& audio = bench.add("audio_0");
  auto sound = on_a_thread([&] { return audio.sounds(0s, 4100ms); });
  auto rendition = on_a_thread([&] { return slow.encode(0s, 4200ms, 150ms); });
  EXPECT_EQ(fast.encode(0s, 4200ms, 40ms), GST_FLOW_OK);
  EXPECT_EQ(rendition.get(), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  const Strings cuts{"0@0 K0", "1@1008 K1008", "2@1992 K1992", "3@3000 K3000", "4@4008 K4008"};
  EXPECT_EQ(fast.cuts(), cuts);
  EXPECT_EQ(slow.cuts(), cuts);
}

TEST(HlsBalancer, RemoteKeyFramesAreAskedForEarlierByWhatTheyTake) {
  BalancerBench bench{"mode=passthrough target-duration=2000000000"};
  auto& video = bench.add("video_0");
  // Each request is answered 300 ms later.
  Duration answer{0};
  std::size_t asked = 0;
  for (Duration pts{0}; pts < 61s; pts += kTenth) {
    pts >= answer&& answer >= 0ns ? video.key(pts) : video.picture(pts);
    if (pts >= answer)
      answer = -1ns;
    const auto requests = video.requests();
    if (requests.size() > asked && answer < 0ns)
      answer = pts + 300ms;
    asked = requests.size();
    for (const auto& request : requests)
      EXPECT_EQ(request, "now");
  }
  const auto cuts = video.cuts();
  ASSERT_GE(cuts.size(), 30u);
  EXPECT_EQ(cuts[20], "20@40000 K40000");
  EXPECT_EQ(cuts[30], "30@60000 K60000");
  EXPECT_EQ(bench.stat("response-time"), ns(300ms));
}

TEST(HlsBalancer, SoundInFrontOfTheFirstPictureIsDropped) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sounds(0s, 600ms); });
  EXPECT_EQ(video.key(500ms), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.out_order(), "|0@504 S504 S528 S552 S576");
  EXPECT_EQ(video.out_order(), "|0@504 K504");
  EXPECT_EQ(bench.stat("dropped"), 21u);
}

TEST(HlsBalancer, FramesInFrontOfTheFirstKeyFrameAreDropped) {
  BalancerBench bench;
  auto& video = bench.add("video_0");
  EXPECT_EQ(video.picture(0ms), GST_FLOW_OK);
  EXPECT_EQ(video.picture(100ms), GST_FLOW_OK);
  EXPECT_EQ(video.requests(), Strings{"now"});
  EXPECT_EQ(video.key(200ms), GST_FLOW_OK);
  EXPECT_EQ(video.out_order(), "|0@200 K200");
  EXPECT_EQ(bench.stat("dropped"), 2u);
}

// ---- the clock

TEST(HlsBalancer, TheOthersWaitAtTheStartForAsLongAsTheyShall) {
  BalancerBench bench{"max-wait=500000000"};
  auto& audio = bench.add("audio_0");
  bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  EXPECT_EQ(bench.wait_for_deadline(), 500ms);
  EXPECT_EQ(audio.out_order(), "");
  bench.crank();
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.out_order(), "|0@0 S0");
}

TEST(HlsBalancer, SoundGoesOnWithoutAKeyFrameThatDoesNotCome) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto picture = on_a_thread([&] { return video.encode(0s, 500ms, kTenth); });
  EXPECT_EQ(audio.sounds(0s, 1s), GST_FLOW_OK);
  EXPECT_EQ(picture.get(), GST_FLOW_OK);
  auto sound = on_a_thread([&] { return audio.sounds(1008ms, 2500ms); });
  EXPECT_EQ(bench.wait_for_deadline(), 2s);
  bench.crank();
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 S1008", "2@1992 S1992"}));
  // The picture comes back, and begins the next segment of both.
  for (Duration pts = 2500ms; pts < 3s; pts += kTenth)
    video.picture(pts);
  auto more = on_a_thread([&] { return audio.sounds(2520ms, 3100ms); });
  video.key(3s);
  EXPECT_EQ(more.get(), GST_FLOW_OK);
  EXPECT_EQ(video.cuts().back(), "3@3000 K3000");
  EXPECT_EQ(audio.cuts().back(), "3@3000 S3000");
}

TEST(HlsBalancer, SoundThatDiesIsFilledAtEachBoundarySoThatNobodyWaitsDownstream) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  broadcast(audio, video, 0s, 1500ms);
  // Nothing more from the sound: boundary 2 is decided, and waits for it.
  EXPECT_EQ(video.encode(1500ms, 2100ms, kTenth), GST_FLOW_OK);
  EXPECT_EQ(bench.wait_for_deadline(), 2s);
  EXPECT_EQ(audio.cuts().back(), "1@1008 S1008");
  bench.crank();
  ASSERT_TRUE(audio.wait_for("E1992"));
  // From here on it is not waited for.
  EXPECT_EQ(video.encode(2100ms, 3100ms, kTenth), GST_FLOW_OK);
  ASSERT_TRUE(audio.wait_for("E3000"));
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 S1008", "2@1992 E1992", "3@3000 E3000"}));
  EXPECT_EQ(bench.stat("fills"), 2u);
  // It comes back, and finds its place.
  EXPECT_EQ(audio.sounds(3504ms, 3900ms), GST_FLOW_OK);
  auto sound = on_a_thread([&] { return audio.sounds(3912ms, 4100ms); });
  EXPECT_EQ(video.encode(3100ms, 4100ms, kTenth), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts().back(), "4@4008 S4008");
  EXPECT_EQ(video.cuts().back(), "4@4008 K4008");
}

TEST(HlsBalancer, PausedNobodyIsGivenUp) {
  BalancerBench bench{"max-wait=100000000", GST_STATE_PAUSED};
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sound(0s); });
  bench.set_time(1h);
  EXPECT_EQ(video.key(0s), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), Strings{"0@0 S0"});
}

// ---- jumps

TEST(HlsBalancer, AJumpBeginsANewGridWithADiscontinuityAndTheNextNumber) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(0s, 1100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.sounds(3600s, 3600s + 1100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(),
            (Strings{"0@0 S0", "1@1008 S1008", "2@3600000 S3600000!", "3@3601008 S3601008"}));
  EXPECT_EQ(bench.stat("breaks"), 1u);
  const auto messages = bench.messages(GST_MESSAGE_ELEMENT, "hlsbalancer-boundary");
  ASSERT_EQ(messages.size(), 4u);
  const auto* normal = gst_message_get_structure(messages[1].get());
  EXPECT_EQ(int64_of(normal, "count"), 1);
  EXPECT_EQ(int64_of(normal, "running-time"), 1'008'000'000);
  EXPECT_EQ(int64_of(normal, "error"), 8'000'000);
  EXPECT_EQ(uint64_of(normal, "duration"), ns(1008ms));
  EXPECT_FALSE(flag_of(normal, "break"));
  const auto* broken = gst_message_get_structure(messages[2].get());
  EXPECT_TRUE(flag_of(broken, "break"));
  EXPECT_FALSE(gst_structure_has_field(broken, "duration"));
}

TEST(HlsBalancer, MessagesSayWhoWasNotWaitedFor) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  broadcast(audio, video, 0s, 500ms);
  EXPECT_EQ(video.encode(500ms, 1100ms, kTenth), GST_FLOW_OK);
  while (bench.stat("fills") == 0)
    bench.set_time(
        2s);  // again, as it may not have been waiting yet: a test clock ends only waits that are there
  EXPECT_EQ(video.encode(1100ms, 2100ms, kTenth), GST_FLOW_OK);
  std::vector<Strings> absent;
  for (const auto& message : bench.messages(GST_MESSAGE_ELEMENT, "hlsbalancer-boundary")) {
    gchar** names = nullptr;
    gst_structure_get(gst_message_get_structure(message.get()), "absent", G_TYPE_STRV, &names,
                      nullptr);
    ASSERT_NE(names, nullptr);
    absent.emplace_back(names, names + g_strv_length(names));
    g_strfreev(names);
  }
  EXPECT_EQ(absent, (std::vector<Strings>{{}, {}, {"audio_0"}}))
      << "sound that is late is not yet sound that does not come";
}

TEST(HlsBalancer, LostSoundLeavesTheGridWhereItIs) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  audio.sounds(0s, 900ms);
  audio.sounds(1104ms, 2100ms);  // the frame of the boundary is among those that are lost
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1104 S1104", "2@1992 S1992"}));
}

TEST(HlsBalancer, AGapOfSoundIsAnnouncedAndCutWithoutAnyWait) {
  BalancerBench bench;
  auto& audio = bench.add("audio_0");
  auto& video = bench.add("video_0");
  auto sound = on_a_thread([&] { return audio.sounds(0s, 600ms); });
  EXPECT_EQ(video.encode(0s, 2100ms, kTenth), GST_FLOW_OK);
  EXPECT_EQ(sound.get(), GST_FLOW_OK);
  EXPECT_TRUE(audio.push_event(gst_event_new_gap(600 * GST_MSECOND, 600 * GST_MSECOND)));
  EXPECT_EQ(audio.sounds(1200ms, 2100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@0 S0", "1@1008 E1008", "2@1992 S1992"}));
  EXPECT_EQ(audio.events("gap").size(), 1u);
}

// ---- a grid that others share

TEST(HlsBalancer, AnchoredAtTheEpochTwoServersCutAtTheSameInstants) {
  // It is 10.3 s past a round second of 1970 when running time is 2 s; phase moves it by 100 ms.
  BalancerBench bench{"anchor=epoch phase=100000000"};
  auto& audio = bench.add("audio_0");
  audio.push_event(gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new("onair-timeline", "running-time", G_TYPE_UINT64, ns(2s), "unix-time",
                        G_TYPE_UINT64, ns(10'300ms), nullptr)));
  EXPECT_EQ(audio.sounds(2s, 4200ms), GST_FLOW_OK);
  // 11.1 s is at 2.8 s, on the frame at 2.792 s.
  EXPECT_EQ(audio.cuts(), (Strings{"10@2000 S2000", "11@2792 S2792", "12@3800 S3800"}));
}

TEST(HlsBalancer, TheSendersClockGoesBeforeTheReceivers) {
  constexpr guint64 kNtp = G_GUINT64_CONSTANT(2'208'988'800) * GST_SECOND;
  BalancerBench bench{"anchor=epoch"};
  auto& audio = bench.add("audio_0");
  audio.push_event(gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new("onair-timeline", "running-time", G_TYPE_UINT64, ns(2s), "unix-time",
                        G_TYPE_UINT64, ns(10'300ms), "ntp-time", G_TYPE_UINT64, kNtp + ns(20'400ms),
                        nullptr)));
  EXPECT_EQ(audio.sounds(2s, 2700ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"20@2000 S2000", "21@2600 S2600"}));
}

TEST(HlsBalancer, WithoutATimelineTheGridBeginsWithTheStream) {
  BalancerBench bench{"anchor=epoch"};
  auto& audio = bench.add("audio_0");
  EXPECT_EQ(audio.sounds(2s, 3100ms), GST_FLOW_OK);
  EXPECT_EQ(audio.cuts(), (Strings{"0@2000 S2000", "1@3008 S3008"}));
}

}  // namespace
}  // namespace onair::test
