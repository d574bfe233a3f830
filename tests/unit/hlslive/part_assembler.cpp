// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_assembler.hpp"

#include <gtest/gtest.h>

#include "assembly.hpp"

namespace onair::test {
namespace {

using Kind = PartAssembler::Kind;

PartAssembler::Config five_parts() {
  return {.plan = PartPlan{1s, 200ms, kMp3}};
}

// Sound and pictures whose first segment is open and has had nothing.
struct Rendition : Assembly {
  explicit Rendition(PartAssembler::Config config = five_parts()) : Assembly{config} {
    begin(video, 0, 0s);
    begin(audio, 0, 0s);
  }
  TrackId video = add(Kind::Video);
  TrackId audio = add(Kind::Audio);
};

struct Radio : Assembly {
  explicit Radio(PartAssembler::Config config = five_parts()) : Assembly{config} {
    begin(audio, 0, 0s);
  }
  TrackId audio = add(Kind::Audio);
};

// ---- sound alone

TEST(PartAssembler, APartOfSoundEndsWithItsLastFrameAndNotWithTheNext) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 192ms - 24ms);
  EXPECT_TRUE(radio.parts.empty());
  radio.sound(radio.audio, 192ms - 24ms, 192ms);
  ASSERT_EQ(radio.parts.size(), 1U);
  EXPECT_EQ(radio.parts[0].end, (PartAssembler::EndPart{.segment = 0,
                                                        .part = 0,
                                                        .start = at(0ms),
                                                        .end = at(192ms),
                                                        .is_independent = true,
                                                        .has_media = true}));
}

TEST(PartAssembler, ASegmentOf42FramesAndOneOf41HaveFivePartsEach) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 1008ms);
  EXPECT_TRUE(radio.segments.empty());  // it may go on
  radio.begin(radio.audio, 1, 1008ms);
  ASSERT_EQ(radio.segments.size(), 1U);
  EXPECT_EQ(radio.segments[0].duration(), 1008ms);
  radio.sound(radio.audio, 1008ms, 1992ms);
  radio.begin(radio.audio, 2, 1992ms);
  EXPECT_EQ(radio.part_lengths(), (std::vector<Duration>{192ms, 216ms, 192ms, 192ms, 216ms,  //
                                                         192ms, 216ms, 192ms, 192ms, 192ms}));
  ASSERT_EQ(radio.segments.size(), 2U);
  EXPECT_EQ(radio.segments[1].duration(), 984ms);
}

TEST(PartAssembler, ALateBoundaryBeginsThePlanAnew) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 1008ms + 192ms + 48ms);
  radio.begin(radio.audio, 1, 1248ms);
  EXPECT_EQ(radio.part_lengths(),
            (std::vector<Duration>{192ms, 216ms, 192ms, 192ms, 216ms, 192ms, 48ms}));
  EXPECT_EQ(radio.segments.at(0).duration(), 1248ms);
}

TEST(PartAssembler, AnEarlyBoundaryEndsThePartThatIsOpen) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 240ms);
  radio.begin(radio.audio, 1, 240ms);
  EXPECT_EQ(radio.part_lengths(), (std::vector<Duration>{192ms, 48ms}));
}

TEST(PartAssembler, WithoutAPlanAPartIsASegment) {
  Radio radio{{}};
  radio.sound(radio.audio, 0ms, 6000ms);
  EXPECT_TRUE(radio.parts.empty());
  radio.begin(radio.audio, 1, 6000ms);
  EXPECT_EQ(radio.part_lengths(), (std::vector<Duration>{6000ms}));
  EXPECT_EQ(radio.segments.size(), 1U);
}

TEST(PartAssembler, SoundThatEndsEndsItsSegment) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 288ms);
  radio.end(radio.audio);
  EXPECT_EQ(radio.part_lengths(), (std::vector<Duration>{192ms, 96ms}));
  ASSERT_EQ(radio.segments.size(), 1U);
  EXPECT_EQ(radio.segments[0].end, at(288ms));
  EXPECT_EQ(radio.assembler.held(), 0U);
}

// ---- packets of sound

TEST(PartAssembler, SoundIsPackedEvenlyAndNeverAcrossAPart) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 408ms);
  ASSERT_EQ(radio.parts.size(), 2U);
  EXPECT_EQ(Assembly::packet_sizes(radio.parts[0], radio.audio), (std::vector<std::size_t>{4, 4}));
  EXPECT_EQ(Assembly::packet_sizes(radio.parts[1], radio.audio),
            (std::vector<std::size_t>{3, 3, 3}));
}

TEST(PartAssembler, ASegmentThatEndsAFrameEarlyLeavesNoSingleFrame) {
  Radio radio{{.plan = PartPlan{120ms, 120ms, kMp3}}};
  radio.sound(radio.audio, 0ms, 96ms);  // of five
  radio.begin(radio.audio, 1, 96ms);
  ASSERT_EQ(radio.parts.size(), 1U);
  EXPECT_EQ(Assembly::packet_sizes(radio.parts[0], radio.audio), (std::vector<std::size_t>{4}));
}

TEST(PartAssembler, AHoleInTheSoundBeginsAPacket) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 48ms);
  radio.frame(radio.audio, {.pts = at(48ms + PartAssembler::kSeam), .duration = 24ms});
  radio.frame(radio.audio, {.pts = at(72ms + 2 * PartAssembler::kSeam + 1ns), .duration = 24ms});
  ASSERT_EQ(radio.open.size(), 1U);  // its timestamp counts for the first three
  EXPECT_EQ(radio.open[0].frames.size(), 3U);
}

TEST(PartAssembler, FramesLongerThanAPacketGoOneByOne) {
  Radio radio{{.plan = five_parts().plan, .pack = 47ms}};
  radio.sound(radio.audio, 0ms, 72ms);
  EXPECT_EQ(radio.open.size(), 3U);
}

// ---- sound and pictures

TEST(PartAssembler, APictureThatLastsToTheEndOfItsPartNeedNotBeFollowed) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 216ms);
  rendition.pictures(rendition.video, 0ms, 160ms);
  EXPECT_TRUE(rendition.parts.empty());
  EXPECT_TRUE(rendition.assembler.is_awaited(rendition.video));
  rendition.frame(rendition.video, {.pts = at(160ms), .duration = 32ms - 51us, .is_key = false});
  EXPECT_TRUE(rendition.parts.empty());
  rendition.frame(rendition.video, {.pts = at(191ms), .duration = 1ms - 50us, .is_key = false});
  ASSERT_EQ(rendition.parts.size(), 1U);
  EXPECT_TRUE(rendition.parts[0].end.is_independent);
  EXPECT_FALSE(rendition.assembler.is_awaited(rendition.video));
}

TEST(PartAssembler, APictureWithoutDurationWaitsForTheNext) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 192ms);
  rendition.frame(rendition.video, {.pts = at(0ms)});
  rendition.frame(rendition.video, {.pts = at(191ms), .is_key = false});
  EXPECT_TRUE(rendition.parts.empty());
  rendition.frame(rendition.video, {.pts = at(192ms), .is_key = false});
  ASSERT_EQ(rendition.parts.size(), 1U);
  EXPECT_EQ(Assembly::packet_sizes(rendition.parts[0], rendition.video).size(), 2U);
  ASSERT_EQ(rendition.open.size(), 1U);  // the next part has it
  EXPECT_EQ(rendition.open[0].frames[0].pts, at(192ms));
}

TEST(PartAssembler, AheadOfTheOtherTrackFramesAreHeldForLaterParts) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 408ms);
  EXPECT_TRUE(rendition.parts.empty());
  EXPECT_EQ(rendition.assembler.held(),
            9U + 4U);  // the second part's, and the first one's last packet
  rendition.pictures(rendition.video, 0ms, 400ms);
  EXPECT_EQ(rendition.parts.size(), 1U);
  rendition.pictures(rendition.video, 400ms, 440ms);
  EXPECT_EQ(rendition.parts.size(), 2U);
  EXPECT_EQ(rendition.assembler.held(), 0U);
}

// The key frame behind it decides where: whatever its time is, it is the first of its segment.
TEST(PartAssembler, ASegmentWaitsForThePictureThatBeginsTheNextOne) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 1008ms);
  rendition.pictures(rendition.video, 0ms, 1008ms);
  EXPECT_EQ(rendition.parts.size(), 4U);
  rendition.begin(rendition.audio, 1, 1008ms);
  EXPECT_EQ(rendition.parts.size(), 4U);
  rendition.frame(rendition.video, {.pts = at(1010ms), .duration = 40ms, .is_key = false});
  EXPECT_EQ(rendition.parts.size(), 4U);
  rendition.begin(rendition.video, 1, 1008ms);
  rendition.frame(rendition.video, {.pts = at(1007ms), .duration = 40ms, .is_key = true});
  ASSERT_EQ(rendition.parts.size(), 5U);
  const auto pictures = Assembly::frames(rendition.parts[4], rendition.video);
  EXPECT_EQ(pictures.back().pts, at(1010ms));
  ASSERT_EQ(rendition.segments.size(), 1U);
  ASSERT_EQ(rendition.open.size(), 1U);
  EXPECT_TRUE(rendition.open[0].frames[0].is_key);
}

TEST(PartAssembler, TheBoundaryOnThePictureAloneIsEnoughForSoundThatReachesIt) {
  Rendition rendition;
  rendition.pictures(rendition.video, 0ms, 984ms);
  rendition.begin(rendition.video, 1, 984ms);
  rendition.sound(rendition.audio, 0ms, 984ms - 24ms);
  EXPECT_EQ(rendition.parts.size(), 4U);
  rendition.sound(rendition.audio, 984ms - 24ms, 984ms);
  EXPECT_EQ(rendition.parts.size(), 5U);
  EXPECT_EQ(rendition.segments.size(), 1U);
}

// Sound has waited for a key frame, and has gone on without it.
TEST(PartAssembler, PicturesWithoutAKeyFrameGoOnInTheNextSegmentWhichIsNotIndependent) {
  Rendition rendition;
  rendition.pictures(rendition.video, 0ms, 1280ms);
  rendition.sound(rendition.audio, 0ms, 1008ms);
  EXPECT_EQ(rendition.parts.size(), 5U);
  EXPECT_TRUE(rendition.open.empty());
  rendition.begin(rendition.audio, 1, 1008ms);
  ASSERT_EQ(rendition.segments.size(), 1U);
  rendition.sound(rendition.audio, 1008ms, 1224ms);
  ASSERT_EQ(rendition.parts.size(), 6U);
  EXPECT_EQ(rendition.parts[5].end.segment, 1);
  EXPECT_FALSE(rendition.parts[5].end.is_independent);
  EXPECT_EQ(Assembly::frames(rendition.parts[5], rendition.video).front().pts, at(1040ms));
}

TEST(PartAssembler, APictureThatIsTooLateForTheLastPartIsDropped) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 192ms);
  rendition.pictures(rendition.video, 0ms, 192ms, 48ms);
  EXPECT_EQ(rendition.parts.size(), 1U);
  rendition.begin(rendition.audio, 1, 192ms);
  rendition.frame(rendition.video, {.pts = at(190ms), .duration = 40ms, .is_key = false});
  rendition.begin(rendition.video, 1, 192ms);
  rendition.frame(rendition.video, {.pts = at(192ms), .duration = 40ms, .is_key = true});
  EXPECT_EQ(rendition.dropped[rendition.video].size(), 1U);
  EXPECT_EQ(rendition.part_lengths(), (std::vector<Duration>{192ms}));
  ASSERT_EQ(rendition.open.size(), 1U);
  EXPECT_TRUE(rendition.open[0].frames[0].is_key);
}

TEST(PartAssembler, PicturesAloneMakePartsOfOneLength) {
  Assembly assembly{{.plan = PartPlan{1s, 250ms}}};
  const auto video = assembly.add(Kind::Video);
  assembly.begin(video, 0, 0ms);
  assembly.pictures(video, 0ms, 1000ms, 33ms);
  assembly.begin(video, 1, 1000ms);
  EXPECT_EQ(assembly.part_lengths(), (std::vector<Duration>(4, 250ms)));
}

// ---- what does not come

TEST(PartAssembler, AGapIsNotWaitedFor) {
  Rendition rendition;
  rendition.pictures(rendition.video, 0ms, 440ms);
  rendition.gap(rendition.audio, 192ms - 51us);
  EXPECT_TRUE(rendition.parts.empty());
  rendition.gap(rendition.audio, 192ms - 50us);
  EXPECT_EQ(rendition.parts.size(), 1U);
  rendition.gap(rendition.audio);  // until it comes back
  EXPECT_EQ(rendition.parts.size(), 2U);
  rendition.sound(rendition.audio, 408ms, 432ms);
  rendition.pictures(rendition.video, 440ms, 640ms);
  EXPECT_EQ(rendition.parts.size(), 2U);
}

TEST(PartAssembler, SoundUnderAPictureThatHasEndedIsIndependent) {
  Rendition rendition;
  rendition.pictures(rendition.video, 0ms, 200ms);
  rendition.end(rendition.video);
  rendition.sound(rendition.audio, 0ms, 408ms);
  ASSERT_EQ(rendition.parts.size(), 2U);
  EXPECT_TRUE(rendition.parts[1].end.is_independent);
}

TEST(PartAssembler, APartWithoutPicturesIsNotIndependentWhileTheyMayComeBack) {
  Rendition rendition;
  rendition.pictures(rendition.video, 0ms, 200ms);
  rendition.gap(rendition.video, 500ms);
  rendition.sound(rendition.audio, 0ms, 408ms);
  ASSERT_EQ(rendition.parts.size(), 2U);
  EXPECT_FALSE(rendition.parts[1].end.is_independent);
}

TEST(PartAssembler, APartWithNothingInItIsAGap) {
  Rendition rendition;
  rendition.gap(rendition.video, 192ms);
  EXPECT_TRUE(rendition.parts.empty());
  rendition.gap(rendition.audio, 192ms);
  ASSERT_EQ(rendition.parts.size(), 1U);
  EXPECT_FALSE(rendition.parts[0].end.has_media);
}

TEST(PartAssembler, TracksThatAreAllAwayMakeNoParts) {
  Rendition rendition;
  rendition.gap(rendition.video);
  rendition.gap(rendition.audio);
  EXPECT_TRUE(rendition.parts.empty());
  rendition.begin(rendition.audio, 1, 1008ms);  // somebody speaks for them
  EXPECT_EQ(rendition.parts.size(), 5U);
  ASSERT_EQ(rendition.segments.size(), 1U);
  EXPECT_FALSE(rendition.segments[0].has_media);
}

TEST(PartAssembler, AllTracksEndTheLastSegmentWithTheLaterOne) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 240ms);
  rendition.pictures(rendition.video, 0ms, 280ms);
  rendition.end(rendition.audio);
  EXPECT_EQ(rendition.parts.size(), 1U);
  rendition.end(rendition.video);
  EXPECT_EQ(rendition.part_lengths(), (std::vector<Duration>{192ms, 88ms}));
  EXPECT_EQ(rendition.segments.size(), 1U);
}

TEST(PartAssembler, ATrackThatBeginsLateBeginsInTheMiddle) {
  Rendition rendition;
  rendition.gap(rendition.video);
  rendition.sound(rendition.audio, 0ms, 240ms);
  EXPECT_EQ(rendition.parts.size(), 1U);
  rendition.begin(rendition.video, 0, 0ms);
  rendition.pictures(rendition.video, 240ms, 440ms);
  rendition.sound(rendition.audio, 240ms, 408ms);
  ASSERT_EQ(rendition.parts.size(), 2U);
  EXPECT_TRUE(rendition.parts[1].end.is_independent);
}

// ---- time lines

TEST(PartAssembler, SoundThatSaysNotHowLongItLastsIsWrittenAllTheSame) {
  Radio radio;
  for (auto time = 0ms; time <= 216ms; time += 24ms)
    radio.frame(radio.audio, {.pts = at(time)});
  ASSERT_EQ(radio.parts.size(), 1U);
  std::size_t frames = 0;
  for (const auto& packet : radio.parts[0].packets)
    frames += packet.frames.size();
  EXPECT_EQ(frames, 8U);
}

TEST(PartAssembler, ABreakEndsTheSegmentWithItsMediaAndBeginsAnywhere) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 264ms);
  rendition.pictures(rendition.video, 0ms, 240ms);
  rendition.begin(rendition.audio, 1, -5s, true);
  rendition.sound(rendition.audio, -5s, -5s + 192ms);
  EXPECT_TRUE(rendition.segments.empty());
  EXPECT_TRUE(rendition.assembler.is_awaited(rendition.video));
  rendition.begin(rendition.video, 1, -5s, true);
  rendition.pictures(rendition.video, -5s, -5s + 200ms);
  EXPECT_EQ(rendition.part_lengths(), (std::vector<Duration>{192ms, 72ms, 192ms}));
  ASSERT_EQ(rendition.segments.size(), 1U);
  EXPECT_EQ(rendition.segments[0].end, at(264ms));
  EXPECT_EQ(rendition.parts[2].end.start, at(-5s));
}

TEST(PartAssembler, ABreakIsAwaitedWithoutAPlanToo) {
  Rendition rendition{{}};
  rendition.sound(rendition.audio, 0ms, 264ms);
  rendition.pictures(rendition.video, 0ms, 240ms);
  EXPECT_FALSE(rendition.assembler.is_awaited(rendition.video));
  rendition.begin(rendition.audio, 1, 100s, true);
  EXPECT_TRUE(rendition.assembler.is_awaited(rendition.video));
  rendition.gap(rendition.video);
  EXPECT_EQ(rendition.part_lengths(), (std::vector<Duration>{264ms}));
}

TEST(PartAssembler, WhoComesBackOnALineThatTheOthersHaveLeftIsDropped) {
  Rendition rendition;
  rendition.sound(rendition.audio, 0ms, 192ms);
  rendition.gap(rendition.video);
  rendition.begin(rendition.audio, 1, 100s, true);
  rendition.pictures(rendition.video, 200ms, 280ms);
  EXPECT_EQ(rendition.dropped[rendition.video].size(), 2U);
  rendition.sound(rendition.audio, 100s, 100s + 192ms);  // and not waited for
  EXPECT_EQ(rendition.part_lengths(), (std::vector<Duration>{192ms, 192ms}));
  rendition.begin(rendition.video, 1, 100s, true);
  rendition.pictures(rendition.video, 100s + 192ms, 100s + 232ms);
  EXPECT_EQ(rendition.dropped[rendition.video].size(), 2U);
  EXPECT_EQ(rendition.open.size(), 1U);
}

TEST(PartAssembler, ABoundaryBehindWhatHasEndedIsPulledToIt) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 192ms);
  radio.begin(radio.audio, 1, 150ms);
  ASSERT_EQ(radio.segments.size(), 1U);
  EXPECT_EQ(radio.segments[0].end, at(192ms));
  radio.sound(radio.audio, 192ms, 384ms);
  EXPECT_EQ(radio.part_lengths(), (std::vector<Duration>{192ms, 192ms}));
}

TEST(PartAssembler, NumbersOfSegmentsMayLeaveSomeOut) {
  Radio radio;
  radio.sound(radio.audio, 0ms, 1008ms);
  radio.begin(radio.audio, 3, 1008ms);
  radio.sound(radio.audio, 1008ms, 1200ms);
  ASSERT_EQ(radio.parts.size(), 6U);
  EXPECT_EQ(radio.parts[5].end.segment, 3);
  EXPECT_EQ(radio.parts[5].end.part, 0);
}

}  // namespace
}  // namespace onair::test
