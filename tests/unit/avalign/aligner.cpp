// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aligner.hpp"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "show.hpp"

namespace onair::test {
namespace {

using Event = Aligner::Event;
using Source = Aligner::Source;
using Trust = Aligner::Trust;

RunningTime at(Duration since_start) {
  return RunningTime{since_start};
}

std::vector<Aligner::Placed> take_all(Aligner& aligner, Aligner::StreamId stream) {
  std::vector<Aligner::Placed> found;
  while (const auto placed = aligner.take(stream))
    found.push_back(*placed);
  return found;
}

// ---- the start

TEST(Aligner, NothingGoesOutForTheFirstEightHundredMillisecondsAndThenEverythingDoes) {
  Aligner aligner{{}};
  const auto audio = aligner.add_stream(Kind::Audio);
  EXPECT_FALSE(aligner.next_deadline());
  aligner.on_unit(audio, {.id = 1, .media = MediaTime{7h}, .arrival = at(5s)}, at(5s));
  aligner.on_unit(audio, {.id = 2, .media = MediaTime{7h + 20ms}, .arrival = at(5s + 20ms)},
                  at(5s + 20ms));
  EXPECT_EQ(aligner.next_deadline(), at(5s) + Aligner::kStartHold);
  aligner.on_time(at(5800ms) - 1ns);
  EXPECT_FALSE(aligner.take(audio));
  EXPECT_EQ(aligner.stats(audio).held, 2U);
  aligner.on_time(at(5800ms));
  const auto out = take_all(aligner, audio);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].id, 1U);
  EXPECT_EQ(out[0].time, at(5s));
  EXPECT_TRUE(out[0].is_break);
  EXPECT_EQ(out[1].id, 2U);
  EXPECT_EQ(out[1].time, at(5s + 20ms));
  EXPECT_FALSE(out[1].is_break);
  EXPECT_FALSE(aligner.next_deadline());
  EXPECT_EQ(aligner.stats(audio).held, 0U);
}

TEST(Aligner, AUnitAtTheDeadlinePlacesItsStreamByItself) {
  Aligner aligner{{}};
  const auto audio = aligner.add_stream(Kind::Audio);
  aligner.on_unit(audio, {.id = 1, .media = MediaTime{0s}, .arrival = at(1s)}, at(1s));
  aligner.on_unit(audio, {.id = 2, .media = MediaTime{800ms}, .arrival = at(1800ms)}, at(1800ms));
  EXPECT_EQ(take_all(aligner, audio).size(), 2U);
}

TEST(Aligner, OnceThatItIsPlacedAStreamIsNotHeld) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  show.run(10s);
  for (const auto* track : {&audio, &video}) {
    EXPECT_EQ(show.inside(*track), 0U);
    for (const auto& out : track->outs) {
      if (out.arrival >= at(1s)) {
        ASSERT_EQ(out.released, out.arrival);
      }
    }
  }
}

TEST(Aligner, SoundGoesOutWhenAPacketThatMetNoQueueWouldHaveArrived) {
  Show show;
  auto& audio = show.add_audio();
  audio.queue = show.jitter(30ms);
  show.run(10s);
  // In 40 packets one finds a queue of some ms at most.
  EXPECT_LT(std::chrono::abs(audio.last().time - (audio.last().captured + audio.path)), 4ms);
  EXPECT_EQ(audio.breaks(), 1U);
}

TEST(Aligner, PacketsThatWereLateAtTheStartSayNothingOfThePath) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  video.blocked_until = at(700ms);
  show.run(5s);
  EXPECT_EQ(Show::most_skew(audio, video, at(0s)), 0ms);
}

TEST(Aligner, AFirstPacketThatWasLateByMoreIsNoBreakOfTheClock) {
  Show show;
  auto& audio = show.add_audio();
  show.run(20ms);
  audio.blocked_until = at(600ms);
  show.run(5s);
  EXPECT_EQ(audio.breaks(), 1U);
  EXPECT_EQ(show.aligner.stats(audio.id).rebases, 0U);
}

TEST(Aligner, NothingIsPlacedBeforeRunningTimeZero) {
  for (const Duration delay : {0ms, 7ms}) {
    Aligner aligner{{.audio_delay = delay}};
    const auto audio = aligner.add_stream(Kind::Audio);
    // The first was half a second late, and there was no running time for it to be early in.
    aligner.on_unit(audio, {.id = 1, .media = MediaTime{-3h}, .arrival = at(10ms)}, at(10ms));
    aligner.on_unit(audio, {.id = 2, .media = MediaTime{-3h + 500ms}, .arrival = at(20ms)},
                    at(20ms));
    aligner.on_time(at(2s));
    const auto out = take_all(aligner, audio);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].time, at(0s));
    EXPECT_EQ(out[1].time, at(500ms));
  }
}

TEST(Aligner, WhatTheClampAtZeroAddsIsAddedToThePictureToo) {
  Show show;
  auto& audio = show.add_audio();
  audio.media = MediaTime{-2h};
  audio.path = 0ms;
  auto& video = show.add_video();
  video.path = 0ms;
  // Running time began in the middle of the sender's first second.
  for (auto* track : {&audio, &video})
    track->next_capture = at(-500ms);
  audio.blocked_until = at(0s);
  video.blocked_until = at(0s);
  show.run(5s);
  EXPECT_EQ(audio.outs.front().time, at(0s));
  EXPECT_EQ(Show::most_skew(audio, video, at(0s)), 0ms);
}

TEST(Aligner, PictureFromBeforeZeroIsSqueezedIntoTheTimeAfterIt) {
  Show show{{.video_lag = 300ms}};
  auto& audio = show.add_audio();
  audio.path = 0ms;
  auto& video = show.add_video();
  video.path = 0ms;
  show.run(5s);
  // Eight frames belong before zero: they are references for what follows, and stay.
  ASSERT_EQ(video.kept().size(), video.outs.size());
  EXPECT_EQ(video.outs[0].time, at(0s));
  EXPECT_EQ(video.outs[7].time, at(7ms));
  EXPECT_EQ(video.outs[8].time, at(20ms));
  EXPECT_EQ(show.aligner.stats(video.id).squeezed, 8U);
}

TEST(Aligner, ASecondSoundFromBeforeZeroIsDropped) {
  Show show;
  auto& first = show.add_audio();
  first.path = 0ms;
  auto& second = show.add_audio();
  second.ssrc = 3;
  second.path = 0ms;
  second.next_capture = at(-300ms);
  second.blocked_until = at(0s);
  show.run(5s);
  // 15 packets of 20 ms were captured before the time line began.
  EXPECT_EQ(second.outs.size() - second.kept().size(), 15U);
  EXPECT_EQ(show.aligner.stats(second.id).dropped, 15U);
  EXPECT_EQ(Show::most_skew(first, second, at(0s)), 0ms);
}

// ---- the picture, by arrivals

TEST(Aligner, WithoutReportsADifferenceOfThePathsStaysInThePicture) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  video.path = 140ms;
  show.run(20s);
  EXPECT_EQ(Show::skew(audio, video), 100ms) << "no receiver can see it";
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
}

TEST(Aligner, AKnownDifferenceOfThePathsIsTakenOut) {
  Show show{{.video_lag = 100ms}};
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  video.path = 140ms;
  show.run(20s);
  EXPECT_EQ(Show::most_skew(audio, video, at(0s)), 0ms);
}

TEST(Aligner, ALagThatIsSetWhileItRunsIsSlewedTo) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  video.path = 140ms;
  show.run(20s);
  show.aligner.set_config({.video_lag = 100ms});
  show.run(40ms);
  EXPECT_GT(Show::skew(audio, video), 97ms);
  show.run(20s);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 2ms);
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
}

TEST(Aligner, PictureThatCameFirstLeadsUntilThereIsSound) {
  Show show{{.video_lag = 100ms}};
  auto& video = show.add_video();
  video.path = 140ms;
  show.run(5s);
  EXPECT_TRUE(show.aligner.stats(video.id).is_master);
  auto& audio = show.add_audio();
  show.run(5s);
  EXPECT_FALSE(show.aligner.stats(video.id).is_master);
  EXPECT_TRUE(show.aligner.stats(audio.id).is_master);
  EXPECT_EQ(Show::most_skew(audio, video, audio.outs.front().captured), 0ms);
  EXPECT_EQ(show.aligner.stats(video.id).slews, 0U) << "the sound was put where the picture is";
  EXPECT_EQ(video.breaks(), 1U);
}

TEST(Aligner, TheOrderInWhichStreamsAreAddedAndComeMakesNoDifference) {
  for (const Duration delay : {0ms, 300ms, 1500ms}) {
    for (const bool is_video_first : {false, true}) {
      SCOPED_TRACE(testing::Message() << delay.count() << ' ' << is_video_first);
      Show show;
      auto& early = is_video_first ? show.add_video() : show.add_audio();
      show.run(delay);
      auto& late = is_video_first ? show.add_audio() : show.add_video();
      show.run(5s);
      auto& audio = is_video_first ? late : early;
      auto& video = is_video_first ? early : late;
      EXPECT_EQ(Show::most_skew(audio, video, late.outs.front().captured), 0ms);
      EXPECT_TRUE(show.aligner.stats(audio.id).is_master);
    }
  }
}

TEST(Aligner, EqualPacketsOfAFrameHaveEqualTimes) {
  Aligner aligner{{}};
  const auto video = aligner.add_stream(Kind::Video);
  std::uint64_t id = 0;
  for (int frame = 0; frame < 100; ++frame) {
    const auto sent = frame * 40ms;
    for (int packet = 0; packet < 5; ++packet) {
      const auto arrival = at(1s + sent + packet * 3ms);
      aligner.on_unit(video, {.id = ++id, .media = MediaTime{sent}, .arrival = arrival}, arrival);
    }
  }
  const auto out = take_all(aligner, video);
  ASSERT_EQ(out.size(), 500U);
  for (std::size_t n = 0; n < out.size(); ++n)
    ASSERT_EQ(out[n].time, at(1s + 40ms * (n / 5)));
}

TEST(Aligner, ClocksThatDriftTogetherLeaveTheSoundAConstant) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  audio.rate = video.rate = 80e-6;
  show.run(1h);
  EXPECT_EQ(audio.breaks(), 1U);
  // 80 ppm of an hour, ahead of our clock by then.
  const auto lead = audio.last().time - audio.last().captured;
  EXPECT_NEAR(static_cast<double>(lead.count()), 40e6 + 288e6, 1e6);
  EXPECT_NEAR(show.aligner.stats(audio.id).rate_ppm, 80, 1);
  EXPECT_LE(Show::most_skew(audio, video, at(0s)), 2500us);
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
}

TEST(Aligner, APictureWhoseClockDriftsAgainstTheSoundFollowsIt) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  audio.rate = 50e-6;
  video.rate = -50e-6;
  show.run(20min);
  // 120 ms by now, if nobody had steered.
  EXPECT_LE(Show::most_skew(audio, video, at(60s)), 3ms);
  const auto slews = show.aligner.stats(video.id).slews;
  show.run(20min);
  EXPECT_EQ(show.aligner.stats(video.id).slews, slews) << "its rate is known by then";
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
}

// ---- several of a kind

TEST(Aligner, ASecondSoundIsOnTheLineOfTheFirst) {
  Show show;
  auto& first = show.add_audio();
  auto& second = show.add_audio();
  second.ssrc = 3;
  second.media = MediaTime{50h};
  auto& video = show.add_video();
  show.run(10s);
  EXPECT_EQ(Show::most_skew(first, second, at(0s)), 0ms);
  EXPECT_EQ(Show::most_skew(first, video, at(0s)), 0ms);
  EXPECT_TRUE(show.aligner.stats(first.id).is_master);
  EXPECT_FALSE(show.aligner.stats(second.id).is_master);
}

TEST(Aligner, AnotherAlignerGoesOnWithTheLeadOfTheFormer) {
  Show former;
  former.add_audio().rate = 80e-6;
  former.run(1h);
  const auto lead = former.aligner.lead();
  EXPECT_NEAR(static_cast<double>(lead.count()), 288e6, 1e6) << "80 ppm of an hour";
  Aligner aligner{{.audio_delay = 40ms, .lead = lead}};
  EXPECT_EQ(aligner.lead(), lead);
  const auto audio = aligner.add_stream(Kind::Audio);
  aligner.on_unit(audio, {.id = 1, .media = MediaTime{7h}, .arrival = at(5s)}, at(5s));
  aligner.on_time(at(5s) + Aligner::kStartHold);
  EXPECT_EQ(aligner.take(audio)->time, at(5s) + lead - 40ms);
  EXPECT_EQ(aligner.lead(), lead);
}

TEST(Aligner, ALeadThatIsSetCountsForALineThatHasNotBegun) {
  Aligner aligner{{}};
  aligner.set_config({.lead = 2s});
  EXPECT_EQ(aligner.lead(), 2s);
  const auto audio = aligner.add_stream(Kind::Audio);
  aligner.on_unit(audio, {.id = 1, .media = MediaTime{7h}, .arrival = at(5s)}, at(5s));
  aligner.on_time(at(5s) + Aligner::kStartHold);
  EXPECT_EQ(aligner.take(audio)->time, at(7s));
  aligner.set_config({.lead = 3s});
  EXPECT_EQ(aligner.lead(), 2s);
  aligner.remove_stream(audio);
  aligner.set_config({.audio_delay = 1ms, .lead = 3s});
  EXPECT_EQ(aligner.lead(), 2s) << "what has been, unless it is set anew";
  aligner.set_config({.lead = -1s});
  EXPECT_EQ(aligner.lead(), -1s);
}

TEST(Aligner, ASecondSoundLeadsWhenTheFirstHasGone) {
  Show show;
  auto& first = show.add_audio();
  auto& second = show.add_audio();
  second.ssrc = 3;
  auto& video = show.add_video();
  show.run(10s);
  show.remove(first);
  show.run(10s);
  EXPECT_TRUE(show.aligner.stats(second.id).is_master);
  EXPECT_EQ(Show::most_skew(second, video, at(0s)), 0ms);
  EXPECT_EQ(second.breaks(), 1U);
  EXPECT_EQ(video.breaks(), 1U);
}

TEST(Aligner, ASecondCameraIsSteeredByItself) {
  Show show;
  auto& audio = show.add_audio();
  auto& first = show.add_video();
  auto& second = show.add_video();
  second.ssrc = 3;
  second.media = MediaTime{-5h};
  second.interval = 33ms;
  second.rate = 50e-6;
  show.run(60s);
  EXPECT_LE(Show::most_skew(audio, first, at(0s)), 2500us);
  EXPECT_LE(Show::most_skew(audio, second, at(0s)), 3ms);
}

// Renditions of one picture: whatever they do, the same frame goes out at the same time. Only where
// a step leaves no room each is squeezed behind what it has sent itself.
class AlignerLayers : public testing::Test {
 protected:
  AlignerLayers() {
    low.interval = 2 * high.interval;
    high.report_interval = low.report_interval = 1s;
    audio.report_interval = 5s;
    low.report_error = high.report_error = [] { return 0ms; };
  }
  void expect_equal_times(const Track& one, const Track& other) {
    std::map<MediaTime, RunningTime> times;
    for (const auto& out : one.kept()) {
      if (!out.is_squeezed)
        times.emplace(out.media, out.time);
    }
    std::size_t common = 0;
    for (const auto& out : other.kept()) {
      const auto found = times.find(out.media);
      if (found == times.end() || out.is_squeezed)
        continue;
      ++common;
      ASSERT_EQ(out.time, found->second) << "unit " << out.id;
    }
    EXPECT_GT(common, 10U);
  }

  Show show;
  Track& audio = show.add_audio();
  Track& high = show.add_video();
  Track& low = show.add_video();
};

TEST_F(AlignerLayers, HaveEqualTimesWhichEverComesFirst) {
  audio.rate = 200e-6;  // so that there is something to steer
  high.rate = low.rate = -200e-6;
  show.run(10s);
  low.path = 50ms;
  show.run(30s);
  low.path = 40ms;
  high.path = 50ms;
  show.run(30s);
  expect_equal_times(high, low);
  EXPECT_GT(show.aligner.stats(high.id).slews, 0U);
}

TEST_F(AlignerLayers, HaveEqualTimesBehindALeap) {
  show.run(5s);
  high.media += 3h;
  low.media += 3h;
  show.run(10s);
  EXPECT_EQ(show.aligner.stats(high.id).rebases, 1U);
  EXPECT_EQ(show.aligner.stats(low.id).rebases, 1U);
  expect_equal_times(high, low);
}

TEST_F(AlignerLayers, HaveEqualTimesBehindALeapThatOneSawThroughAQueue) {
  show.run(5s);
  high.media += 3h;
  low.media += 3h;
  low.blocked_until = show.now() + 330ms;
  show.run(10s);
  expect_equal_times(high, low);
}

TEST_F(AlignerLayers, HaveEqualTimesBehindAnotherSource) {
  show.run(4s);  // a whole number of frames of both
  high.media = low.media = MediaTime{-4h};
  high.ssrc = low.ssrc = 99;
  low.blocked_until = show.now() + 130ms;
  show.run(10s);
  expect_equal_times(high, low);
}

TEST_F(AlignerLayers, HaveEqualTimesBehindAnotherSourceWhileTheirTargetMoves) {
  show.aligner.set_config({.trust = Trust::Never});
  show.run(12s);
  show.aligner.set_config({.trust = Trust::Never, .video_lag = 250ms});
  show.run(400ms);
  // The lower one meets no queue and is there first.
  high.media = low.media = MediaTime{-4h};
  high.ssrc = low.ssrc = 99;
  high.blocked_until = show.now() + 700ms;
  show.run(600ms);
  show.aligner.set_config({.trust = Trust::Never});
  show.run(10s);
  EXPECT_EQ(show.aligner.stats(low.id).rebases, 1U);
  EXPECT_EQ(show.aligner.stats(high.id).rebases, 1U);
  EXPECT_GT(show.aligner.stats(high.id).slews, 0U);
  expect_equal_times(high, low);
}

TEST_F(AlignerLayers, AreBelievedWhenTheirClockStoodStill) {
  show.run(5s);
  for (auto* layer : {&high, &low})
    layer->is_sent = layer->is_ticking = false;
  show.run(6s);
  for (auto* layer : {&high, &low})
    layer->is_sent = layer->is_ticking = true;
  show.run(10s);
  // Two layers of one source bear no witness to each other.
  EXPECT_EQ(show.aligner.stats(high.id).rebases, 1U);
  expect_equal_times(high, low);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, high)), 2ms);
}

TEST_F(AlignerLayers, OneThatIsAddedBehindALeapIsWhereTheOthersAre) {
  show.run(5s);
  show.remove(low);
  high.media += 3h;
  show.run(10s);
  auto& added = show.add_video();
  added.media = high.media;
  show.run(10s);
  expect_equal_times(high, added);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, high)), 2ms);
  EXPECT_EQ(high.breaks(), 2U);
}

TEST_F(AlignerLayers, AllTellWhereTheyAre) {
  audio.rate = 200e-6;
  high.rate = low.rate = -200e-6;
  show.run(2min);
  const auto one = show.aligner.stats(high.id);
  const auto other = show.aligner.stats(low.id);
  EXPECT_EQ(other.offset, one.offset);
  EXPECT_EQ(other.error, one.error);
  EXPECT_EQ(other.source, one.source);
  EXPECT_EQ(other.slews, one.slews);
  EXPECT_EQ(other.learned_lag, one.learned_lag);
  EXPECT_EQ(other.confidence, one.confidence);
  EXPECT_LT(std::chrono::abs(*other.delay - *one.delay), 1ms);
}

TEST_F(AlignerLayers, OneThatIsAddedInFrontOfTheOthersIsWhereTheyAre) {
  high.path = low.path = 240ms;
  show.run(4s);
  show.remove(high);
  show.run(16s);
  auto& added = show.add_video();  // in the place of the removed one
  added.path = low.path;
  added.media = low.media;
  ASSERT_LT(added.id, low.id);
  show.run(20s);
  expect_equal_times(low, added);
  EXPECT_EQ(show.aligner.stats(low.id).steps, 0U);
}

TEST_F(AlignerLayers, OneGoesOnWhereTheOneThatIsRemovedWas) {
  high.path = low.path = 240ms;
  show.run(30s);
  const auto before = Track::offset(low.last());
  show.remove(high);
  show.run(80ms);
  // At most what the rates and a slew make of 80 ms.
  EXPECT_LT(std::chrono::abs(Track::offset(low.last()) - before), 500us);
  EXPECT_EQ(show.aligner.stats(low.id).source, Source::Report);
  show.run(10s);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, low)), 2ms);
  EXPECT_EQ(show.aligner.stats(low.id).steps, 0U);
}

// ---- streams that go and come

TEST(Aligner, AStreamThatIsRemovedAndAddedAgainGoesOnOnTheSameLine) {
  for (const auto kind : {Kind::Audio, Kind::Video}) {
    Show show{{.video_lag = 70ms}};
    auto* track = kind == Kind::Audio ? &show.add_audio() : &show.add_video();
    track->rate = 100e-6;
    show.run(10min);
    for (int round = 0; round < 3; ++round) {
      const auto last = track->last();
      show.remove(*track);
      show.run(2s);
      auto& again = kind == Kind::Audio ? show.add_audio() : show.add_video();
      again.rate = track->rate;
      show.run(10s);
      const auto& first = again.outs.front();
      // 60 ms in ten minutes, which the new media clock knows nothing of.
      const auto error = (first.time - first.captured) - (last.time - last.captured);
      EXPECT_LT(std::chrono::abs(error), 1ms) << "round " << round;
      track = &again;
    }
  }
}

TEST(Aligner, SoundThatIsAddedAgainFindsThePictureWhereItWas) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  audio.rate = video.rate = -60e-6;
  show.run(5min);
  show.remove(audio);
  show.run(30s);
  EXPECT_TRUE(show.aligner.stats(video.id).is_master);
  auto& again = show.add_audio();
  again.rate = audio.rate;
  again.media = MediaTime{3h};
  show.run(10s);
  EXPECT_TRUE(show.aligner.stats(again.id).is_master);
  EXPECT_LE(Show::most_skew(again, video, again.outs.front().captured), 2500us);
  EXPECT_EQ(video.breaks(), 1U);
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
}

TEST(Aligner, APictureThatIsAddedAgainFindsTheSound) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  show.run(10s);
  show.remove(video);
  show.run(10s);
  auto& again = show.add_video();
  again.media = MediaTime{-3h};
  show.run(5s);
  EXPECT_EQ(Show::most_skew(audio, again, at(0s)), 0ms);
  EXPECT_EQ(audio.breaks(), 1U);
}

TEST(Aligner, WhatARemovedStreamHeldIsGone) {
  Show show;
  auto& audio = show.add_audio();
  show.run(500ms);
  EXPECT_GT(show.inside(audio), 0U);
  show.remove(audio);
  EXPECT_FALSE(show.aligner.next_deadline());
  show.run(2s);
  EXPECT_TRUE(audio.outs.empty());
  EXPECT_FALSE(show.aligner.mapping(show.now()));
}

// ---- settings

TEST(Aligner, TheDelayOfACodecIsTakenOffTheSoundAlone) {
  Show plain;
  Show delayed{{.audio_delay = 7ms}};
  std::vector<RunningTime> sound;
  std::vector<RunningTime> picture;
  for (auto* show : {&plain, &delayed}) {
    auto& audio = show->add_audio();
    auto& video = show->add_video();
    show->run(5s);
    sound.push_back(audio.last().time);
    picture.push_back(video.last().time);
  }
  EXPECT_EQ(sound[0] - sound[1], 7ms);
  EXPECT_EQ(picture[0], picture[1]);
}

TEST(Aligner, ADelayThatIsSetWhileItRunsStepsTheSound) {
  Aligner aligner{{}};
  const auto audio = aligner.add_stream(Kind::Audio);
  const auto unit = [&aligner, audio](std::uint64_t id, Duration sent) {
    aligner.on_unit(audio, {.id = id, .media = MediaTime{sent}, .arrival = at(sent)}, at(sent));
  };
  unit(1, 1s);
  unit(2, 2s);
  aligner.set_config({.audio_delay = 5ms});
  unit(3, 3s);
  const auto out = take_all(aligner, audio);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[1].time, at(2s));
  EXPECT_EQ(out[2].time, at(3s) - 5ms);
}

// ---- reports

// A picture that takes 100 ms longer than the sound, which only reports can tell.
class AlignerReports : public testing::Test {
 protected:
  void report() {
    audio.report_interval = 5s;
    video.report_interval = 1s;
  }

  Show show;
  Track& audio = show.add_audio();
  Track& video = show.add_video();

  AlignerReports() { video.path = 140ms; }
};

TEST_F(AlignerReports, PlaceThePicture) {
  report();
  show.run(60s);
  EXPECT_LE(Show::most_skew(audio, video, at(0s)), 3ms);
  const auto stats = show.aligner.stats(video.id);
  EXPECT_EQ(stats.source, Source::Report);
  EXPECT_NEAR(static_cast<double>(stats.learned_lag.count()), 100e6, 2e6);
  ASSERT_TRUE(stats.disagreement);
  EXPECT_NEAR(static_cast<double>(stats.disagreement->count()), -100e6, 3e6);
  EXPECT_LT(stats.confidence, 4ms);
  EXPECT_GE(stats.reports, 60U);
  EXPECT_EQ(show.aligner.stats(audio.id).reports, 12U);
}

TEST_F(AlignerReports, AreNotLookedAtWhereTheyAreNeverTrusted) {
  show.aligner.set_config({.trust = Trust::Never});
  report();
  show.run(60s);
  EXPECT_EQ(Show::skew(audio, video), 100ms);
  const auto stats = show.aligner.stats(video.id);
  EXPECT_EQ(stats.source, Source::Arrival);
  EXPECT_EQ(stats.learned_lag, 0ms);
  EXPECT_FALSE(stats.disagreement);
  EXPECT_TRUE(show.events().empty());
}

TEST_F(AlignerReports, AreBelievedWhateverTheySayWhereTheyAreAlwaysTrusted) {
  report();
  show.aligner.set_config({.trust = Trust::Always});
  video.report_error = [] { return 5s; };
  show.run(60s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Report);
  EXPECT_NEAR(static_cast<double>(Show::skew(audio, video).count()), 5e9, 5e6);
}

TEST_F(AlignerReports, AreBelievedUpToTheLargestDisagreement) {
  // What reports say the picture takes longer than the sound, by the paths that arrivals do not see.
  struct Case {
    Duration lag;
    bool is_believed;
  };
  for (const auto& [lag, is_believed] :
       {Case{245ms, true}, {255ms, false}, {-95ms, true}, {-105ms, false}}) {
    SCOPED_TRACE(testing::Message() << lag.count());
    Show other;
    auto& sound = other.add_audio();
    auto& picture = other.add_video();
    sound.path = picture.path = 500ms;
    sound.report_interval = picture.report_interval = 1s;
    picture.report_error = [lag = lag] { return -lag; };
    other.run(20s);
    EXPECT_EQ(other.aligner.stats(picture.id).source,
              is_believed ? Source::Report : Source::Arrival);
    const auto expected = is_believed ? -lag : 0ms;
    EXPECT_LT(std::chrono::abs(Show::skew(sound, picture) - expected), 3ms);
    const auto events = other.events();
    ASSERT_EQ(events.size(), 1U) << "told once";
    EXPECT_EQ(events[0].stream, picture.id);
    if (is_believed) {
      EXPECT_EQ(events[0].type, Event::Type::Source);
      EXPECT_EQ(events[0].source, Source::Report);
    } else {
      EXPECT_EQ(events[0].type, Event::Type::Disagreement);
      EXPECT_LT(std::chrono::abs(events[0].by + lag), 3ms);
    }
  }
}

TEST_F(AlignerReports, OfOneStreamAloneSayNothing) {
  video.report_interval = 1s;
  show.run(30s);
  EXPECT_EQ(Show::skew(audio, video), 100ms);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
}

TEST_F(AlignerReports, ThatComeLateMoveThePictureFastButNeverStepIt) {
  show.run(60s);
  EXPECT_EQ(Show::skew(audio, video), 100ms);
  report();
  video.next_report = audio.next_report = show.now();
  const auto start = show.now();
  show.run(3s);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 3ms) << "100 ms at 60 ms a second";
  for (std::size_t n = 1; n < video.outs.size(); ++n) {
    const auto moved = Track::offset(video.outs[n]) - Track::offset(video.outs[n - 1]);
    ASSERT_LE(std::chrono::abs(moved), 2410us);
  }
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
  EXPECT_LE(Show::most_skew(audio, video, start + 3s), 3ms);
}

TEST_F(AlignerReports, ThatVanishLeaveBehindWhatTheyTaught) {
  report();
  show.run(60s);
  audio.report_interval.reset();
  video.report_interval.reset();
  const auto since = show.now();
  show.run(60s);
  const auto stats = show.aligner.stats(video.id);
  EXPECT_EQ(stats.source, Source::Arrival);
  EXPECT_LE(Show::most_skew(audio, video, since), 3ms);
  EXPECT_NEAR(static_cast<double>(stats.learned_lag.count()), 100e6, 2e6);
  EXPECT_EQ(stats.confidence, 4ms);
}

TEST_F(AlignerReports, HaveTaughtTheNextPictureToo) {
  report();
  show.run(60s);
  show.remove(video);
  show.run(5s);
  // Of another camera that is as slow, without reports.
  auto& next = show.add_video();
  next.path = 140ms;
  next.ssrc = 9;
  show.run(30s);
  EXPECT_EQ(show.aligner.stats(next.id).source, Source::Arrival);
  EXPECT_LE(Show::most_skew(audio, next, at(0s)), 3ms) << "from its first frame on";
  EXPECT_NEAR(static_cast<double>(show.aligner.stats(next.id).learned_lag.count()), 100e6, 2e6);
}

TEST_F(AlignerReports, OfTheNextPictureTakeThePlaceOfWhatTheFirstTaught) {
  report();
  show.run(60s);
  show.remove(video);
  show.run(5s);
  auto& next = show.add_video();
  next.path = 100ms;
  next.ssrc = 9;
  next.report_interval = 1s;
  show.run(20s);
  EXPECT_NEAR(static_cast<double>(show.aligner.stats(next.id).learned_lag.count()), 60e6, 2e6);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, next)), 3ms);
}

TEST_F(AlignerReports, OfASenderThatHasGoneSayNothingOfTheNext) {
  report();
  show.run(60s);
  for (auto* track : {&video, &audio})
    show.remove(*track);
  show.run(5s);
  auto& sound = show.add_audio();
  auto& picture = show.add_video();
  picture.path = 140ms;
  show.run(10s);
  EXPECT_EQ(show.aligner.stats(picture.id).learned_lag, 0ms);
  EXPECT_LE(std::chrono::abs(Show::skew(sound, picture) - 100ms), 1ms) << "what arrivals say";
}

TEST_F(AlignerReports, OfAFewSecondsDoNotOutliveTheirPicture) {
  report();
  show.run(8s);
  ASSERT_EQ(show.aligner.stats(video.id).source, Source::Report);
  show.remove(video);
  auto& next = show.add_video();
  next.path = 140ms;
  next.ssrc = 9;
  show.run(10s);
  EXPECT_EQ(show.aligner.stats(next.id).learned_lag, 0ms);
}

// As those of an SFU may be: the first agree by chance, then some are off that line, and only later it
// shows how much they scatter.
TEST_F(AlignerReports, ThatProveToBeWorthNothingTeachNothing) {
  report();
  int count = 0;
  const auto jitter = show.scatter(10ms);
  video.report_error = [&count, jitter]() -> Duration {
    ++count;
    if (count <= 3)
      return 20ms + count * 10us;
    return count <= 6 ? 100ms * count : jitter();
  };
  show.run(4s);
  ASSERT_EQ(show.aligner.stats(video.id).source, Source::Report);
  show.run(2s);
  ASSERT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
  EXPECT_NEAR(static_cast<double>(show.aligner.stats(video.id).learned_lag.count()), 80e6, 2e6);
  show.run(54s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
  EXPECT_EQ(show.aligner.stats(video.id).learned_lag, 0ms);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video) - 100ms), 1ms) << "what arrivals say";
}

TEST_F(AlignerReports, AreGoneAfterThirtySeconds) {
  report();
  show.run(20s);
  // The packets still carry what the last one said; only a new one counts.
  video.next_report = show.now() + 1h;
  show.run(29s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Report);
  show.run(3s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
}

TEST_F(AlignerReports, GiveTheSenderClockToTheMapping) {
  report();
  show.run(30s);
  const auto mapping = show.aligner.mapping(show.now());
  ASSERT_TRUE(mapping);
  ASSERT_TRUE(mapping->sender);
  // What arrives now was captured 40 ms ago; the sender's wall clock is a century ahead of ours.
  const auto captured = mapping->sender->time_since_epoch() - Duration{24h * 36525};
  EXPECT_NEAR(static_cast<double>((captured - (show.now().time_since_epoch() - 40ms)).count()), 0,
              2e6);
}

// ---- capture times, which are reports of another kind

TEST_F(AlignerReports, AreCalledCaptureTimesOnlyWhereTheyAreThatOfBothStreams) {
  report();
  for (const bool of_audio : {false, true}) {
    for (const bool of_video : {true, false}) {
      audio.are_captures = of_audio;
      video.are_captures = of_video;
      video.next_report = audio.next_report = show.now();
      show.run(10s);
      EXPECT_EQ(show.aligner.stats(video.id).source,
                of_audio && of_video ? Source::Capture : Source::Report);
    }
  }
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 3ms);
}

TEST_F(AlignerReports, OfCapturePlaceThePictureAtItsBeginning) {
  report();
  audio.report_interval = 1s;
  audio.are_captures = video.are_captures = true;
  show.run(60s);
  EXPECT_LE(Show::most_skew(audio, video, at(0s)), 3ms);
  const auto stats = show.aligner.stats(video.id);
  EXPECT_EQ(stats.source, Source::Capture);
  EXPECT_LT(stats.confidence, 4ms);
  const auto events = show.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, Event::Type::Source);
  EXPECT_EQ(events[0].source, Source::Capture);
}

// They come with the packets, and need say nothing new.
TEST_F(AlignerReports, OfCaptureHoldForAsLongAsTheyCome) {
  audio.report_interval = video.report_interval = 1s;
  audio.report_error = video.report_error = [] { return 0ms; };
  audio.are_captures = video.are_captures = true;
  show.run(90s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Capture);
  EXPECT_EQ(show.events().size(), 1U);
  EXPECT_LE(Show::most_skew(audio, video, at(0s)), 1ms);
}

// As Chromium says it of sound that a page makes: it wanders over the 10 ms in which it is handed on.
TEST_F(AlignerReports, OfCaptureThatComeInPiecesHaveTheTruthAtTheirEarliest) {
  audio.report_interval = 20ms;
  audio.report_error = [n = 0]() mutable -> Duration { return (++n * 41us) % 10ms; };
  video.report_interval = 1s;
  video.report_error = [] { return 0ms; };
  audio.are_captures = video.are_captures = true;
  show.run(60s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Capture);
  EXPECT_LE(Show::most_skew(audio, video, at(10s)), 2500us)
      << "1 ms is not slewed, and a deviation is not a range";
}

// Sender reports are 30 ms off, and then capture times come: no three of them are waited for, nor the
// sound's next report, as they would be if the sender's clock had been set.
TEST_F(AlignerReports, OfCaptureBeginALineOfTheirOwnAtOnce) {
  report();
  video.report_error = [] { return 30ms; };
  show.run(60s);
  EXPECT_NEAR(static_cast<double>(Show::skew(audio, video).count()), 30e6, 3e6);
  video.report_error = [] { return 0ms; };
  audio.are_captures = video.are_captures = true;
  video.next_report = audio.next_report = show.now();
  show.run(1s);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 3ms);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Capture);
  EXPECT_EQ(show.aligner.stats(video.id).steps, 0U);
  EXPECT_EQ(video.breaks(), 1U);
}

TEST_F(AlignerReports, OfAnotherKindThatSaySomethingElseHaveToProveItAgain) {
  report();
  show.run(60s);
  // As much as would be believed of the kind that has proved itself.
  video.report_error = [] { return -400ms; };
  video.are_captures = audio.are_captures = true;
  video.next_report = audio.next_report = show.now();
  show.run(60s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Arrival);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 3ms) << "by what the former taught";
}

TEST_F(AlignerReports, OfAnotherKindThatSayTheSameAreBelievedAsTheOthersWere) {
  report();
  show.run(60s);
  // More than is believed of reports that have proved nothing.
  video.path += 250ms;
  show.run(1s);
  video.are_captures = audio.are_captures = true;
  video.next_report = audio.next_report = show.now();
  show.run(60s);
  EXPECT_EQ(show.aligner.stats(video.id).source, Source::Capture);
  EXPECT_LE(std::chrono::abs(Show::skew(audio, video)), 3ms);
}

// ---- flush and end

TEST(Aligner, AFlushForgetsWhatIsHeldAndWhatIsReady) {
  Aligner aligner{{}};
  const auto audio = aligner.add_stream(Kind::Audio);
  const auto unit = [&aligner, audio](std::uint64_t id, Duration sent) {
    aligner.on_unit(audio, {.id = id, .media = MediaTime{sent}, .arrival = at(sent)}, at(sent));
  };
  unit(1, 1s);
  unit(2, 2s);
  aligner.flush(audio);
  EXPECT_FALSE(aligner.take(audio));
  unit(3, 3s);
  const auto out = take_all(aligner, audio);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].id, 3U);
  EXPECT_EQ(out[0].time, at(3s)) << "the line is that of before";
  EXPECT_TRUE(out[0].is_break);
}

TEST(Aligner, AFlushEndsASuspicion) {
  Show show;
  auto& audio = show.add_audio();
  show.run(5s);
  audio.media += 1h;
  show.run(100ms);
  audio.media -= 1h;
  ASSERT_GT(show.held(audio), 0U);
  show.aligner.flush(audio.id);
  show.forget(audio);
  show.lose(audio);
  EXPECT_FALSE(show.aligner.next_deadline());
  show.run(1s);
  EXPECT_EQ(show.inside(audio), 0U);
  EXPECT_EQ(show.aligner.stats(audio.id).rebases, 0U);
}

TEST(Aligner, AFlushDuringTheStartBeginsItAnew) {
  Show show;
  auto& audio = show.add_audio();
  show.run(500ms);
  show.aligner.flush(audio.id);
  show.forget(audio);
  show.lose(audio);
  EXPECT_FALSE(show.aligner.next_deadline());
  audio.is_sent = false;
  show.run(5s);
  EXPECT_FALSE(show.aligner.stats(audio.id).is_placed) << "there is nothing to place it by";
  audio.is_sent = true;
  show.run(5s);
  EXPECT_EQ(audio.last().time, audio.last().captured + audio.path);
  EXPECT_EQ(audio.outs.front().released, audio.outs.front().arrival + Aligner::kStartHold);
}

TEST(Aligner, TheEndReleasesWhatTheStartHeld) {
  Show show;
  auto& audio = show.add_audio();
  show.run(500ms);
  EXPECT_TRUE(audio.outs.empty());
  show.aligner.end(audio.id, show.now());
  show.collect();
  EXPECT_EQ(show.inside(audio), 0U);
  EXPECT_EQ(audio.outs.size(), audio.sent);
  EXPECT_FALSE(show.aligner.next_deadline());
}

TEST(Aligner, TheEndOfAStreamThatNeverBeganIsNothing) {
  Aligner aligner{{}};
  const auto audio = aligner.add_stream(Kind::Audio);
  aligner.end(audio, at(1s));
  EXPECT_FALSE(aligner.take(audio));
  EXPECT_FALSE(aligner.stats(audio).is_placed);
}

TEST(Aligner, TheEndReleasesLatePacketsWhereTheyBelong) {
  Show show;
  auto& audio = show.add_audio();
  show.add_video();
  show.run(5s);
  audio.blocked_until = show.now() + 800ms;
  show.run(800ms);
  show.run(1ms);
  const auto constant = Track::offset(audio.outs.front());
  show.run(20ms);
  show.aligner.end(audio.id, show.now());
  show.collect();
  EXPECT_EQ(show.inside(audio), 0U);
  EXPECT_EQ(Track::offset(audio.last()), constant);
}

TEST(Aligner, TheEndBehindALeapBelievesIt) {
  for (const bool is_another_source : {false, true}) {
    Show show;
    auto& audio = show.add_audio();
    show.run(5s);
    audio.media += 13h;
    audio.ssrc += is_another_source ? 1 : 0;
    show.run(80ms);
    ASSERT_EQ(show.held(audio), 2U);
    show.aligner.end(audio.id, show.now());
    show.collect();
    EXPECT_EQ(show.inside(audio), 0U);
    EXPECT_EQ(audio.last().time, audio.last().captured + audio.path);
    EXPECT_EQ(audio.breaks(), 2U);
  }
}

// ---- what it tells

TEST(Aligner, TheMappingIsThatOfSoundThatArrivesNow) {
  Show show;
  EXPECT_FALSE(show.aligner.mapping(show.now()));
  auto& audio = show.add_audio();
  audio.rate = 100e-6;
  show.run(700ms);
  EXPECT_FALSE(show.aligner.mapping(show.now())) << "not yet placed";
  show.run(10min);
  const auto mapping = show.aligner.mapping(show.now());
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->receiver, show.now());
  EXPECT_FALSE(mapping->sender);
  const auto expected = Show::sound_at(audio, show.now() - audio.path);
  EXPECT_LT(std::chrono::abs(mapping->output - expected), 1ms);
}

TEST(Aligner, TheMappingOfAPictureAloneIsThatOfSoundWithIt) {
  Show show{{.video_lag = 100ms}};
  auto& video = show.add_video();
  video.path = 140ms;
  show.run(10s);
  const auto before = *show.aligner.mapping(show.now());
  auto& audio = show.add_audio();
  show.run(10s);
  ASSERT_TRUE(show.aligner.stats(audio.id).is_master);
  const auto after = *show.aligner.mapping(show.now());
  EXPECT_EQ(after.output - before.output, after.receiver - before.receiver);
}

TEST(Aligner, ARebaseIsToldWithWhatItMadeUpFor) {
  Show show;
  auto& audio = show.add_audio();
  show.run(5s);
  EXPECT_TRUE(show.events().empty());
  audio.media += 10s;
  show.run(5s);
  const auto events = show.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, Event::Type::Rebase);
  EXPECT_EQ(events[0].stream, audio.id);
  EXPECT_EQ(events[0].by, -10s);
}

TEST(Aligner, EventsThatNobodyTakesDoNotGather) {
  Show show;
  auto& audio = show.add_audio();
  show.run(5s);
  for (int n = 0; n < 200; ++n) {
    audio.media += 10s;
    show.run(200ms);
  }
  EXPECT_EQ(show.aligner.stats(audio.id).rebases, 200U);
  EXPECT_EQ(show.events().size(), 64U);
}

TEST(Aligner, TheErrorOfThePictureIsWhatIsLeftToSlew) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  show.run(20s);
  EXPECT_EQ(show.aligner.stats(video.id).error, 0ms);
  show.aligner.set_config({.video_lag = 100ms});
  show.run(1s);
  const auto error = show.aligner.stats(video.id).error;
  EXPECT_EQ(error, -100ms - Show::skew(audio, video));
  EXPECT_LT(error, -70ms);
  EXPECT_EQ(show.aligner.stats(audio.id).error, 0ms);
}

TEST(Aligner, TheStatsSayWhatIsKnownOfAStream) {
  Show show;
  auto& audio = show.add_audio();
  auto& video = show.add_video();
  video.path = 90ms;
  auto stats = show.aligner.stats(video.id);
  EXPECT_EQ(stats.kind, Kind::Video);
  EXPECT_FALSE(stats.is_placed);
  EXPECT_FALSE(stats.delay);
  show.run(10s);
  stats = show.aligner.stats(video.id);
  EXPECT_TRUE(stats.is_placed);
  EXPECT_EQ(stats.ssrc, video.ssrc);
  EXPECT_EQ(stats.offset, Track::offset(video.last()));
  EXPECT_EQ(show.aligner.stats(audio.id).offset, Track::offset(audio.last()));
  ASSERT_TRUE(stats.delay);
  EXPECT_EQ(*stats.delay, 0ms);
  EXPECT_EQ(stats.confidence, 40ms) << "nothing has told of the lag";
  EXPECT_EQ(stats.dropped, 0U);
  EXPECT_EQ(stats.rebases, 0U);
}

}  // namespace
}  // namespace onair::test
