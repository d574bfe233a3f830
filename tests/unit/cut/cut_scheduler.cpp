// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/cut_scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

using ::testing::ElementsAre;
using Cut = CutScheduler::Cut;
using Demote = CutScheduler::Demote;
using Drop = CutScheduler::Drop;
using Kind = CutScheduler::Kind;
using Mode = CutScheduler::Mode;
using Pass = CutScheduler::Pass;
using Wait = CutScheduler::Wait;

// ---- the grid

TEST(CutScheduler, SegmentsOfMp3AreTheTwoNearestWholeNumbersOfFrames) {
  Programme programme{{.target = 1s}};
  const auto audio = programme.add_audio(kMp3);
  programme.run_to(at(6s));
  EXPECT_THAT(lengths(programme.cut_times(audio)),
              ElementsAre(1008ms, 984ms, 1008ms, 1008ms, 984ms));
}

TEST(CutScheduler, SixSecondsAreAWholeNumberOfMp3Frames) {
  Programme programme{{.target = 6s}};
  programme.add_audio(kMp3);
  programme.run_to(at(601s));
  EXPECT_EQ(programme.decisions.size(), 101U);
  EXPECT_EQ(programme.scheduler.stats().worst_error, 0ns);
}

TEST(CutScheduler, WithoutSoundTheGridIsExact) {
  Programme programme{{.target = 500ms}};
  const auto video = programme.add_video({.frame_time = frames_at(30000, 1001)});
  programme.run_to(at(59'900ms));
  EXPECT_EQ(programme.cut_times(video).size(), 120U);
  EXPECT_EQ(programme.scheduler.stats().worst_error, 0ns);
}

TEST(CutScheduler, ASharedAnchorPutsTwoProgrammesOntoOneGrid) {
  Programme one{{.target = 1s}};
  Programme other{{.target = 1s}};
  const auto epoch = at(-1'795'000'000s);  // about 1970, seen from today
  for (auto* programme : {&one, &other})
    programme->scheduler.set_anchor(epoch);
  one.add_audio(kMp3);
  other.add_audio(kMp3, at(1s + 24ms * 11));  // another start, the same frames
  one.run_to(at(10s));
  other.run_to(at(10s));
  auto first = boundaries(one);
  auto second = boundaries(other);
  first.erase(first.begin(), first.begin() + 2);  // its start, and what the other did not see
  second.erase(second.begin());
  EXPECT_EQ(first.front(), at(1992ms));
  EXPECT_NE(first, second);  // their frames do not begin together
  for (std::size_t n = 0; n < second.size(); ++n)
    EXPECT_LE(std::chrono::abs(first[n] - second[n]), 24ms);
  EXPECT_EQ(one.decisions.back().boundary.index, other.decisions.back().boundary.index);
  EXPECT_EQ(one.decisions.back().boundary.index, 1'795'000'009);
}

// ---- pictures

TEST(CutScheduler, AsksForKeyFramesHalfAnIntervalBeforeTheBoundaryAndAhead) {
  Programme programme{{.target = 1s, .request_ahead = 3s}};
  const auto video = programme.add_video({.frame_time = frames_at(25)});
  programme.run_to(at(1001ms));
  ASSERT_EQ(programme.requests.size(), 4U);
  for (const auto& request : programme.requests) {
    EXPECT_EQ(request.stream, video);
    // The first ones before there is a second picture.
    const auto lead = request.index.value() < 4 ? Duration{FrameInterval::kGuess} / 2 : 20ms;
    EXPECT_EQ(request.at, at(request.index.value() * 1s - lead));
  }
}

TEST(CutScheduler, TheKeyFrameIsMovedOntoTheBoundary) {
  Programme programme{{.target = 1s}};
  programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.run_to(at(30s));
  EXPECT_EQ(programme.cut_times(video), boundaries(programme));
  for (const auto& out : programme.streams[video].out)
    if (const auto* cut = std::get_if<Cut>(&out.verdict)) {
      EXPECT_LE(std::chrono::abs(cut->shift), 16'666'667ns);
    }
}

TEST(CutScheduler, WithoutSnapTimesStayAsTheyAre) {
  Programme programme{{.target = 1s, .snap = false}};
  programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.run_to(at(30s));
  EXPECT_EQ(programme.cut_times(video).size(), 30U);
  for (const auto& out : programme.streams[video].out)
    if (const auto* cut = std::get_if<Cut>(&out.verdict)) {
      EXPECT_EQ(cut->shift, 0ns);
    }
}

TEST(CutScheduler, OtherKeyFramesBeginNothing) {
  Programme programme{{.target = 1s}};
  programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30), .gop = 17});
  programme.run_to(at(120s));
  EXPECT_EQ(programme.cut_times(video), boundaries(programme));
  EXPECT_EQ(programme.decisions.size(), 120U);
  EXPECT_GT(programme.count<Demote>(video), 190U);
  EXPECT_LE(programme.scheduler.stats().worst_error, 12ms);
}

TEST(CutScheduler, RenditionsOfAnyFrameRateAreCutAtTheSameInstants) {
  Programme programme{{.target = 2s}};
  programme.add_audio(kMp3);
  const auto a = programme.add_video({.frame_time = frames_at(30)});
  const auto b = programme.add_video({.frame_time = frames_at(15)});
  const auto c = programme.add_video({.frame_time = frames_at(25)});
  programme.streams[a].lag = 150ms;
  programme.streams[c].lag = 700ms;
  programme.run_to(at(60s));
  for (const auto video : {a, b, c})
    EXPECT_EQ(programme.cut_times(video), boundaries(programme));
}

TEST(CutScheduler, PicturesBeforeTheFirstKeyFrameAreDroppedAndOneIsAskedForAtOnce) {
  CutScheduler scheduler{{}};
  const auto video = scheduler.add_stream(Kind::Video);
  scheduler.arrive(video, {.time = at(0ms), .is_key = false}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Drop>(scheduler.judge(video)));
  const auto request = scheduler.take_request();
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->at);
  scheduler.arrive(video, {.time = at(40ms), .is_key = true}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(video)));
}

TEST(CutScheduler, AnOverdueKeyFrameIsAskedForAgainAndShortensTheNextSegment) {
  Programme programme{{.target = 1s}};
  programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.run_to(at(1500ms));
  programme.streams[video].encoder->asked.clear();  // the encoder has dropped them
  programme.run_to(at(10s));
  EXPECT_GT(programme.scheduler.stats().repeats, 0U);
  const auto& late = programme.decisions[2];
  EXPECT_GT(late.lateness, 30ms);
  EXPECT_LE(late.lateness, 100ms);
  EXPECT_EQ(programme.decisions.back().boundary.index, 9);
  EXPECT_EQ(programme.decisions.back().boundary.at, at(9s));
}

TEST(CutScheduler, ARemoteEncoderIsAskedAheadByItsResponseTime) {
  Programme programme{{.target = 1s, .mode = Mode::Passthrough}};
  programme.add_audio(kMp3);
  programme.add_video({.frame_time = frames_at(30), .response = 180ms});
  programme.run_to(at(120s));
  EXPECT_EQ(programme.decisions.size(), 120U);
  for (const auto& decision : programme.decisions)
    if (decision.boundary.index > 10) {
      EXPECT_LE(std::chrono::abs(decision.error), 50ms) << decision.boundary.index;
    }
}

// Browsers take notice of one request in 300 ms, whoever makes it.
TEST(CutScheduler, ARequestThatIsTakenNoNoticeOfCostsOneBoundary) {
  Programme programme{{.target = 1s, .mode = Mode::Passthrough}};
  programme.add_audio(kMp3);
  const auto video =
      programme.add_video({.frame_time = frames_at(30), .response = 50ms, .deaf = 300ms});
  // Somebody else asks right before the boundary does.
  programme.run_to(at(780ms));
  programme.streams[video].encoder->hear(at(780ms), std::nullopt);
  programme.run_to(at(20s));
  const auto& decisions = programme.decisions;
  ASSERT_EQ(decisions.size(), 20U);
  EXPECT_LE(std::chrono::abs(decisions[1].error), 600ms);
  for (const auto& decision : decisions)
    if (decision.boundary.index != 1) {
      EXPECT_LE(std::chrono::abs(decision.error), 150ms) << decision.boundary.index;
    }
  EXPECT_LE(programme.scheduler.stats().repeats, 1U);
}

TEST(CutScheduler, ARemoteEncoderThatAnswersNothingIsCutAtItsNearestKeyFrames) {
  Programme programme{{.target = 1s, .mode = Mode::Passthrough}};
  programme.add_audio(kMp3);
  programme.add_video({.frame_time = frames_at(30), .gop = 17, .obeys = false});
  programme.run_to(at(120s));
  EXPECT_EQ(programme.decisions.size(), 120U);
  EXPECT_LE(programme.scheduler.stats().worst_error, 460ms);  // of 567 ms
}

// ---- sound that waits

TEST(CutScheduler, SoundWaitsAtTheBoundaryForTheKeyFrame) {
  Programme programme{{.target = 1s}};
  const auto audio = programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.streams[video].lag = 400ms;
  programme.run_to(at(1200ms));
  EXPECT_EQ(programme.streams[audio].waits, std::nullopt);
  EXPECT_EQ(programme.cut_times(audio), programme.cut_times(video));
}

TEST(CutScheduler, SoundGoesOnWhenThePictureDoesNotCome) {
  Programme programme{{.target = 1s, .max_wait = 2s}};
  const auto audio = programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.streams[video].is_lost = [](std::int64_t n) { return n > 100 && n < 600; };
  programme.run_to(at(40s));
  EXPECT_EQ(programme.cut_times(audio).size(), 40U);
  EXPECT_LE(programme.scheduler.stats().worst_error, 12ms);
  EXPECT_GE(programme.cut_times(video).size(), 23U);
}

TEST(CutScheduler, SoundThatDoesNotComeIsFilledAtEachBoundary) {
  Programme programme{{.target = 1s, .max_wait = 2s}};
  const auto audio = programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30)});
  programme.streams[audio].is_lost = [](std::int64_t n) { return n > 1000 && n < 1500; };
  programme.run_to(at(60s));
  EXPECT_EQ(programme.cut_times(video).size(), 60U);
  EXPECT_EQ(programme.streams[audio].fills.size() + programme.cut_times(audio).size(), 60U);
  EXPECT_GE(programme.streams[audio].fills.size(), 9U);
}

TEST(CutScheduler, APictureThatIsBehindTheOthersIsWaitedForUntilTheDeadline) {
  Programme programme{{.target = 1s, .max_wait = 2s}};
  const auto sound = programme.add_audio(kMp3);
  const auto picture = programme.add_video({.frame_time = frames_at(30)});
  const auto other = programme.add_video({.frame_time = frames_at(15)});
  programme.streams[other].is_lost = [](std::int64_t n) { return n >= 20 && n < 150; };
  programme.run_to(at(3s));
  EXPECT_TRUE(programme.scheduler.waits_for(other)) << "for two seconds";
  programme.run_to(at(4s));
  EXPECT_FALSE(programme.scheduler.waits_for(other));
  EXPECT_TRUE(programme.scheduler.waits_for(picture));
  EXPECT_TRUE(programme.scheduler.waits_for(sound));
  programme.run_to(at(11s));
  EXPECT_TRUE(programme.scheduler.waits_for(other)) << "it has come back";
}

TEST(CutScheduler, LostFramesLeaveTheGridWhereItIs) {
  Programme programme{{.target = 1s}};
  const auto audio = programme.add_audio(kMp3);
  programme.streams[audio].is_lost = [](std::int64_t n) { return n % 7 == 3 || n % 42 == 0; };
  programme.run_to(at(60s));
  EXPECT_EQ(programme.cut_times(audio).size(), 60U);
  EXPECT_LE(programme.scheduler.stats().worst_error, 36ms);  // half a frame, and the lost one
}

// ---- starts, ends, breaks

TEST(CutScheduler, TheFirstSegmentBeginsWithThePicture) {
  Programme programme{{.target = 1s}};
  const auto audio = programme.add_audio(kMp3);
  const auto video = programme.add_video({.frame_time = frames_at(30, 1, 700ms)});
  programme.run_to(at(10s));
  EXPECT_EQ(programme.decisions.front().boundary.at, at(696ms));
  EXPECT_EQ(programme.cut_times(audio), boundaries(programme));
  EXPECT_EQ(programme.cut_times(video), boundaries(programme));
}

TEST(CutScheduler, AStreamThatNeverComesIsWaitedForUntilTheDeadline) {
  CutScheduler scheduler{{.max_wait = 2s}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  scheduler.add_stream(Kind::Video);
  scheduler.arrive(audio, {.time = at(0ms)}, ClockTime{1s});
  EXPECT_TRUE(std::holds_alternative<Wait>(scheduler.judge(audio)));
  EXPECT_EQ(scheduler.deadline(), ClockTime{3s});
  scheduler.on_time(ClockTime{3s - 1ns});
  EXPECT_TRUE(std::holds_alternative<Wait>(scheduler.judge(audio)));
  scheduler.on_time(ClockTime{3s});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
}

TEST(CutScheduler, AStreamThatIsRemovedIsNotWaitedFor) {
  CutScheduler scheduler{{}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  const auto video = scheduler.add_stream(Kind::Video);
  scheduler.arrive(audio, {.time = at(0ms)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Wait>(scheduler.judge(audio)));
  scheduler.remove_stream(video);
  EXPECT_TRUE(scheduler.take_change());
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
}

TEST(CutScheduler, SoundGoesOnWhenThePictureHasEnded) {
  CutScheduler scheduler{{.target = 1s}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  const auto video = scheduler.add_stream(Kind::Video);
  scheduler.arrive(video, {.time = at(0ms), .is_key = true}, ClockTime{});
  scheduler.arrive(audio, {.time = at(0ms)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(video)));
  scheduler.arrive(audio, {.time = at(984ms)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Pass>(scheduler.judge(audio)));
  scheduler.arrive(audio, {.time = at(1008ms)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Wait>(scheduler.judge(audio)));
  scheduler.end(video, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
}

TEST(CutScheduler, ATimeLineThatJumpsBeginsASegmentAndAGridOfItsOwn) {
  for (const auto jump : {60s, -30s}) {
    CutScheduler scheduler{{.target = 1s}};
    const auto audio = scheduler.add_stream(Kind::Audio);
    auto time = at(100s);
    std::vector<CutScheduler::Boundary> cuts;
    for (int n = 0; n < 500; ++n, time += 24ms) {
      if (n == 250)
        time += jump;
      scheduler.arrive(audio, {.time = time}, ClockTime{n * 24ms});
      const auto verdict = scheduler.judge(audio);
      if (const auto* cut = std::get_if<Cut>(&verdict)) {
        cuts.push_back(cut->boundary);
        EXPECT_EQ(cut->boundary.at, time);
      }
    }
    ASSERT_EQ(cuts.size(), 12U);
    EXPECT_EQ(std::count_if(cuts.begin(), cuts.end(), [](const auto& cut) { return cut.is_break; }),
              1);
    EXPECT_TRUE(cuts[6].is_break);
    EXPECT_EQ(cuts[6].at, at(106s + jump));
    EXPECT_EQ(cuts[7].at, at(107s + 8ms + jump));
    for (std::size_t n = 0; n < cuts.size(); ++n)
      EXPECT_EQ(cuts[n].index, static_cast<std::int64_t>(n));
  }
}

TEST(CutScheduler, APauseOfTheClockTooIsNoJump) {
  CutScheduler scheduler{{.target = 1s}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  scheduler.arrive(audio, {.time = at(0s)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
  scheduler.arrive(audio, {.time = at(24ms * 2500)}, ClockTime{55s});
  const auto verdict = scheduler.judge(audio);
  ASSERT_TRUE(std::holds_alternative<Cut>(verdict));
  EXPECT_FALSE(std::get<Cut>(verdict).boundary.is_break);
  EXPECT_EQ(std::get<Cut>(verdict).boundary.index, 60);
}

TEST(CutScheduler, WhenAllStreamsAreFlushedTheGridBeginsAnew) {
  CutScheduler scheduler{{.target = 1s}};
  const auto audio = scheduler.add_stream(Kind::Audio);
  scheduler.arrive(audio, {.time = at(5s)}, ClockTime{});
  EXPECT_TRUE(std::holds_alternative<Cut>(scheduler.judge(audio)));
  scheduler.flush(audio);
  scheduler.arrive(audio, {.time = at(100ms)}, ClockTime{});
  const auto verdict = scheduler.judge(audio);
  ASSERT_TRUE(std::holds_alternative<Cut>(verdict));
  EXPECT_EQ(std::get<Cut>(verdict).boundary.at, at(100ms));
  EXPECT_EQ(std::get<Cut>(verdict).boundary.index, 1);
  EXPECT_TRUE(std::get<Cut>(verdict).boundary.is_break);
}

}  // namespace
}  // namespace onair::test
