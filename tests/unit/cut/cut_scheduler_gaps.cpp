// SPDX-License-Identifier: LGPL-2.1-or-later
// A CutScheduler whose pictures leave gaps across boundaries.
#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "live.hpp"
#include "programme.hpp"

namespace onair::test {
namespace {

using Cut = CutScheduler::Cut;
using Kind = CutScheduler::Kind;

// Sound, and a picture of 30 frames a second of which none is made from `from` to `to`.
Programme with_gap(CutScheduler::Config config, Duration from, Duration to, Duration end) {
  Programme programme{config};
  programme.add_audio(kMp3);
  programme.add_video({.frame_time = [=](std::int64_t n) {
    const auto time = [](std::int64_t number) { return number * Duration{1s} / 30; };
    const auto first = std::max<std::int64_t>((from * 30 + 1s - 1ns) / Duration{1s}, 0);
    const auto next = (to * 30 + 1s - 1ns) / Duration{1s};
    return at(time(n < first ? n : n - first + next));
  }});
  programme.run_to(at(end));
  return programme;
}

// Segments that last longer than EXT-X-TARGETDURATION says, to the nearest second.
std::size_t count_too_long(const Programme& programme, Duration target) {
  return static_cast<std::size_t>(
      std::count_if(programme.decisions.begin(), programme.decisions.end(), [&](const auto& each) {
        return each.length && *each.length >= CutScheduler::longest(target);
      }));
}

TEST(CutSchedulerGaps, ASegmentStaysBelowItsTargetInWholeSecondsAndAHalf) {
  EXPECT_EQ(CutScheduler::longest(500ms), 1500ms);
  EXPECT_EQ(CutScheduler::longest(1s), 1500ms);
  EXPECT_EQ(CutScheduler::longest(1s + 1ns), 2500ms);
  EXPECT_EQ(CutScheduler::longest(6s), 6500ms);
}

// Both sides of the edge: what begins the segment is the first picture at all behind the boundary.
TEST(CutSchedulerGaps, TheBoundaryFollowsThePictureForAsLongAsTheSegmentMayBe) {
  for (const auto& [picture, is_on_grid] :
       {std::pair{1258ms, true}, std::pair{1259ms, false}, std::pair{1487ms, false},
        std::pair{1501ms, true}, std::pair{1800ms, true}}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    const auto video = live.scheduler.add_stream(Kind::Video);
    live.key(video, 0s);
    live.sound(audio, 0s);
    live.judge(video);
    for (int n = 1; n <= 41; ++n)
      live.sound(audio, n * 24ms);
    live.picture(video, 900ms);
    live.sound(audio, 1008ms);
    live.decisions();
    const auto verdict = live.key(video, picture);
    ASSERT_EQ(index_of(verdict), 1) << picture.count();
    const auto decisions = live.decisions();
    ASSERT_EQ(decisions.size(), 1U);
    const auto nearest = (picture + 12ms) / 24ms * 24ms;
    EXPECT_EQ(decisions[0].boundary.at, at(is_on_grid ? 1008ms : nearest)) << picture.count();
    EXPECT_EQ(decisions[0].lateness, picture - 1008ms) << "as it was";
    EXPECT_EQ(at(picture) + std::get<Cut>(verdict).shift, decisions[0].boundary.at);
    EXPECT_EQ(index_of(live.judge(audio)),
              is_on_grid ? std::optional<std::int64_t>{1} : std::nullopt);
  }
}

TEST(CutSchedulerGaps, APictureThatCameWithoutItsKeyFrameIsNotCutOff) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  live.key(video, 0s);
  live.sound(audio, 0s);
  live.judge(video);
  live.picture(video, 1010ms);  // should have been one
  const auto verdict = live.key(video, 1700ms);
  EXPECT_EQ(cut_of(verdict)->at, at(1704ms));
  EXPECT_EQ(std::get<Cut>(verdict).shift, 4ms);
}

TEST(CutSchedulerGaps, NorOneOfAnotherRendition) {
  for (const bool has_other : {false, true}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    const auto video = live.scheduler.add_stream(Kind::Video);
    const auto other = live.scheduler.add_stream(Kind::Video);
    live.key(video, 0s);
    live.key(other, 0s);
    live.sound(audio, 0s);
    live.judge(video);
    live.judge(other);
    live.picture(other, has_other ? 1400ms : 900ms);
    EXPECT_EQ(cut_of(live.key(video, 1700ms))->at, at(has_other ? 1704ms : 1008ms));
  }
}

TEST(CutSchedulerGaps, RenditionsBeginTogetherBehindOne) {
  Live live;
  const auto audio = live.scheduler.add_stream(Kind::Audio);
  const auto video = live.scheduler.add_stream(Kind::Video);
  const auto other = live.scheduler.add_stream(Kind::Video);
  live.key(video, 0s);
  live.key(other, 0s);
  live.sound(audio, 0s);
  live.judge(video);
  live.judge(other);
  for (const auto id : {video, other}) {
    const auto verdict = live.key(id, 1700ms);
    EXPECT_EQ(cut_of(verdict)->at, at(1008ms));
    EXPECT_EQ(std::get<Cut>(verdict).shift, -692ms);
  }
}

TEST(CutSchedulerGaps, WithoutSnapThePictureKeepsItsTimeAndTheBoundaryItsPlace) {
  const auto programme = with_gap({.target = 1s, .snap = false}, 900ms, 1900ms, 10s);
  EXPECT_EQ(programme.decisions[1].boundary.at, at(1008ms));
  EXPECT_EQ(programme.cut_times(1)[1], at(1900ms));
}

TEST(CutSchedulerGaps, BoundariesWithinOneBeginSegmentsOfSoundAlone) {
  const auto programme = with_gap({.target = 1s}, 900ms, 2300ms, 10s);
  EXPECT_EQ(boundaries(programme)[1], at(1008ms));
  EXPECT_EQ(boundaries(programme)[2], at(2304ms)) << "the picture, which is near enough";
  EXPECT_EQ(boundaries(programme)[3], at(3s));
  EXPECT_EQ(programme.cut_times(0).size(), 10U);
  EXPECT_EQ(programme.cut_times(1).size(), 9U) << "all but one have a picture";
  EXPECT_EQ(programme.scheduler.stats().missed, 0U);
}

TEST(CutSchedulerGaps, NoSegmentIsOfNothing) {
  for (const bool has_sound : {false, true}) {
    Live live;
    const auto video = live.scheduler.add_stream(Kind::Video);
    live.key(video, 0s);
    if (has_sound)
      live.sound(live.scheduler.add_stream(Kind::Audio), 0s);
    live.decisions();
    // Without sound, and with sound that pauses as well.
    EXPECT_TRUE(index_of(live.key(video, has_sound ? 1h : 2300ms)));
    EXPECT_EQ(live.decisions().size(), 1U) << has_sound;
  }
}

TEST(CutSchedulerGaps, WhereTheSegmentMayBeAsLongTheyAreLeftOut) {
  const auto programme = with_gap({.target = 500ms}, 450ms, 1100ms, 10s);
  EXPECT_EQ(programme.scheduler.stats().missed, 1U);
  EXPECT_EQ(programme.cut_times(0), programme.cut_times(1));
  EXPECT_EQ(count_too_long(programme, 500ms), 0U);
}

TEST(CutSchedulerGaps, NoSegmentIsTooLongWhereverOneLies) {
  for (const Duration target : {500ms, 1000ms, 1200ms, 2000ms, 6000ms})
    for (Duration length = 100ms; length <= 1900ms; length += 150ms)
      for (Duration from = target; from < 2 * target; from += target / 13) {
        const auto programme = with_gap({.target = target}, from, from + length, 4 * target + 4s);
        ASSERT_EQ(count_too_long(programme, target), 0U)
            << "T " << in_ms(target) << " ms, " << in_ms(length) << " ms from " << in_ms(from);
        const auto& last = programme.decisions.back();
        ASSERT_LE(std::chrono::abs(last.error), 12ms) << "it is back on the grid";
      }
}

TEST(CutSchedulerGaps, SoundAloneThatPausesDoesNotMakeASegmentTooLong) {
  for (const auto& [sound, boundary] :
       {std::pair{1464ms, 1464ms}, std::pair{1512ms, 1008ms}, std::pair{1896ms, 1008ms}}) {
    Live live;
    const auto audio = live.scheduler.add_stream(Kind::Audio);
    for (int n = 0; n <= 40; ++n)
      live.sound(audio, n * 24ms);
    EXPECT_EQ(cut_of(live.sound(audio, sound))->at, at(boundary));
  }
}

}  // namespace
}  // namespace onair::test
