// SPDX-License-Identifier: LGPL-2.1-or-later
// A CutScheduler whose streams come, go, jump and begin anew, told one frame at a time.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "live.hpp"
#include "programme.hpp"

namespace onair::test {
namespace {

using Cut = CutScheduler::Cut;
using Demote = CutScheduler::Demote;
using Kind = CutScheduler::Kind;
using Mode = CutScheduler::Mode;
using Pass = CutScheduler::Pass;
using StreamId = CutScheduler::StreamId;
using Wait = CutScheduler::Wait;

constexpr auto kForwards = CutScheduler::kForwards;
constexpr auto kBackwards = CutScheduler::kBackwards;

// ---- jumps

TEST(CutSchedulerLines, GoingBackByMoreThanFramesAreReorderedIsABreak) {
  for (const auto& [back, is_break] :
       {std::pair{kBackwards, false}, std::pair{kBackwards + 1ns, true}}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    live.sound(audio, 0s);
    live.sound(audio, 960ms);
    live.sound(audio, 960ms - back);
    EXPECT_EQ(live.scheduler.stats().breaks, is_break ? 1U : 0U);
  }
}

TEST(CutSchedulerLines, GoingAheadOfTheClockByTooMuchIsABreak) {
  for (const auto& [ahead, is_break] :
       {std::pair{kForwards, false}, std::pair{kForwards + 1ns, true}}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    live.sound(audio, 0s);
    live.offset = -ahead;
    live.sound(audio, ahead);
    EXPECT_EQ(live.scheduler.stats().breaks, is_break ? 1U : 0U);
  }
}

TEST(CutSchedulerLines, AClockThatIsReadTooEarlyIsNoJump) {
  // The clock of one thread may be older than that of another, by as much as the other has waited.
  CutScheduler scheduler{{}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  const auto other = scheduler.add_stream(Kind::Audio);
  scheduler.arrive(audio, {.time = at(0s), .format = kMp3}, ClockTime{0s});
  scheduler.arrive(other, {.time = at(0s), .format = kMp3}, ClockTime{10s});
  scheduler.arrive(audio, {.time = at(24ms), .format = kMp3}, ClockTime{10s});
  scheduler.arrive(audio, {.time = at(48ms), .format = kMp3}, ClockTime{1s});
  EXPECT_TRUE(cut_of(scheduler.judge(audio)));
  EXPECT_EQ(scheduler.stats().breaks, 0U);
}

TEST(CutSchedulerLines, IndicesGoOnBehindABreakAndItsBoundaryIsTheBreak) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  for (int n = 0; n < 100; ++n)
    live.sound(audio, n * 24ms);
  EXPECT_EQ(live.decisions().size(), 3U);
  live.leap(1h - 2400ms);
  const auto cut = cut_of(live.sound(audio, 1h));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->index, 3);
  EXPECT_EQ(cut->at, at(1h));
  EXPECT_TRUE(cut->is_break);
  const auto decisions = live.decisions();
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].error, 0ns) << "of a grid that begins here";
  EXPECT_FALSE(decisions[0].length) << "nothing ends on a line that is no more";
  // The new grid goes through the break.
  EXPECT_EQ(cut_of(live.sound(audio, 1h + 1008ms))->at, at(1h + 1008ms));
}

TEST(CutSchedulerLines, AStreamWhoseJumpIsTakenBackFindsTheOthersOnOneLineAgain) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.key(video, 0s);
  EXPECT_EQ(index_of(live.sound(audio, 0s)), 0);
  EXPECT_EQ(index_of(live.judge(video)), 0);
  // One frame of sound from elsewhere, and the next where it belongs.
  live.leap(1h);
  live.sound(audio, 1h + 24ms);
  live.leap(-1h);
  live.picture(video, 33ms);
  live.sound(audio, 48ms);
  live.wait_out();
  EXPECT_TRUE(cut_of(live.judge(audio)));
  // The picture has never jumped, and is cut all the same.
  live.requests();
  for (auto time = 66ms; time < 900ms; time += 33ms)
    EXPECT_TRUE(std::holds_alternative<Pass>(live.picture(video, time)));
  EXPECT_FALSE(live.requests().empty());
  EXPECT_TRUE(cut_of(live.key(video, 1056ms)));
}

TEST(CutSchedulerLines, SoundThatWasSilentWhenTheLineBrokeIsFilledAtTheBreak) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.sound(audio, 0s);
  live.key(video, 0s);
  live.judge(audio);
  for (int n = 1; n <= 5; ++n) {
    live.key(video, n * 1s);
    live.wait_out();
  }
  ASSERT_FALSE(live.fills().empty());
  live.leap(1h - 6s);
  EXPECT_TRUE(cut_of(live.key(video, 1h))) << "sound that is silent is not waited for";
  const auto fills = live.fills();
  ASSERT_EQ(fills.size(), 1U) << "it is waited for downstream";
  EXPECT_EQ(fills[0].stream, audio);
  EXPECT_TRUE(fills[0].boundary.is_break);
}

TEST(CutSchedulerLines, SoundThatHasEndedIsNotFilled) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.sound(audio, 0s);
  live.key(video, 0s);
  live.judge(audio);
  for (int n = 1; n <= 4; ++n) {
    live.key(video, n * 1s);
    live.wait_out();
  }
  ASSERT_FALSE(live.fills().empty());
  live.scheduler.end(audio, live.now);
  live.key(video, 5s);
  EXPECT_TRUE(live.fills().empty());
}

// Sound that has died before the boundary at 2 s.
void let_die(Live& live, CutScheduler::StreamId audio, CutScheduler::StreamId video) {
  live.sound(audio, 0s);
  live.key(video, 0s);
  live.judge(audio);
  live.key(video, 1s);
  for (int n = 1; n <= 60; ++n)
    live.sound(audio, n * 24ms);
  live.wait_out();
  live.key(video, 2s);
  live.wait_out();
}

TEST(CutSchedulerLines, SoundThatComesBeforeItIsFilledIsCutItself) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  let_die(live, audio, video);
  EXPECT_TRUE(live.scheduler.has_fill());
  EXPECT_EQ(index_of(live.sound(audio, 1992ms)), 2);
  EXPECT_FALSE(live.scheduler.has_fill());
  EXPECT_EQ(live.scheduler.stats().fills, 0U);
}

TEST(CutSchedulerLines, AFillThatIsGivenBackIsACutOfTheFrameThatComes) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  let_die(live, audio, video);
  live.key(video, 3s);
  const auto first = live.scheduler.take_fill();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->boundary.index, 2);
  live.scheduler.give_back(*first);
  EXPECT_FALSE(live.scheduler.has_fill()) << "nor those behind it";
  EXPECT_EQ(index_of(live.sound(audio, 2016ms)), 2);
  EXPECT_EQ(index_of(live.sound(audio, 3s)), 3);
  EXPECT_EQ(live.scheduler.stats().fills, 0U);
}

TEST(CutSchedulerLines, WhatIsFlushedOrRemovedIsNotFilled) {
  for (const bool is_removed : {false, true}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    const auto video = live.scheduler.add_stream(Kind::Video);
    let_die(live, audio, video);
    EXPECT_TRUE(live.scheduler.has_fill());
    if (is_removed)
      live.scheduler.remove_stream(audio);
    else
      live.scheduler.flush(audio);
    EXPECT_FALSE(live.scheduler.has_fill());
  }
}

// ---- flushes

TEST(CutSchedulerLines, StreamsFlushedOneAfterTheOtherBeginOneNewLine) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.key(video, 1000s);
  live.sound(audio, 1000s);
  live.judge(video);
  // A seek: running time begins again, and the sound is there before the picture knows.
  live.scheduler.flush(audio);
  live.sound(audio, 0s);
  EXPECT_TRUE(std::holds_alternative<Wait>(live.judge(audio)));
  live.scheduler.flush(video);
  const auto cut = cut_of(live.key(video, 0s));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->at, at(0s));
  EXPECT_TRUE(cut->is_break);
  EXPECT_EQ(index_of(live.judge(audio)), cut->index);
  EXPECT_EQ(live.scheduler.stats().breaks, 1U);
}

TEST(CutSchedulerLines, AFlushedStreamThatGoesOnWhereTheOthersAreFindsItsPlace) {
  for (const auto& [off, is_break] :
       {std::pair{-kForwards, false}, std::pair{-kForwards - 1ns, true},
        std::pair{kForwards, false}, std::pair{kForwards + 1ns, true}}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    const auto video = live.scheduler.add_stream(Kind::Video);
    live.key(video, 1000s);
    live.sound(audio, 1000s);
    live.judge(video);
    live.scheduler.flush(audio);
    live.offset = -off;
    live.sound(audio, 1000s + off);
    EXPECT_EQ(std::holds_alternative<Wait>(live.picture(video, 1000s + 33ms)), false);
    live.scheduler.flush(video);
    live.key(video, 1000s + off);
    EXPECT_EQ(live.scheduler.stats().breaks, is_break ? 1U : 0U) << off.count();
  }
}

TEST(CutSchedulerLines, AFlushedPictureNeedsAKeyFrameAndBeginsWithTheSegmentThatIsOn) {
  Live live;
  const auto video = live.scheduler.add_stream(Kind::Video);
  const auto other = live.scheduler.add_stream(Kind::Video);
  live.key(video, 0s);
  live.key(other, 0s);
  EXPECT_EQ(index_of(live.judge(video)), 0);
  live.scheduler.flush(video);
  EXPECT_TRUE(std::holds_alternative<CutScheduler::Drop>(live.picture(video, 200ms)));
  EXPECT_EQ(index_of(live.key(video, 300ms)), 0);
}

TEST(CutSchedulerLines, AStreamThatWasRemovedStaysSoWhenItIsFlushed) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto gone = live.scheduler.add_stream(Kind::Audio);
  live.scheduler.remove_stream(gone);
  live.scheduler.flush(gone);
  EXPECT_EQ(index_of(live.sound(audio, 0s)), 0) << "nobody waits for it";
}

TEST(CutSchedulerLines, AStreamThatWasRemovedBreaksNoLine) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto gone = live.scheduler.add_stream(Kind::Audio);
  live.sound(audio, 0s);
  live.sound(gone, 0s);
  live.scheduler.remove_stream(gone);
  live.leap(1h);
  live.sound(gone, 1h);
  EXPECT_TRUE(std::holds_alternative<Pass>(live.judge(gone)));
  EXPECT_TRUE(cut_of(live.judge(audio)));
  EXPECT_EQ(live.scheduler.stats().breaks, 0U);
}

// ---- whose frames they are

TEST(CutSchedulerLines, WhenTheSoundOfTheGridHasGoneTheOtherIsTheGrid) {
  for (const bool is_removed : {true, false}) {
    Live live;
    const auto first = live.scheduler.add_stream(Kind::Audio);
    const auto second = live.scheduler.add_stream(Kind::Audio);
    live.sound(first, 0s, kMp3);
    live.sound(second, 0s, kOpus);
    live.judge(first);
    if (is_removed)
      live.scheduler.remove_stream(first);
    else
      live.scheduler.end(first, live.now);
    live.decisions();
    for (int n = 1; n <= 100; ++n)
      live.sound(second, n * 20ms, kOpus);
    const auto decisions = live.decisions();
    ASSERT_EQ(decisions.size(), 2U);
    EXPECT_EQ(decisions[0].boundary.at, at(1s)) << "a frame of Opus, and none of MP3";
    EXPECT_EQ(decisions[1].boundary.at, at(2s));
  }
}

TEST(CutSchedulerLines, ASecondSoundBeginsWithItsFrameNearestToTheBoundary) {
  Live live;
  const auto mp3 = live.scheduler.add_stream(Kind::Audio);
  const auto opus = live.scheduler.add_stream(Kind::Audio);
  live.sound(mp3, 0s, kMp3);
  live.sound(opus, 0s, kOpus);
  live.judge(mp3);
  for (int n = 1; n <= 42; ++n)
    live.sound(mp3, n * 24ms, kMp3);
  // The boundary is at 1008 ms: the frame at 1000 ms is 8 off, the next one 12.
  for (int n = 1; n <= 49; ++n)
    EXPECT_FALSE(cut_of(live.sound(opus, n * 20ms, kOpus)));
  EXPECT_EQ(cut_of(live.sound(opus, 1000ms, kOpus))->at, at(1008ms));
  EXPECT_FALSE(cut_of(live.sound(opus, 1020ms, kOpus)));
}

TEST(CutSchedulerLines, SoundBeginsAtTheBoundaryHoweverItsTimestampIsRounded) {
  for (const bool snaps : {true, false}) {
    Live live{{.snap = snaps}};
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    int moved = 0;
    for (std::int64_t n = 0; n < 2000; ++n) {
      // As encoders and parsers do it: cut off, or to the microsecond.
      auto time = Duration{n * 1024 * 1'000'000'000 / 48'000};
      if (n % 2 == 1)
        time = time / 1us * 1us;
      const auto verdict = live.sound(audio, time, kAac);
      const auto* cut = std::get_if<Cut>(&verdict);
      if (!cut)
        continue;
      if (snaps) {
        EXPECT_EQ(at(time) + cut->shift, cut->boundary.at);
      }
      moved += cut->shift != 0ns ? 1 : 0;
    }
    EXPECT_EQ(moved > 0, snaps);
  }
}

TEST(CutSchedulerLines, AnotherFormatMovesTheFramesAndNotTheGrid) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  for (int n = 0; n < 50; ++n)
    live.sound(audio, n * 24ms, kMp3);
  live.decisions();
  for (int n = 0; n < 200; ++n)
    live.sound(audio, 1200ms + n * 20ms, kOpus);
  const auto decisions = live.decisions();
  ASSERT_EQ(decisions.size(), 4U);
  for (const auto& decision : decisions)
    EXPECT_EQ(decision.boundary.at, at(decision.boundary.index * 1s));
}

TEST(CutSchedulerLines, FramesLongerThanASegmentBeginOneEach) {
  Live live{{.target = 500ms}};
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  constexpr AudioFrames::Format kLong{.length = 67'200, .rate = 48'000};  // 1.4 s
  for (int n = 0; n < 20; ++n)
    EXPECT_EQ(cut_of(live.sound(audio, n * 1400ms, kLong))->at, at(n * 1400ms));
  for (const auto& decision : live.decisions())
    EXPECT_NE(decision.length, 0ns);
}

TEST(CutSchedulerLines, IndicesDoNotGoBackWhenFramesAreMuchLongerThanSegments) {
  Live live{{.target = 500ms}};
  const auto master = live.scheduler.add_stream(Kind::Audio);
  const auto other = live.scheduler.add_stream(Kind::Audio);
  constexpr AudioFrames::Format kLong{.length = 480'000, .rate = 48'000};  // 10 s
  live.sound(master, 0s, kLong);
  for (int n = 0; n <= 595; ++n)
    live.sound(other, n * 20ms, kOpus);
  // The boundaries up to 15 s are on the frame at 10 s: the next is number 30. Then a frame comes
  // that is nearest to that one, 3 s in front of it.
  const auto before = live.decisions().back().boundary.index;
  live.scheduler.arrive(master, {.time = at(11'910ms), .format = kLong}, live.now);
  live.sound(other, 11'920ms, kOpus);
  const auto after = live.decisions();
  ASSERT_FALSE(after.empty());
  EXPECT_GE(after.front().boundary.index, 30);
  EXPECT_GT(after.front().boundary.index, before);
  EXPECT_LE(live.scheduler.stats().missed, 40U);
}

// ---- starts

TEST(CutSchedulerLines, SoundInFrontOfTheFirstPictureIsDroppedAtTheStartAndBehindABreak) {
  using Drop = CutScheduler::Drop;
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  for (const Duration begin : {0s, 3600s}) {
    live.sound(audio, begin);
    EXPECT_EQ(cut_of(live.key(video, begin + 60ms))->at, at(begin + 72ms));
    EXPECT_TRUE(std::holds_alternative<Drop>(live.judge(audio)));
    EXPECT_TRUE(std::holds_alternative<Drop>(live.sound(audio, begin + 24ms)));
    EXPECT_TRUE(std::holds_alternative<Drop>(live.sound(audio, begin + 48ms)));
    EXPECT_EQ(cut_of(live.sound(audio, begin + 72ms))->at, at(begin + 72ms));
    EXPECT_TRUE(std::holds_alternative<Pass>(live.sound(audio, begin + 96ms)));
    live.leap(3600s - 100ms);
  }
  EXPECT_EQ(live.scheduler.stats().dropped, 6U);
}

TEST(CutSchedulerLines, APictureThatBeginsLaterLeavesTheFirstBoundaryToTheOther) {
  Live live;
  const auto early = live.scheduler.add_stream(Kind::Video);
  const auto late = live.scheduler.add_stream(Kind::Video);
  live.key(early, 0s);
  // The key frame of the other is 1.5 s ahead, and waits for nothing.
  EXPECT_EQ(index_of(live.key(late, 1500ms)), 0);
  EXPECT_EQ(index_of(live.judge(early)), 0);
  for (auto time = 33ms; time < 990ms; time += 33ms)
    live.picture(early, time);
  EXPECT_EQ(cut_of(live.key(early, 1s))->at, at(1s));
  EXPECT_EQ(live.scheduler.stats().worst_error, 0ns);
}

TEST(CutSchedulerLines, ThePictureBeginsAtTheBoundaryThoughTheSoundHasMovedMeanwhile) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.key(video, 16ms);
  live.sound(audio, 0s);
  EXPECT_EQ(live.decisions().front().boundary.at, at(24ms));
  // Its second frame is off its place, and it comes before the picture's thread looks again.
  live.sound(audio, 39ms);
  const auto verdict = live.judge(video);
  const auto* cut = std::get_if<Cut>(&verdict);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->shift, 8ms);
}

TEST(CutSchedulerLines, OnASharedGridTheIndexIsThatOfTheSegmentThatTheStartIsIn) {
  struct Case {
    Duration start;
    std::int64_t index;
  };
  for (const auto& [start, index] : {Case{0ns, 0}, Case{1ns, 0}, Case{1s - 1ns, 0}, Case{1s, 1},
                                     Case{-1ns, -1}, Case{-1s, -1}, Case{-1s - 1ns, -2}}) {
    Live live;
    live.offset = 1h;
    live.scheduler.set_anchor(at(0s));
    const auto video = live.scheduler.add_stream(Kind::Video);
    const auto cut = cut_of(live.key(video, start));
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->index, std::max(index, std::int64_t{0})) << "none is negative";
    live.picture(video, start + 33ms);
    live.decisions();
    const Duration next = (index + 1) * 1s;
    if (next - start < 100ms)
      continue;  // too soon for a frame in front of it
    live.picture(video, next - 17ms);
    EXPECT_EQ(cut_of(live.key(video, next + 1ms))->at, at(next)) << start.count();
  }
}

TEST(CutSchedulerLines, OnASharedGridAStartOnTheFrameOfABoundaryIsThatBoundary) {
  // 8 ms in front of it, and there is none nearer.
  Live live;
  live.scheduler.set_anchor(at(0s));
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  EXPECT_EQ(index_of(live.sound(audio, 992ms)), 1);
  EXPECT_EQ(live.decisions().size(), 1U) << "and none of no length in front of it";
  EXPECT_EQ(live.scheduler.stats().missed, 0U);
}

TEST(CutSchedulerLines, AnAnchorOfLessIndicesThanThereWereKeepsItsInstants) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  for (int n = 0; n < 500; ++n)
    live.sound(audio, n * 20ms, kOpus);
  EXPECT_EQ(live.decisions().size(), 10U);
  live.scheduler.flush(audio);
  live.scheduler.set_anchor(at(300ms));
  EXPECT_EQ(index_of(live.sound(audio, 2s, kOpus)), 10);
  for (int n = 1; n < 100; ++n)
    live.sound(audio, 2s + n * 20ms, kOpus);
  const auto decisions = live.decisions();
  ASSERT_EQ(decisions.size(), 3U) << "and not after ten seconds without any";
  EXPECT_EQ(decisions[1].boundary.at, at(2300ms));
  EXPECT_EQ(decisions[2].boundary.index, 12);
}

TEST(CutSchedulerLines, ASharedGridIsTheSameBehindABreak) {
  Live live;
  live.scheduler.set_anchor(at(300ms));
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  live.sound(audio, 300ms, kOpus);
  live.leap(1h);
  EXPECT_EQ(index_of(live.sound(audio, 1h, kOpus)), 3599);
  EXPECT_EQ(cut_of(live.sound(audio, 1h + 300ms, kOpus))->at, at(1h + 300ms));
}

TEST(CutSchedulerLines, TwoStartsOnOneSharedGridCutAtTheSameInstants) {
  std::vector<std::vector<RunningTime>> cuts;
  for (const auto begin : {0ms, 24ms * 53, 24ms * 211}) {
    Live live;
    live.scheduler.set_anchor(at(-1'800'000'000s));
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    auto& times = cuts.emplace_back();
    for (Duration time = begin; time < 30s; time += 24ms)
      if (const auto cut = cut_of(live.sound(audio, time)); cut && time > 6s)
        times.push_back(cut->at);
  }
  EXPECT_GE(cuts[0].size(), 23U);
  EXPECT_EQ(cuts[0], cuts[1]);
  EXPECT_EQ(cuts[0], cuts[2]);
}

// ---- before the start

// The picture waits for the sound, and its encoder for nobody.
TEST(CutSchedulerLines, KeyFramesAreAskedForWhileTheSoundIsWaitedFor) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  EXPECT_TRUE(std::holds_alternative<Wait>(
      live.arrive(video, {.time = at(0ms), .is_key = true, .duration = 40ms})));
  const auto requests = live.requests();
  ASSERT_EQ(requests.size(), 3U);
  for (std::size_t n = 0; n < requests.size(); ++n) {
    EXPECT_EQ(requests[n].index, n + 1);
    EXPECT_EQ(requests[n].at, at((n + 1) * 1s - 20ms));
  }
  live.sound(audio, 1500ms);
  EXPECT_EQ(index_of(live.judge(video)), 0);
  live.picture(video, 40ms);
  EXPECT_TRUE(live.requests().empty()) << "not twice";
  live.picture(video, 960ms);
  EXPECT_EQ(index_of(live.key(video, 1s)), 1);
}

// Layers of a browser begin one after the other.
TEST(CutSchedulerLines, ARemoteEncoderIsAskedForEachBoundaryWhileItsFirstPictureWaits) {
  Live live{{.mode = Mode::Passthrough, .max_wait = 4s}};
  const auto first = live.scheduler.add_stream(Kind::Video);
  const auto other = live.scheduler.add_stream(Kind::Video);
  live.now = ClockTime{10s};
  EXPECT_TRUE(std::holds_alternative<Wait>(live.key(first, 0s)));
  live.requests();
  for (const auto n : {1, 2}) {
    EXPECT_EQ(live.scheduler.deadline(), ClockTime{10s + n * 1s});
    live.scheduler.on_time(ClockTime{10s + n * 1s - 1ns});
    EXPECT_TRUE(live.requests().empty());
    live.scheduler.on_time(ClockTime{10s + n * 1s});
    const auto requests = live.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].stream, first);
    EXPECT_EQ(requests[0].at, std::nullopt);
    EXPECT_EQ(requests[0].index, n);
  }
  live.now = ClockTime{12500ms};
  live.key(other, 0s);
  EXPECT_EQ(index_of(live.judge(first)), 0);
  live.picture(first, 1020ms);
  EXPECT_EQ(index_of(live.key(first, 1150ms)), 1);
  EXPECT_EQ(index_of(live.key(first, 2150ms)), 2);
}

TEST(CutSchedulerLines, WhatWasAskedForAnotherStartIsAskedForAnew) {
  Live live;
  const auto video = live.scheduler.add_stream(Kind::Video);
  const auto early = live.scheduler.add_stream(Kind::Video);
  live.arrive(video, {.time = at(500ms), .is_key = true, .duration = 40ms});
  EXPECT_EQ(live.requests().front().at, at(1480ms));
  live.arrive(early, {.time = at(0ms), .is_key = true, .duration = 40ms});
  live.judge(video);
  bool is_asked = false;
  for (const auto& request : live.requests())
    is_asked |= request.stream == video && request.at == at(980ms);
  EXPECT_TRUE(is_asked);
}

TEST(CutSchedulerLines, OnASharedGridKeyFramesAreAskedForBeforeTheStartAsWell) {
  Live live;
  live.scheduler.set_anchor(at(-10s + 300ms));
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.arrive(video, {.time = at(0ms), .is_key = true, .duration = 40ms});
  const auto first = live.requests().front();
  EXPECT_EQ(first.index, 10);
  EXPECT_EQ(first.at, at(280ms));
  live.sound(audio, 0s);
  live.judge(video);
  for (const auto& request : live.requests())
    EXPECT_GT(request.index, 12) << "not twice";
}

// ---- for ever

TEST(CutSchedulerLines, AStreamHalfAMinuteBehindTheOthersFindsEachOfItsBoundaries) {
  Live live{{.target = 500ms}};
  const auto video = live.scheduler.add_stream(Kind::Video);
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  live.sound(audio, 0s, kOpus);
  live.key(video, 0s);
  live.judge(audio);
  for (int n = 1; n <= 60; ++n)
    EXPECT_EQ(index_of(live.key(video, n * 500ms)), n);
  for (int n = 1; n <= 1500; ++n)
    EXPECT_EQ(index_of(live.sound(audio, n * 20ms, kOpus)),
              n % 25 == 0 ? std::optional<std::int64_t>{n / 25} : std::nullopt);
}

TEST(CutSchedulerLines, ARenditionThatIsBehindIsAskedForEachBoundaryThatTheOtherHasDecided) {
  Live live;
  const auto early = live.scheduler.add_stream(Kind::Video);
  const auto late = live.scheduler.add_stream(Kind::Video);
  live.key(early, 0s);
  live.arrive(late, {.time = at(0s), .is_key = true, .duration = 40ms});
  live.judge(early);
  auto requests = live.requests();
  for (const auto second : {1s, 2s, 3s, 4s})
    live.key(early, second);
  live.picture(late, 40ms);
  const auto later = live.requests();
  requests.insert(requests.end(), later.begin(), later.end());
  std::vector<std::int64_t> asked;
  for (const auto& request : requests) {
    if (request.stream != late)
      continue;
    ASSERT_TRUE(request.index);
    EXPECT_EQ(request.at, at(*request.index * 1s - 20ms));
    asked.push_back(*request.index);
  }
  EXPECT_EQ(asked, (std::vector<std::int64_t>{1, 2, 3}));
  live.picture(late, 980ms);
  live.picture(late, 1020ms);
  live.requests();
  live.picture(late, 1060ms);
  const auto again = live.requests();
  ASSERT_GE(again.size(), 1U);
  EXPECT_FALSE(again.back().at) << "the first of them is overdue";
  EXPECT_EQ(index_of(live.key(late, 1100ms)), 1);
  EXPECT_EQ(index_of(live.key(late, 2s)), 2);
}

// Whoever serves several renditions asks for all of them at the first request of a number.
TEST(CutSchedulerLines, ARequestHasTheNumberOfTheBoundaryForWhichTheKeyFrameIsLate) {
  Live live{{.mode = Mode::Passthrough}};
  const auto early = live.scheduler.add_stream(Kind::Video);
  const auto late = live.scheduler.add_stream(Kind::Video);
  live.key(early, 0s);
  live.key(late, 0s);
  live.judge(early);
  live.picture(late, 40ms);
  EXPECT_EQ(index_of(live.key(early, 1s)), 1);
  live.requests();
  live.picture(late, 1s);
  const auto requests = live.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests.front().stream, late);
  EXPECT_EQ(requests.front().index, 1) << "and not of the next one, which is yet to be decided";
}

TEST(CutSchedulerLines, ARequestForAKeyFrameToBeginWithIsForNoBoundary) {
  Live live{{.mode = Mode::Passthrough}};
  const auto early = live.scheduler.add_stream(Kind::Video);
  const auto late = live.scheduler.add_stream(Kind::Video);
  live.key(early, 0s);
  live.wait_out();
  live.judge(early);
  live.requests();
  live.picture(late, 500ms);
  const auto requests = live.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests.front().stream, late);
  EXPECT_EQ(requests.front().index, std::nullopt);
}

// Its key frame may have been asked for before, and answers nothing.
TEST(CutSchedulerLines, APictureThatComesBackBeginsWithinTheSegmentOfTheOthers) {
  Live live{{.mode = Mode::Passthrough}};
  const auto one = live.scheduler.add_stream(Kind::Video);
  const auto other = live.scheduler.add_stream(Kind::Video);
  live.key(one, 0s);
  live.key(other, 0s);
  live.judge(one);
  live.key(one, 1s);
  live.key(other, 1s);
  live.picture(one, 1'900ms);
  ASSERT_EQ(live.requests().back().index, 2) << "and it stops";
  EXPECT_EQ(index_of(live.key(other, 2s)), 2);
  live.picture(other, 2'560ms);
  EXPECT_EQ(index_of(live.key(one, 2'570ms)), 2) << "not 3, which is nearer";
  EXPECT_EQ(index_of(live.key(other, 3s)), 3);
  EXPECT_EQ(live.scheduler.stats().worst_error, 0ns);
}

// A picture that has been waited for comes all at once: whoever encodes it is far ahead of us.
TEST(CutSchedulerLines, KeyFramesAreAskedForBeforeTheFirstPictureGoesOn) {
  for (const bool comes_first : {true, false}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    const auto video = live.scheduler.add_stream(Kind::Video);
    if (!comes_first)
      live.sound(audio, 0ms);
    const auto verdict = live.arrive(video, {.time = at(0ms), .is_key = true, .duration = 40ms});
    if (comes_first)
      live.sound(audio, 0ms);
    EXPECT_EQ(index_of(comes_first ? live.judge(video) : verdict), 0);
    const auto requests = live.requests();
    ASSERT_EQ(requests.size(), 3u) << comes_first;
    for (std::size_t n = 0; n < requests.size(); ++n) {
      EXPECT_EQ(requests[n].stream, video);
      EXPECT_EQ(requests[n].index, n + 1);
      EXPECT_LE(requests[n].at.value(), at((n + 1) * 1s - 8ms));
    }
  }
}

TEST(CutSchedulerLines, BehindAPauseNoKeyFrameIsAskedForWithinIt) {
  Live live;
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.key(video, 0s);
  live.picture(video, 33ms);
  live.requests();
  live.key(video, 1h);
  const auto requests = live.requests();
  EXPECT_LE(requests.size(), 5U) << "three seconds of them, and the one that is on";
  ASSERT_FALSE(requests.empty());
  EXPECT_GE(*requests.front().at, at(1h) - 2s);
}

}  // namespace
}  // namespace onair::test
