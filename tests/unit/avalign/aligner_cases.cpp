// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to sound and picture of a sender, one test each: how well they fit then on average is
// measured by the simulator; here is what is done about it.
#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "aligner.hpp"
#include "show.hpp"

namespace onair::test {
namespace {

using Event = Aligner::Event;
using Source = Aligner::Source;

RunningTime at(Duration since_start) {
  return RunningTime{since_start};
}

// A browser: sound and picture on one path of 40 ms with some jitter, reports each 5 s and each
// second. Its camera takes 60 ms longer than its microphone.
class AlignerCases : public testing::Test {
 protected:
  AlignerCases() {
    video.path = audio.path + 60ms;
    audio.queue = video.queue = show.jitter(3ms);
    audio.report_interval = 5s;
    video.report_interval = 1s;
    audio.report_error = show.scatter(3ms);
    video.report_error = show.scatter(1ms);
  }
  // A mute: no packets, and RTP time as it likes.
  void mute(Track& track, bool is_ticking, Duration length) {
    track.is_sent = false;
    track.is_ticking = is_ticking;
    show.run(length);
    track.is_sent = track.is_ticking = true;
  }
  // The network holds everything back and then hands it over at once.
  void stall(Duration length) {
    audio.blocked_until = video.blocked_until = show.now() + length;
    show.run(length);
  }
  // From then on the picture fits the sound, and nothing has stepped.
  void expect_sync(RunningTime since, Duration tolerance = 6ms) {
    EXPECT_LE(Show::most_skew(audio, video, since), tolerance);
  }
  [[nodiscard]] Aligner::StreamStats stats(const Track& track) const {
    return show.aligner.stats(track.id);
  }
  void expect_no_break() {
    EXPECT_EQ(audio.breaks(), 1U);
    EXPECT_EQ(video.breaks(), 1U);
    EXPECT_EQ(stats(video).steps, 0U);
    EXPECT_EQ(stats(audio).dropped + stats(video).dropped, 0U);
  }

  Show show;
  Track& audio = show.add_audio();
  Track& video = show.add_video();
};

TEST_F(AlignerCases, AQuietHourIsInSyncFromTheFirstFrameOn) {
  audio.rate = video.rate = 40e-6;
  show.run(1h);
  expect_sync(at(0s));
  expect_no_break();
  EXPECT_EQ(stats(video).squeezed, 0U);
}

// ---- what is missing

TEST_F(AlignerCases, SoundThatIsMissingAtTheStartFindsThePicture) {
  audio.is_sent = false;
  show.run(20s);
  EXPECT_TRUE(stats(video).is_master);
  audio.is_sent = true;
  show.run(30s);
  EXPECT_TRUE(stats(audio).is_master);
  // Its first report is 5 s away at most; 60 ms are slewed in a second then.
  expect_sync(at(27s));
  expect_no_break();
}

TEST_F(AlignerCases, PictureThatIsThirtySecondsLateFindsTheSound) {
  video.is_sent = false;
  show.run(30s);
  const auto constant = Track::offset(audio.last());
  video.is_sent = true;
  show.run(30s);
  expect_sync(at(30s));
  EXPECT_EQ(Track::offset(audio.last()), constant);
  expect_no_break();
}

TEST_F(AlignerCases, SoundOnlyIsAConstant) {
  show.remove(video);
  audio.rate = -90e-6;
  show.run(10min);
  EXPECT_EQ(audio.breaks(), 1U);
  EXPECT_EQ(stats(audio).dropped, 0U);
  EXPECT_TRUE(show.events().empty());
}

TEST_F(AlignerCases, PictureOnlyIsAConstantToo) {
  show.remove(audio);
  video.rate = -90e-6;
  show.run(10min);
  EXPECT_EQ(video.breaks(), 1U);
  for (const auto& out : video.outs)
    ASSERT_EQ(Track::offset(out), Track::offset(video.outs.front()));
  EXPECT_EQ(stats(video).slews, 0U);
}

// ---- mutes

TEST_F(AlignerCases, APictureThatIsFrozenComesBackInSync) {
  for (const auto length : std::initializer_list<Duration>{900ms, 5s, 3min}) {
    show.run(60s);
    mute(video, true, length);
    show.run(30s);
  }
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, SoundThatIsMutedComesBackOnItsConstant) {
  for (const auto length : std::initializer_list<Duration>{900ms, 5s, 3min}) {
    show.run(60s);
    mute(audio, true, length);
    show.run(30s);
  }
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, BothMutedComeBackInSync) {
  show.run(60s);
  audio.is_sent = false;
  mute(video, true, 10s);
  audio.is_sent = true;
  show.run(30s);
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, ADisabledCameraOfOneBlackFrameASecondStaysInSync) {
  show.run(60s);
  video.interval = 1s;
  show.run(60s);
  video.interval = 40ms;
  show.run(60s);
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, APictureWhoseRtpTimeStoodStillGoesOnWhereTheSoundIs) {
  show.run(60s);
  mute(video, false, 7s);
  const auto since = show.now();
  show.run(30s);
  const auto behind = std::find_if(video.outs.begin(), video.outs.end(),
                                   [since](const auto& out) { return out.captured >= since; });
  ASSERT_NE(behind, video.outs.end());
  EXPECT_TRUE(behind->is_break) << "the first that came is the first behind the break";
  // Held for a second to be sure, and the jitter of that second.
  EXPECT_LE(behind->released - behind->arrival, 1s);
  expect_sync(since, 10ms);
  EXPECT_EQ(video.breaks(), 2U);
  EXPECT_EQ(audio.breaks(), 1U);
  EXPECT_EQ(stats(video).dropped, 0U);
  const auto events = show.events();
  ASSERT_GE(events.size(), 2U);
  const auto rebase = std::find_if(events.begin(), events.end(), [](const auto& event) {
    return event.type == Event::Type::Rebase;
  });
  ASSERT_NE(rebase, events.end());
  EXPECT_EQ(rebase->stream, video.id);
  EXPECT_LT(std::chrono::abs(rebase->by - 7s), 10ms);
}

TEST_F(AlignerCases, SoundWhoseRtpTimeStoodStillLeavesItsMuteAsAHole) {
  show.run(60s);
  mute(audio, false, 7s);
  const auto since = show.now();
  show.run(30s);
  EXPECT_EQ(audio.breaks(), 2U);
  EXPECT_EQ(video.breaks(), 1U);
  expect_sync(since + 10s, 10ms);
  const auto behind = std::find_if(audio.outs.begin(), audio.outs.end(),
                                   [since](const auto& out) { return out.captured >= since; });
  ASSERT_NE(behind, audio.outs.end());
  EXPECT_TRUE(behind->is_break);
  EXPECT_LT(std::chrono::abs(behind->time - std::prev(behind)->time - 7s), 40ms);
}

TEST_F(AlignerCases, ADelayThatIsOverBearsNoWitnessToAnother) {
  show.run(30s);
  // The last frame before a mute was late by five seconds.
  video.blocked_until = show.now() + 5s;
  show.run(40ms);
  mute(video, true, 6s);
  video.is_sent = false;
  mute(audio, false, 7s);
  show.run(10s);
  EXPECT_EQ(audio.breaks(), 2U) << "the sender's, not the network's";
}

TEST_F(AlignerCases, RtpTimeThatStoodStillForLessThanTheSuspicionIsFoundByAndBy) {
  show.run(60s);
  mute(video, false, 280ms);
  // No packet is suspect, and reports that are so far from the arrivals are not believed, until the
  // floor of before is forgotten.
  show.run(6min);
  EXPECT_EQ(video.breaks(), 1U);
  expect_sync(show.now() - 20s, 8ms);
}

// ---- other sources

TEST_F(AlignerCases, AnotherSourceBelongsWhereTheOldOneWas) {
  for (auto* track : {&video, &audio}) {
    show.run(60s);
    track->ssrc += 100;
    track->media = MediaTime{Duration{33h}};
    const auto since = show.now();
    show.run(60s);
    EXPECT_EQ(track->breaks(), 2U);
    EXPECT_EQ(stats(*track).dropped, 0U);
    EXPECT_EQ(stats(*track).ssrc, track->ssrc);
    // A handful of packets say where it is; reports correct it.
    expect_sync(since, 15ms);
    expect_sync(since + 30s);
  }
}

TEST_F(AlignerCases, AnotherSourceOfBothIsInSyncAgain) {
  show.run(60s);
  audio.ssrc = 101;
  video.ssrc = 102;
  audio.media = MediaTime{-5h};
  video.media = MediaTime{13h};
  const auto since = show.now();
  show.run(60s);
  expect_sync(since, 25ms);
  expect_sync(since + 30s);
  EXPECT_EQ(audio.breaks(), 2U);
  EXPECT_EQ(video.breaks(), 2U);
}

TEST_F(AlignerCases, AnotherCameraOfTheSameClockIsFoundByItsReports) {
  show.run(60s);
  video.path += 40ms;
  const auto since = show.now();
  show.run(60s);
  expect_sync(since + 10s);
  EXPECT_EQ(audio.breaks(), 1U);
}

TEST_F(AlignerCases, AnRtpTimeThatLeapsGoesOnWhereItWas) {
  for (const auto by : std::initializer_list<Duration>{13h, -13h, 500ms, -500ms}) {
    for (auto* track : {&video, &audio}) {
      show.run(30s);
      track->media += by;
      const auto breaks = track->breaks();
      const auto since = show.now();
      show.run(30s);
      SCOPED_TRACE(testing::Message() << by.count() << (track == &audio ? " audio" : " video"));
      EXPECT_EQ(track->breaks(), breaks + 1);
      expect_sync(since, 15ms);
      EXPECT_EQ(stats(*track).dropped, 0U);
    }
  }
}

TEST_F(AlignerCases, ReportsFromBeforeALeapPlaceNothingBehindIt) {
  for (auto* track : {&video, &audio}) {
    show.run(61s);
    EXPECT_EQ(stats(video).source, Source::Report);
    track->media += 13h;
    track->next_report = show.now() + 10s;
    show.run(2s);
    EXPECT_EQ(stats(video).source, Source::Arrival);
    show.run(30s);
    EXPECT_EQ(stats(video).source, Source::Report);
  }
}

TEST_F(AlignerCases, ALeapOfSoundThroughAQueueIsPutRightWithinASecond) {
  audio.queue = video.queue = nullptr;
  show.run(61s);
  audio.media += 13h;
  audio.next_report = show.now() + 10s;
  // Its first packets come at once, the best of them 140 ms late.
  audio.blocked_until = show.now() + 240ms;
  const auto since = show.now();
  show.run(10s);
  EXPECT_EQ(audio.breaks(), 2U);
  expect_sync(since + 400ms, 10ms);
  EXPECT_EQ(stats(video).steps, 1U) << "140 ms at 60 ms a second would be seen for longer";
}

TEST_F(AlignerCases, BothLeapWithOneResetOfTheSender) {
  show.run(60s);
  audio.media = MediaTime{0s};
  video.media = MediaTime{0s};
  const auto since = show.now();
  show.run(60s);
  expect_sync(since, 25ms);
  EXPECT_EQ(audio.breaks(), 2U);
  EXPECT_EQ(video.breaks(), 2U);
}

TEST_F(AlignerCases, ASinglePacketFromNowhereIsDroppedAndChangesNothing) {
  show.run(30s);
  for (auto* track : {&audio, &video}) {
    const auto media = track->media;
    track->media += 5h;
    show.run(track->interval);
    track->media = media + track->interval;
    show.run(10s);
    EXPECT_EQ(stats(*track).dropped, 1U);
    EXPECT_EQ(track->breaks(), 1U);
    EXPECT_EQ(stats(*track).rebases, 0U);
  }
  expect_sync(at(0s));
}

TEST_F(AlignerCases, AnotherSourceDuringTheStartIsOneToo) {
  show.run(400ms);
  audio.ssrc = 101;
  audio.media = MediaTime{5min};
  show.run(30s);
  EXPECT_EQ(audio.breaks(), 2U);
  EXPECT_LT(std::chrono::abs(audio.last().time - (audio.last().captured + audio.path)), 20ms);
  // From one packet to the next it is as far as it was.
  for (std::size_t n = 1; n < audio.outs.size(); ++n)
    ASSERT_LT(audio.outs[n].time - audio.outs[n - 1].time, 60ms) << n;
  expect_sync(at(10s));
}

// ---- sound with pauses

TEST_F(AlignerCases, SoundOfAPacketEach400MillisecondsIsNeverHeld) {
  show.run(30s);
  audio.interval = 400ms;
  show.run(2min);
  audio.interval = 20ms;
  show.run(30s);
  expect_sync(at(0s));
  expect_no_break();
  EXPECT_EQ(stats(audio).rebases, 0U);
  for (const auto& out : audio.outs) {
    if (out.arrival > at(1s)) {
      ASSERT_EQ(out.released, out.arrival);
    }
  }
}

TEST_F(AlignerCases, SoundThatStartsWithAPacketEach400MillisecondsIsPlacedLikeOther) {
  audio.interval = 400ms;
  show.run(60s);
  expect_sync(at(10s));
  expect_no_break();
}

// ---- reports

TEST_F(AlignerCases, ReportsThatAreLateMoveThePictureWithoutAStep) {
  audio.next_report = video.next_report = at(60s);
  show.run(59s);
  EXPECT_LT(std::chrono::abs(Show::skew(audio, video) - 60ms), 5ms);
  show.run(30s);
  expect_sync(at(67s));
  expect_no_break();
}

TEST_F(AlignerCases, ReportsThatAreMostlyLostAreEnough) {
  audio.report_interval = 25s;
  video.report_interval = 19s;
  show.run(5min);
  EXPECT_EQ(stats(video).source, Source::Report);
  expect_sync(at(60s));
  expect_no_break();
}

TEST_F(AlignerCases, ReportsThatAnSfuMadeAreNotBelieved) {
  audio.report_error = video.report_error = show.jitter(40ms);
  show.run(5min);
  EXPECT_EQ(stats(video).source, Source::Arrival);
  // The worst that chance and one belief can do is what arrivals cannot see, twice.
  EXPECT_LE(Show::most_skew(audio, video, at(0s)), 120ms);
  expect_no_break();
}

TEST_F(AlignerCases, ReportsThatAreWrongByThreeHundredMillisecondsAreToldAndIgnored) {
  for (const auto error : std::initializer_list<Duration>{300ms, -300ms}) {
    Show other;
    auto& sound = other.add_audio();
    auto& picture = other.add_video();
    sound.report_interval = picture.report_interval = 1s;
    picture.report_error = [error] { return error; };
    other.run(2min);
    EXPECT_EQ(other.aligner.stats(picture.id).source, Source::Arrival);
    EXPECT_EQ(Show::most_skew(sound, picture, at(0s)), 0ms);
    EXPECT_EQ(other.aligner.stats(picture.id).learned_lag, 0ms);
    const auto events = other.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].type, Event::Type::Disagreement);
  }
}

TEST_F(AlignerCases, OneReportInSevenMayBeGarbage) {
  for (auto* track : {&audio, &video}) {
    // A good one first: the first is believed for want of another.
    track->report_error = [this, good = show.scatter(2ms), n = 1]() mutable {
      return n++ % 7 == 0 ? show.scatter(10s)() : good();
    };
  }
  show.run(5min);
  expect_sync(at(0s), 8ms);
  expect_no_break();
  EXPECT_EQ(stats(video).source, Source::Report);
}

TEST_F(AlignerCases, AStepOfTheSendersWallClockMovesNothing) {
  for (const auto step : std::initializer_list<Duration>{1h, -300ms, 80ms}) {
    show.run(90s);
    audio.ntp_step += step;
    video.ntp_step += step;
    const auto steered = stats(video).steps;
    // Three reports of sound each 5 s, and no time to settle behind the last.
    show.run(18s);
    EXPECT_EQ(stats(video).source, Source::Report);
    show.run(72s);
    EXPECT_EQ(stats(video).steps, steered);
    EXPECT_EQ(stats(video).source, Source::Report) << "believed again";
  }
  expect_sync(at(0s), 8ms);
  expect_no_break();
}

TEST_F(AlignerCases, AStepOfTheReportsOfOneStreamIsBelievedWithTheOthersNextReport) {
  show.run(60s);
  // Another encoder: its frames are stamped 50 ms later.
  video.ntp_step += 50ms;
  show.run(12s);
  EXPECT_EQ(stats(video).source, Source::Report) << "three reports of picture, one of sound";
  show.run(10s);
  EXPECT_LT(std::chrono::abs(Show::skew(audio, video) - 50ms), 6ms);
  EXPECT_EQ(stats(video).steps, 0U);
}

TEST_F(AlignerCases, ReportsThatHaveBeenRightForHalfAMinuteStayRightWhenThePathChanges) {
  show.run(60s);
  // By now the picture would take 310 ms longer, which at the start is not believed.
  video.path += 250ms;
  show.run(11min);
  EXPECT_EQ(stats(video).source, Source::Report);
  expect_sync(at(0s));
  EXPECT_NEAR(static_cast<double>(stats(video).learned_lag.count()), 310e6, 5e6);
}

TEST_F(AlignerCases, ReportsThatVanishLeaveThePictureWhereItIs) {
  show.run(90s);
  audio.report_interval.reset();
  video.report_interval.reset();
  show.run(5min);
  EXPECT_EQ(stats(video).source, Source::Arrival);
  expect_sync(at(0s));
  expect_no_break();
}

// ---- the network

TEST_F(AlignerCases, AnOutageOfBothIsReleasedUntouched) {
  for (const auto length : std::initializer_list<Duration>{300ms, 800ms, 2s, 8s}) {
    show.run(60s);
    stall(length);
    const auto back = show.now();
    show.run(2s);
    for (const auto* track : {&audio, &video}) {
      for (const auto& out : track->outs) {
        if (out.arrival >= back && out.arrival < back + 1ms) {
          ASSERT_LE(out.released - out.arrival, 1ms) << "of " << length.count();
        }
      }
    }
  }
  show.run(60s);
  expect_sync(at(0s), 8ms);
  expect_no_break();
}

TEST_F(AlignerCases, AnOutageOfBothIsOneAlsoWhereSoundComesEach400Milliseconds) {
  show.run(60s);
  audio.interval = 400ms;
  for (const auto phase : std::initializer_list<Duration>{10ms, 100ms, 110ms, 120ms}) {
    show.run(30s + phase);
    stall(3s);
  }
  // One packet of sound, and none behind it to bear it out for another while.
  const auto since = show.now().time_since_epoch() % 400ms;
  show.run(30s - since - 1ms);
  stall(420ms);
  show.run(1s);
  for (const auto& out : audio.outs) {
    if (out.arrival > at(1s)) {
      ASSERT_EQ(out.released, out.arrival) << "picture fell silent with it";
    }
  }
  expect_sync(at(0s), 8ms);
  expect_no_break();
}

TEST_F(AlignerCases, AnOutageInWhichAllIsLostIsAHoleAndNothingElse) {
  show.run(60s);
  audio.is_sent = video.is_sent = false;
  show.run(8s);
  audio.is_sent = video.is_sent = true;
  show.run(60s);
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, BurstsThatThePacerHoldsBackOfThePictureOnlyMoveNothing) {
  show.run(60s);
  for (int burst = 0; burst < 20; ++burst) {
    // A key frame: what is behind it waits for half a second.
    video.blocked_until = show.now() + 500ms;
    show.run(2500ms);
  }
  show.run(10s);
  expect_sync(at(0s));
  expect_no_break();
  EXPECT_EQ(stats(video).rebases, 0U);
}

TEST_F(AlignerCases, AStallOfOneStreamThatDrainsInTimeIsNoBreak) {
  show.run(60s);
  for (auto* track : {&audio, &video}) {
    track->blocked_until = show.now() + 3s;
    show.run(30s);
    EXPECT_EQ(track->breaks(), 1U);
  }
  expect_sync(at(0s));
  expect_no_break();
}

TEST_F(AlignerCases, AnotherRouteOfBothLeavesThemTogether) {
  for (const auto by : std::initializer_list<Duration>{120ms, -100ms, 300ms, -250ms}) {
    show.run(60s);
    audio.path += by;
    video.path += by;
    show.run(4min);
  }
  expect_sync(at(0s), 8ms);
  expect_no_break();
}

TEST_F(AlignerCases, AnotherRouteOfBothWithoutReportsLeavesThemTogether) {
  audio.report_interval.reset();
  video.report_interval.reset();
  video.path = audio.path;
  for (const auto by : std::initializer_list<Duration>{120ms, -100ms, 300ms, -250ms}) {
    show.run(60s);
    audio.path += by;
    video.path += by;
    show.run(5min);
  }
  // Each forgets the old floor in its own second, and jitter.
  expect_sync(at(0s), 30ms);
  expect_no_break();
}

}  // namespace
}  // namespace onair::test
