// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jitter_buffer.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "jitter_buffer_playback.hpp"

namespace onair::test {
namespace {

using Insert = JitterBuffer::Insert;
using Packet = JitterBuffer::Packet;

// Packet `n` as another sender would send it, with sequence numbers of its own.
Packet of_other_ssrc(std::int64_t n, Duration late = 0ns) {
  auto packet = Playback::packet(n);
  packet.ssrc = kOtherSsrc;
  packet.sequence = static_cast<std::uint16_t>(30'000 + n);
  packet.rtp_time += 0x4000'0000;
  packet.arrival += late;
  return packet;
}

// `count` packets of one picture, the n-th at 50 a second.
std::vector<Packet> picture(std::int64_t n, std::int64_t first_packet, std::int64_t count) {
  std::vector<Packet> packets;
  for (std::int64_t i = 0; i < count; ++i) {
    auto packet = Playback::packet(n);
    packet.sequence = static_cast<std::uint16_t>(Playback::kFirstSequence + first_packet + i);
    packet.marker = i + 1 == count;
    packets.push_back(packet);
  }
  return packets;
}

Packet padding(std::int64_t n, std::int64_t like) {
  auto packet = Playback::packet(n);
  packet.rtp_time = Playback::packet(like).rtp_time;
  packet.is_empty = true;
  return packet;
}

// ---- eager

TEST(JitterBufferEager, PacketsInOrderPassAtOnce) {
  Playback run{eager()};
  run.arrive_all(0, 100);
  ASSERT_EQ(run.released().size(), 101u);
  for (std::int64_t n = 0; n <= 100; ++n)
    EXPECT_EQ(run.release_of(n), at(n * kSpacing));
  EXPECT_FALSE(run.buffer.next_deadline());
}

TEST(JitterBufferEager, PacketsThatComeLateButInOrderPassAtOnceHoweverLate) {
  Playback run{eager()};
  run.arrive_all(0, 10);
  EXPECT_EQ(run.arrive(11, 5s), Insert::Queued);
  EXPECT_EQ(run.release_of(11), at(11 * kSpacing + 5s));
}

TEST(JitterBufferEager, AHoleHoldsTheRestUntilTheMissingPacketsMediaTimePlusLatency) {
  Playback run{eager(200ms)};
  run.arrive_all(0, 4);
  run.arrive_all(6, 14);
  const auto given_up_at = at(5 * kSpacing + 200ms);
  run.advance_to(given_up_at - 1ns);
  EXPECT_EQ(run.buffer.next_deadline(), given_up_at);
  EXPECT_EQ(run.released().size(), 5u);
  EXPECT_TRUE(run.given_up().empty());
  run.advance_to(given_up_at);
  ASSERT_EQ(run.given_up().size(), 1u);
  EXPECT_EQ(run.given_up()[0].when, given_up_at);
  EXPECT_EQ(run.released().size(), 14u);
  EXPECT_EQ(run.release_of(6), given_up_at);
  EXPECT_EQ(run.release_of(14), given_up_at);
}

TEST(JitterBufferEager, EachMissingPacketIsGivenUpAtATimeOfItsOwn) {
  Playback run{eager(200ms)};
  run.arrive_all(0, 4);
  run.arrive(8);
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 3u);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(run.given_up()[static_cast<std::size_t>(i)].when, at((5 + i) * kSpacing + 200ms));
  EXPECT_EQ(run.release_of(8), at(7 * kSpacing + 200ms));
}

TEST(JitterBufferEager, AReorderedPacketLetsTheRestGo) {
  Playback run{eager()};
  run.arrive_all(0, 4);
  run.arrive_all(6, 9);
  EXPECT_EQ(run.arrive(5, 90ms), Insert::Queued);
  EXPECT_EQ(run.release_of(5), at(5 * kSpacing + 90ms));
  EXPECT_EQ(run.release_of(9), at(5 * kSpacing + 90ms));
  EXPECT_TRUE(run.given_up().empty());
  EXPECT_FALSE(run.released()[6].release.discont) << "nothing is missing";
}

TEST(JitterBufferEager, AMissingPacketIsTakenUntilItIsGivenUpAndIsLateAfterwards) {
  Playback in_time{eager(200ms)};
  in_time.arrive_all(0, 4);
  in_time.arrive(6);
  EXPECT_EQ(in_time.arrive(5, 200ms - 1ns), Insert::Queued);
  EXPECT_TRUE(in_time.given_up().empty());
  Playback late{eager(200ms)};
  late.arrive_all(0, 4);
  late.arrive(6);
  EXPECT_EQ(late.arrive(5, 200ms), Insert::Late) << "the deadline is at work before the packet";
  EXPECT_EQ(late.buffer.stats().late, 1u);
  EXPECT_EQ(late.buffer.stats().lost, 1u);
}

TEST(JitterBufferEager, WithoutAnyLatencyAHoleIsGivenUpAtOnce) {
  Playback run{eager(0ms)};
  run.arrive_all(0, 4);
  run.arrive(6);
  EXPECT_EQ(run.release_of(6), at(6 * kSpacing));
  EXPECT_EQ(run.given_up().size(), 1u);
}

// ---- paced

TEST(JitterBufferPaced, APacketOnTimeWaitsForTheLatency) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 15);
  run.advance_to(at(10 * kSpacing + 200ms) - 1ns);
  EXPECT_FALSE(run.release_of(10));
  EXPECT_EQ(run.buffer.next_deadline(), at(10 * kSpacing + 200ms));
  run.advance_to(at(2s));
  for (std::int64_t n = 0; n <= 15; ++n)
    EXPECT_EQ(run.release_of(n), at(n * kSpacing + 200ms));
}

TEST(JitterBufferPaced, APacket100MillisecondsLateWaitsTheRest) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 9);
  run.arrive(10, 100ms);
  run.advance_to(at(2s));
  EXPECT_EQ(run.release_of(10), at(10 * kSpacing + 200ms)) << "100 ms after it came";
}

TEST(JitterBufferPaced, APacketAsLateAsTheLatencyPassesAtOnce) {
  for (const Duration late : std::initializer_list<Duration>{200ms - 1ns, 200ms, 200ms + 1ns, 5s}) {
    Playback run{paced(200ms)};
    run.arrive_all(0, 9);
    EXPECT_EQ(run.arrive(10, late), Insert::Queued);
    run.advance_to(at(10s));
    EXPECT_EQ(run.release_of(10), at(10 * kSpacing + std::max<Duration>(late, 200ms)));
  }
}

TEST(JitterBufferPaced, TheFirstPacketMayBeTheLateOne) {
  Playback run{paced(200ms)};
  run.arrive(0, 150ms);  // it is thought to be on time, until better ones come
  EXPECT_EQ(run.buffer.next_deadline(), at(350ms));
  run.arrive(1, 130ms + 1ns);
  EXPECT_EQ(run.buffer.next_deadline(), at(330ms + 1ns));
  run.arrive(8);
  EXPECT_EQ(run.buffer.next_deadline(), at(200ms));
  run.advance_to(at(3s));
  EXPECT_EQ(run.release_of(0), at(200ms));
  EXPECT_EQ(run.release_of(1), at(220ms));
}

TEST(JitterBufferPaced, WhatWaitsBehindAHoleGoesWhenItIsDueAndNotBecauseOfTheHole) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 4);
  run.arrive_all(6, 30);
  run.advance_to(at(2s));
  ASSERT_EQ(run.given_up().size(), 1u);
  EXPECT_EQ(run.given_up()[0].when, at(6 * kSpacing + 200ms)) << "there was time until here";
  for (std::int64_t n = 6; n <= 30; ++n)
    EXPECT_EQ(run.release_of(n), at(n * kSpacing + 200ms));
}

TEST(JitterBufferPaced, ALatePacketThatCanStillGoOutInOrderDoes) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 4);
  run.arrive_all(6, 14);
  EXPECT_EQ(run.arrive(5, 219ms), Insert::Queued) << "a millisecond before its successor is due";
  EXPECT_EQ(run.release_of(5), at(5 * kSpacing + 219ms));
  Playback late{paced(200ms)};
  late.arrive_all(0, 4);
  late.arrive_all(6, 14);
  EXPECT_EQ(late.arrive(5, 220ms), Insert::Late);
}

TEST(JitterBufferPaced, APacketFromBeforeTheFirstGoesOutWhileTheFirstStillWaits) {
  Playback run{paced(200ms)};
  run.arrive(1);
  EXPECT_EQ(run.arrive(0, 30ms), Insert::Queued);
  run.arrive_all(2, 9);
  run.advance_to(at(1s));
  EXPECT_EQ(run.release_of(0), at(200ms));
  EXPECT_EQ(run.release_of(1), at(220ms));
  EXPECT_TRUE(run.released()[0].release.discont);
  EXPECT_FALSE(run.released()[1].release.discont);
  EXPECT_FALSE(run.released()[1].release.resync);
  EXPECT_EQ(run.pts_of(0), at(0ms));
}

TEST(JitterBufferPaced, ThePacketsOfAPictureAreDueTogether) {
  Playback run{paced(200ms)};
  for (std::int64_t n = 0; n < 10; ++n)
    for (auto packet : picture(n, 4 * n, 4)) {
      packet.arrival += (packet.sequence % 4) * 3ms;
      run.arrive(packet);
    }
  run.advance_to(at(2s));
  ASSERT_EQ(run.released().size(), 40u);
  for (std::int64_t i = 0; i < 40; ++i)
    EXPECT_EQ(run.released()[static_cast<std::size_t>(i)].when, at(i / 4 * kSpacing + 200ms));
}

TEST(JitterBufferPaced, AnEarlierClockCallReleasesNothing) {
  Playback run{paced(200ms)};
  run.arrive(0);
  EXPECT_FALSE(run.buffer.take(RunningTime::min()));
  EXPECT_FALSE(run.buffer.take(at(200ms) - 1ns));
  run.advance_to(at(200ms));
  EXPECT_EQ(run.released().size(), 1u);
}

// ---- latency that changes while packets wait

TEST(JitterBufferLatency, NewBoundsHoldForWhatWaits) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 5);
  auto settings = paced(50ms);
  settings.latency.release = LatencyController::Release::Eager;
  run.buffer.set_settings(settings);
  run.advance_to(run.now());
  EXPECT_EQ(run.released().size(), 6u) << "eager: all that is in order";
}

TEST(JitterBufferLatency, TheSharedLatencyHoldsIfItIsLarger) {
  Playback run{paced(100ms)};
  run.buffer.set_shared_latency(300ms);
  EXPECT_EQ(run.buffer.latency(), 300ms);
  EXPECT_EQ(run.buffer.own_latency(), 100ms);
  run.arrive(0);
  run.advance_to(at(1s));
  EXPECT_EQ(run.release_of(0), at(300ms));
  run.buffer.set_shared_latency(50ms);
  EXPECT_EQ(run.buffer.latency(), 100ms);
}

// ---- timestamps

TEST(JitterBufferTimestamps, PtsAreTheFirstArrivalPlusRtpTimeWhateverTheNetworkDoes) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    run.arrive(0, 7ms);
    for (std::int64_t n = 1; n <= 200; ++n)
      run.arrive(n, n < 100 ? (n % 5) * 30ms - (n % 5 == 0 ? 0ms : n % 5 * 20ms) : 10min);
    run.drain();
    for (const auto& one : run.released()) {
      const auto n = (one.release.ticks - run.buffer.clock().anchor_ticks()) / kFrame;
      EXPECT_EQ(one.release.pts, at(n * kSpacing + 7ms)) << n;
    }
    EXPECT_GT(run.released().size(), 150u);
  }
}

TEST(JitterBufferTimestamps, AStallOfTenMinutesMovesNothingAndFlagsNothing) {
  Playback run{eager()};
  run.arrive_all(0, 100);
  for (std::int64_t n = 101; n < 200; ++n)
    run.arrive(n, 10min);
  EXPECT_EQ(run.pts_of(199), at(199 * kSpacing));
  for (std::size_t i = 1; i < run.released().size(); ++i) {
    EXPECT_FALSE(run.released()[i].release.discont);
    EXPECT_FALSE(run.released()[i].release.resync);
  }
  EXPECT_EQ(run.buffer.stats().restarts, 0u);
}

TEST(JitterBufferTimestamps, APictureHasOneTimestampThoughOthersWereSentBeforeItsLastPacket) {
  // Sent as I P B, shown as I B P, at 200 ppm; the second packet of each P comes behind the B.
  Playback run{eager()};
  std::int64_t sequence = 0;
  const auto send = [&](std::int64_t shown, std::int64_t number, std::int64_t sent) {
    auto packet = Playback::packet(shown);
    packet.sequence = static_cast<std::uint16_t>(number);
    packet.arrival = at(sent * kSpacing + Duration{sent * 4'000});
    run.arrive(packet);
  };
  for (std::int64_t n = 0; n < 9000; n += 2, sequence += 3) {  // three minutes
    send(n + 2, sequence, n);
    send(n + 1, sequence + 2, n + 1);
    send(n + 2, sequence + 1, n + 1);
  }
  run.drain();
  ASSERT_EQ(run.released().size(), 3u * 4500);
  for (std::size_t i = 0; i < run.released().size(); i += 3) {
    const auto& released = run.released();
    ASSERT_EQ(released[i].packet.rtp_time, released[i + 1].packet.rtp_time);
    ASSERT_EQ(released[i].release.pts, released[i + 1].release.pts) << "picture " << i / 3;
  }
}

TEST(JitterBufferTimestamps, AReleaseTellsAllOfItsPacket) {
  Playback run{eager()};
  run.arrive_all(0, 68);
  run.arrive(69, 3ms);
  const auto& release = run.released().back().release;
  EXPECT_EQ(release.ssrc, kSsrc);
  EXPECT_EQ(release.clock_rate, kRate);
  EXPECT_EQ(release.arrival, at(69 * kSpacing + 3ms));
  const std::int64_t ticks = (std::int64_t{1} << 32) + Playback::kFirstRtpTime + 69 * kFrame;
  EXPECT_EQ(release.ticks, ticks) << "unrolled across the wrap";
  EXPECT_GT(ticks, std::int64_t{2} << 32);
  EXPECT_EQ(release.media, run.buffer.clock().media_time(ticks));
}

TEST(JitterBufferTimestamps, OnlyTheFirstPacketIsADiscontinuityAndNotAResync) {
  Playback run{eager()};
  run.arrive_all(0, 50);
  EXPECT_TRUE(run.released()[0].release.discont);
  EXPECT_FALSE(run.released()[0].release.resync);
  for (std::size_t i = 1; i < 50; ++i)
    EXPECT_FALSE(run.released()[i].release.discont);
}

// ---- holes and what is said of them

TEST(JitterBufferLost, AHoleIsReportedWithItsNumberTimeAndDuration) {
  Playback run{eager()};
  run.arrive_all(0, 35);
  run.arrive(37);
  run.advance_to(at(2s));
  ASSERT_EQ(run.given_up().size(), 1u);
  const auto& lost = run.given_up()[0].lost;
  EXPECT_EQ(lost.sequence, 0) << "the wrap itself";
  EXPECT_EQ(lost.count, 1);
  EXPECT_EQ(lost.pts, at(36 * kSpacing));
  EXPECT_EQ(lost.duration, kSpacing);
  EXPECT_EQ(lost.requests, 0);
  EXPECT_TRUE(run.released().back().release.discont);
  EXPECT_FALSE(run.released().back().release.resync);
  EXPECT_EQ(run.buffer.stats().lost, 1u);
}

TEST(JitterBufferLost, ALaterPacketThanTheGapIsNoDiscontinuityAgain) {
  Playback run{eager()};
  run.arrive_all(0, 4);
  run.arrive_all(6, 20);
  run.advance_to(at(1s));
  int discontinuities = 0;
  for (const auto& one : run.released())
    discontinuities += one.release.discont ? 1 : 0;
  EXPECT_EQ(discontinuities, 2) << "the first of all, and the one behind the hole";
}

TEST(JitterBufferLost, MissingPacketsShareTheTimeBetweenTheirNeighbours) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    run.arrive_all(0, 30);
    run.arrive(36);
    run.advance_to(at(3s));
    ASSERT_EQ(run.given_up().size(), 5u);
    for (std::int64_t i = 0; i < 5; ++i) {
      const auto& lost = run.given_up()[static_cast<std::size_t>(i)].lost;
      EXPECT_EQ(lost.sequence, Playback::packet(31 + i).sequence);
      EXPECT_EQ(lost.pts, at((31 + i) * kSpacing));
      EXPECT_EQ(lost.duration, kSpacing);
    }
  }
}

TEST(JitterBufferLost, ARunOf256IsReportedOneByOneAndALongerOneAsOne) {
  Playback run{eager()};
  run.arrive_all(0, 9);
  run.arrive(10 + 256);
  run.advance_to(at(30s));
  EXPECT_EQ(run.given_up().size(), 256u);
  EXPECT_EQ(run.buffer.stats().lost, 256u);
  EXPECT_EQ(run.given_up().back().lost.pts, at(265 * kSpacing));
  Playback longer{eager()};
  longer.arrive_all(0, 9);
  longer.arrive(10 + 257);
  longer.advance_to(at(30s));
  ASSERT_EQ(longer.given_up().size(), 1u);
  const auto& lost = longer.given_up()[0].lost;
  EXPECT_EQ(lost.sequence, Playback::packet(10).sequence);
  EXPECT_EQ(lost.count, 257);
  EXPECT_EQ(lost.pts, at(10 * kSpacing));
  EXPECT_EQ(lost.duration, 257 * kSpacing);
  EXPECT_EQ(longer.buffer.stats().lost, 257u);
}

TEST(JitterBufferLost, AHoleInsideAPictureHasNoDuration) {
  Playback run{eager()};
  for (const auto& packet : picture(0, 0, 2))
    run.arrive(packet);
  const auto packets = picture(1, 2, 5);
  for (const std::size_t i : {0u, 1u, 4u})
    run.arrive(packets[i]);
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 2u);
  for (const auto& one : run.given_up()) {
    EXPECT_EQ(one.lost.pts, at(kSpacing));
    EXPECT_EQ(one.lost.duration, 0ns);
    EXPECT_EQ(one.when, at(kSpacing + 200ms));
  }
}

TEST(JitterBufferLost, AHoleInsideAPictureOfAPacedStreamIsGivenUpWhenThePictureIsDue) {
  Playback run{paced()};
  for (const auto& packet : picture(0, 0, 2))
    run.arrive(packet);
  const auto packets = picture(1, 2, 5);
  for (const std::size_t i : {0u, 1u, 4u})
    run.arrive(packets[i]);
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 2u);
  EXPECT_EQ(run.given_up()[1].when, at(kSpacing + 200ms));
  EXPECT_EQ(run.released().back().when, at(kSpacing + 200ms));
}

TEST(JitterBufferLost, TheNextPacketOfWhatWasGivenUpIsLateAndSaidNothingMoreOf) {
  Playback run{eager(0ms)};
  run.arrive_all(0, 4);
  run.arrive(6);
  EXPECT_EQ(run.arrive(5, 30ms), Insert::Late);
  EXPECT_EQ(run.arrive(5, 40ms), Insert::Late);
  EXPECT_EQ(run.buffer.stats().late, 2u);
  EXPECT_EQ(run.given_up().size(), 1u);
}

// ---- duplicates, padding, what is refused

TEST(JitterBufferInsert, DuplicatesAreCountedAndGivenBack) {
  Playback run{paced()};
  run.arrive_all(0, 5);
  EXPECT_EQ(run.arrive(5, 1ms), Insert::Duplicate) << "while it waits";
  run.advance_to(at(1s));
  EXPECT_EQ(run.arrive(5, 1s), Insert::Duplicate) << "after it went out";
  EXPECT_EQ(run.buffer.stats().duplicates, 2u);
  EXPECT_EQ(run.released().size(), 6u);
}

TEST(JitterBufferInsert, PaddingClosesAHoleAndNothingGoesOut) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    run.arrive_all(0, 4);
    EXPECT_EQ(run.arrive(padding(5, 4)), Insert::Empty);
    run.arrive_all(6, 8);
    run.advance_to(at(1s));
    EXPECT_EQ(run.released().size(), 8u);
    EXPECT_TRUE(run.given_up().empty());
    for (std::size_t i = 1; i < 8; ++i)
      EXPECT_FALSE(run.released()[i].release.discont);
    EXPECT_EQ(run.release_of(6),
              at(6 * kSpacing) + (settings.latency.release == LatencyController::Release::Paced
                                      ? settings.latency.initial_latency
                                      : 0ns));
    EXPECT_EQ(run.buffer.stats().empty, 1u);
    EXPECT_EQ(run.buffer.stats().pushed, 8u);
  }
}

TEST(JitterBufferInsert, ReorderedPaddingClosesAHoleToo) {
  Playback run{eager()};
  run.arrive_all(0, 4);
  run.arrive(6);
  auto late = padding(5, 4);
  late.arrival += 50ms;
  EXPECT_EQ(run.arrive(late), Insert::Empty);
  EXPECT_EQ(run.release_of(6), at(5 * kSpacing + 50ms));
  EXPECT_FALSE(run.released().back().release.discont);
}

TEST(JitterBufferInsert, PaddingThatComesLateOrTwiceIsNothingNew) {
  Playback run{eager(0ms)};
  run.arrive_all(0, 4);
  EXPECT_EQ(run.arrive(padding(5, 4)), Insert::Empty);
  EXPECT_EQ(run.arrive(padding(5, 4)), Insert::Duplicate);
  run.arrive(7);
  auto late = padding(6, 4);
  late.arrival += 1s;
  EXPECT_EQ(run.arrive(late), Insert::Late);
  EXPECT_EQ(run.buffer.stats().empty, 1u);
}

TEST(JitterBufferInsert, AStreamMayBeginWithPadding) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    EXPECT_EQ(run.arrive(padding(0, 1)), Insert::Empty);
    run.arrive(1);
    run.arrive_all(2, 5);
    run.advance_to(at(1s));
    EXPECT_EQ(run.released().size(), 5u);
    ASSERT_TRUE(run.release_of(1));
    EXPECT_LE(*run.release_of(1), at(kSpacing + 200ms));
    EXPECT_TRUE(run.released()[0].release.discont);
  }
}

TEST(JitterBufferInsert, APictureThatBeginsWithPaddingIsDueLikeAnyOther) {
  Playback run{paced()};
  run.arrive_all(0, 4);
  auto ahead = padding(5, 6);  // of the time of the packet behind it
  ahead.arrival = at(6 * kSpacing);
  run.arrive(ahead);
  run.arrive(6);
  run.advance_to(at(1s));
  EXPECT_EQ(run.release_of(6), at(6 * kSpacing + 200ms));
}

TEST(JitterBufferInsert, AClockRateOfZeroIsRefused) {
  Playback run{eager()};
  auto packet = Playback::packet(0);
  packet.clock_rate = 0;
  EXPECT_EQ(run.arrive(packet), Insert::Refused);
  run.arrive_all(0, 3);
  packet = Playback::packet(4);
  packet.clock_rate = 0;
  EXPECT_EQ(run.arrive(packet), Insert::Refused);
  EXPECT_EQ(run.buffer.stats().refused, 2u);
  EXPECT_EQ(run.arrive(4), Insert::Queued);
}

TEST(JitterBufferInsert, ARetransmissionOfNothingIsRefused) {
  Playback run{eager()};
  auto repair = Playback::packet(0);
  repair.retransmission = true;
  repair.clock_rate = 8000;
  EXPECT_EQ(run.arrive(repair), Insert::Refused) << "it does not start a stream";
  run.arrive_all(1, 3);
  EXPECT_EQ(run.released().size(), 3u);
  EXPECT_EQ(run.pts_of(3), at(3 * kSpacing));
  auto foreign = of_other_ssrc(4);
  foreign.retransmission = true;
  for (int i = 0; i < 10; ++i, ++foreign.sequence)
    EXPECT_EQ(run.arrive(foreign), Insert::Refused);
}

TEST(JitterBufferInsert, NoiseIsHeldWhileOnProbationAndThenRefused) {
  Playback run{eager()};
  run.arrive_all(0, 3);
  for (std::int64_t n = 0; n < 4; ++n)
    EXPECT_EQ(run.arrive(of_other_ssrc(n, 80ms)), Insert::Queued);
  EXPECT_EQ(run.held(), 4u);
  EXPECT_EQ(run.arrive(4, 80ms), Insert::Queued);
  EXPECT_EQ(run.discarded(), 4u);
  EXPECT_EQ(run.held(), 0u);
  EXPECT_EQ(run.buffer.stats().refused, 4u);
  EXPECT_EQ(run.released().size(), 5u);
  EXPECT_FALSE(run.released().back().release.discont);
}

TEST(JitterBufferInsert, UnknownArrivalsTeachNothing) {
  Playback run{paced(200ms)};
  run.arrive_all(0, 3);
  for (std::int64_t n = 4; n < 90; ++n) {
    auto packet = Playback::packet(n);
    packet.arrival += n % 2 == 0 ? -50ms : 50ms;
    packet.arrival_known = false;
    run.arrive(packet);
  }
  EXPECT_EQ(run.buffer.stats().jitter, 0ns);
  run.arrive_all(90, 95);
  run.advance_to(at(4s));
  EXPECT_EQ(run.release_of(89), at(89 * kSpacing + 200ms));
  EXPECT_EQ(run.release_of(90), at(90 * kSpacing + 200ms)) << "not 50 ms earlier";
}

TEST(JitterBufferInsert, JitterIsThatOfRfc3550) {
  Playback run{eager()};
  run.arrive_all(0, 9);
  EXPECT_EQ(run.buffer.stats().jitter, 0ns);
  run.arrive(10, 16ms);
  EXPECT_EQ(run.buffer.stats().jitter, 1ms) << "a sixteenth of the difference";
  run.arrive(11);
  EXPECT_EQ(run.buffer.stats().jitter, 1ms + Duration{15ms} / 16);
}

// ---- new streams

TEST(JitterBufferRestart, FivePacketsOfAnotherSsrcAreANewStreamAndNoneOfThemIsLost) {
  Playback run{eager()};
  run.arrive_all(0, 9);
  for (std::int64_t n = 10; n < 14; ++n)
    EXPECT_EQ(run.arrive(of_other_ssrc(n)), Insert::Queued);
  EXPECT_EQ(run.released().size(), 10u);
  run.arrive(of_other_ssrc(14));
  ASSERT_EQ(run.released().size(), 15u);
  EXPECT_EQ(run.buffer.stats().restarts, 1u);
  const auto& first = run.released()[10].release;
  EXPECT_TRUE(first.discont);
  EXPECT_TRUE(first.resync);
  EXPECT_EQ(first.pts, at(10 * kSpacing));
  EXPECT_EQ(first.ssrc, kOtherSsrc);
  for (std::size_t i = 11; i < 15; ++i) {
    EXPECT_FALSE(run.released()[i].release.discont);
    EXPECT_EQ(run.released()[i].release.pts, at(static_cast<std::int64_t>(i) * kSpacing));
  }
  EXPECT_TRUE(run.given_up().empty()) << "nothing is missing between the two";
}

TEST(JitterBufferRestart, TheNewStreamGoesOnAsTheOldOneDid) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    run.arrive_all(0, 9);
    for (std::int64_t n = 10; n < 200; n += n == 99 ? 2 : 1)
      ASSERT_EQ(run.arrive(of_other_ssrc(n)), Insert::Queued) << n;
    run.advance_to(at(10s));
    EXPECT_EQ(run.released().size(), 199u);
    EXPECT_EQ(run.buffer.stats().restarts, 1u);
    ASSERT_EQ(run.given_up().size(), 1u);
    EXPECT_EQ(run.given_up()[0].lost.sequence, 30'100);
    EXPECT_EQ(run.given_up()[0].lost.pts, at(100 * kSpacing));
  }
}

TEST(JitterBufferRestart, ASenderThatStartsAgainIsANewStream) {
  Playback run{eager()};
  run.arrive_all(0, 99);
  for (std::int64_t n = 100; n < 150; ++n) {
    auto packet = Playback::packet(n);
    packet.sequence = static_cast<std::uint16_t>(20'000 + n);
    packet.rtp_time += 0x7654'3210;
    run.arrive(packet);
  }
  ASSERT_EQ(run.released().size(), 150u);
  EXPECT_TRUE(run.released()[100].release.resync);
  EXPECT_EQ(run.released().back().release.pts, at(149 * kSpacing));
  EXPECT_EQ(run.buffer.stats().restarts, 1u);
}

TEST(JitterBufferRestart, AnRtpTimeThatLeapsIsANewStreamForwardsAndBackwards) {
  for (const std::int64_t leap : {10, -10}) {
    Playback run{eager()};
    run.arrive_all(0, 99);
    for (std::int64_t n = 100; n < 150; ++n) {
      auto packet = Playback::packet(n);
      packet.rtp_time += static_cast<std::uint32_t>(leap * kRate);
      run.arrive(packet);
    }
    ASSERT_EQ(run.released().size(), 150u) << leap;
    EXPECT_TRUE(run.released()[100].release.resync);
    EXPECT_EQ(run.released()[100].release.pts, at(100 * kSpacing));
    EXPECT_EQ(run.released().back().release.pts, at(149 * kSpacing));
    EXPECT_EQ(run.buffer.stats().restarts, 1u);
  }
}

TEST(JitterBufferRestart, WhatWaitsOfTheOldStreamGoesOutFirstAndAtOnce) {
  Playback run{paced()};
  run.arrive_all(0, 9);
  for (std::int64_t n = 10; n < 15; ++n)
    run.arrive(of_other_ssrc(n));
  EXPECT_EQ(run.released().size(), 10u) << "with the fifth packet of the new stream";
  EXPECT_EQ(run.release_of(9), at(14 * kSpacing));
  run.advance_to(at(1s));
  ASSERT_EQ(run.released().size(), 15u);
  EXPECT_EQ(run.released()[10].when, at(10 * kSpacing + 200ms));
}

TEST(JitterBufferRestart, AHoleOfTheOldStreamKeepsItsTime) {
  Playback run{paced()};
  run.arrive_all(0, 5);
  run.arrive_all(7, 9);
  for (std::int64_t n = 10; n < 15; ++n)
    run.arrive(of_other_ssrc(n));
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 1u);
  EXPECT_EQ(run.given_up()[0].lost.sequence, Playback::packet(6).sequence);
  EXPECT_EQ(run.given_up()[0].lost.pts, at(6 * kSpacing));
  EXPECT_EQ(run.given_up()[0].lost.duration, kSpacing);
  EXPECT_EQ(run.released().size(), 14u);
}

TEST(JitterBufferRestart, AReorderedPacketOfTheNewStreamIsNoPacketOfTheOldOne) {
  Playback run{paced(1s)};
  run.arrive_all(0, 5);
  run.arrive(9);  // 6, 7 and 8 are missing
  for (std::int64_t n = 10; n < 14; ++n)
    run.arrive(of_other_ssrc(n, 60ms));
  auto fifth = of_other_ssrc(14, 60ms);
  run.buffer.set_settings(paced(10s));
  run.arrive(fifth);
  EXPECT_EQ(run.arrive(of_other_ssrc(8, 200ms)), Insert::Late) << "two before the first";
  run.advance_to(at(1min));
  for (std::size_t i = 0; i < run.released().size(); ++i)
    EXPECT_EQ(run.released()[i].packet.ssrc, i < 7 ? kSsrc : kOtherSsrc) << i;
}

TEST(JitterBufferRestart, ANewStreamNeverGoesBackBehindTheOldOne) {
  for (const auto& settings : {eager(), paced()}) {
    Playback run{settings};
    run.arrive(0, 150ms);  // PTS are 150 ms after the sampling from here on
    for (std::int64_t n = 8; n < 20; ++n)
      run.arrive(n);
    for (std::int64_t n = 20; n < 40; ++n)
      run.arrive(of_other_ssrc(n));
    run.advance_to(at(3s));
    for (std::size_t i = 1; i < run.released().size(); ++i)
      EXPECT_GE(run.released()[i].release.pts, run.released()[i - 1].release.pts) << i;
  }
}

TEST(JitterBufferRestart, TheTimesOfTheNewStreamDoNotDependOnTheLatency) {
  std::vector<RunningTime> times;
  for (const auto& settings : {eager(), eager(0ms), paced(), paced(1s), paced(0ms)}) {
    Playback run{settings};
    run.arrive(0, 150ms);
    for (std::int64_t n = 8; n < 20; ++n)
      run.arrive(n);
    for (std::int64_t n = 20; n < 40; ++n)
      run.arrive(of_other_ssrc(n));
    run.advance_to(at(5s));
    times.push_back(run.released().back().release.pts);
  }
  for (const auto time : times)
    EXPECT_EQ(time, times[0]);
}

TEST(JitterBufferRestart, PaddingOnProbationIsGivenBack) {
  for (const std::int64_t padded : {10, 12, 14}) {
    Playback run{eager()};
    run.arrive_all(0, 9);
    for (std::int64_t n = 10; n < 20; ++n) {
      auto packet = of_other_ssrc(n);
      packet.is_empty = n == padded;
      run.arrive(packet);
    }
    EXPECT_EQ(run.released().size(), 19u);
    EXPECT_EQ(run.held(), 0u) << "the buffer is empty: it must have no token";
  }
}

TEST(JitterBufferRestart, ANewStreamWithoutKnownArrivalsIsPacedAllTheSame) {
  Playback run{paced()};
  run.arrive_all(0, 9);
  for (std::int64_t n = 10; n < 30; ++n) {
    auto packet = of_other_ssrc(n);
    packet.arrival_known = false;
    run.arrive(packet);
  }
  run.advance_to(at(5s));
  EXPECT_EQ(run.released().size(), 30u);
}

TEST(JitterBufferRestart, AnotherClockRateOfTheSameSsrcBeginsANewTimeLine) {
  Playback run{eager()};
  run.arrive_all(0, 9);
  for (std::int64_t n = 10; n < 20; ++n) {
    auto packet = Playback::packet(n);
    packet.clock_rate = 8000;
    packet.rtp_time = Playback::packet(9).rtp_time + static_cast<std::uint32_t>((n - 9) * 160);
    run.arrive(packet);
  }
  ASSERT_EQ(run.released().size(), 20u);
  EXPECT_TRUE(run.released()[10].release.resync);
  EXPECT_EQ(run.released()[10].release.clock_rate, 8000u);
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_EQ(run.released()[i].release.pts, at(static_cast<std::int64_t>(i) * kSpacing)) << i;
  EXPECT_TRUE(run.given_up().empty());
}

TEST(JitterBufferRestart, PayloadTypesOfOneClockRateAreOneStream) {
  // Nothing in the core knows payload types: what it sees is this.
  Playback run{eager()};
  run.arrive_all(0, 19);
  for (std::size_t i = 1; i < 20; ++i)
    EXPECT_FALSE(run.released()[i].release.resync);
}

// ---- requests

TEST(JitterBufferRequests, AHoleIsAskedForAndTheReportSaysHowOften) {
  auto settings = eager(300ms);
  settings.do_retransmission = true;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.arrive(6);
  ASSERT_EQ(run.requests().size(), 1u);
  const auto& request = run.requests()[0];
  EXPECT_EQ(request.request.sequence & 0xffff, Playback::packet(5).sequence);
  EXPECT_EQ(request.request.expected, at(6 * kSpacing));
  EXPECT_EQ(request.packet_spacing, kSpacing);
  run.advance_to(at(1s));
  EXPECT_EQ(run.requests().size(), 3u) << "retries after 120 and 240 ms";
  ASSERT_EQ(run.given_up().size(), 1u);
  EXPECT_EQ(run.given_up()[0].lost.requests, 3);
  EXPECT_FALSE(run.buffer.next_request_at());
}

TEST(JitterBufferRequests, AnAnswerRepairsTheHole) {
  auto settings = eager(300ms);
  settings.do_retransmission = true;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.arrive(6);
  auto repair = Playback::packet(5);
  repair.arrival = at(6 * kSpacing + 45ms);
  repair.retransmission = true;
  EXPECT_EQ(run.arrive(repair), Insert::Queued);
  EXPECT_EQ(run.release_of(5), repair.arrival);
  EXPECT_EQ(run.buffer.round_trip(), 45ms);
  EXPECT_EQ(run.buffer.retransmission_stats().successes, 1u);
  EXPECT_EQ(run.pts_of(5), at(5 * kSpacing)) << "timed as if it had been there at once";
  run.advance_to(at(1s));
  EXPECT_EQ(run.requests().size(), 1u);
}

TEST(JitterBufferRequests, ARepairIsNoJitterAndMovesNoClock) {
  auto settings = paced(300ms);
  settings.do_retransmission = true;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.arrive(6);
  auto repair = Playback::packet(5);
  repair.arrival = at(250ms);
  repair.retransmission = true;
  run.arrive(repair);
  EXPECT_EQ(run.buffer.stats().jitter, 0ns);
  EXPECT_EQ(run.arrive(7, 120ms), Insert::Queued);
}

TEST(JitterBufferRequests, AnswersThatComeTooLateTellThatAskingIsOfNoUse) {
  auto settings = eager(200ms);
  settings.do_retransmission = true;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.arrive_all(6, 24);
  ASSERT_EQ(run.requests().size(), 2u) << "at 120 and at 240 ms";
  for (const Duration asked : {120ms, 240ms}) {
    auto answer = Playback::packet(5);
    answer.arrival = at(asked + 390ms);
    answer.retransmission = true;
    EXPECT_EQ(run.arrive(answer), Insert::Late);
  }
  EXPECT_EQ(run.buffer.round_trip(), 390ms);
  EXPECT_EQ(run.buffer.stats().late, 2u);
  run.arrive_all(32, 39);
  EXPECT_EQ(run.requests().size(), 2u);
}

JitterBuffer::Settings asking_for_the_next() {
  auto settings = eager(300ms);
  settings.do_retransmission = true;
  settings.request_next = true;
  return settings;
}

TEST(JitterBufferRequests, ThePacketThatComesNextIsAskedForWhenItIsLate) {
  Playback run{asking_for_the_next()};
  run.arrive_all(0, 4);
  run.advance_to(at(5 * kSpacing + kSpacing / 2) - 1ns);
  EXPECT_TRUE(run.requests().empty());
  run.advance_to(at(2s));
  ASSERT_EQ(run.requests().size(), 1u);
  EXPECT_EQ(run.requests()[0].number, Playback::packet(5).sequence);
  EXPECT_EQ(run.requests()[0].request.expected, at(5 * kSpacing));
  EXPECT_EQ(run.requests()[0].request.delay, kSpacing / 2);
  EXPECT_TRUE(run.given_up().empty()) << "nobody knows whether it exists";
}

TEST(JitterBufferRequests, ThePacketThatComesNextIsNotAskedForUnlessItIsWanted) {
  auto settings = asking_for_the_next();
  settings.request_next = false;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.advance_to(at(2s));
  EXPECT_TRUE(run.requests().empty());
}

TEST(JitterBufferRequests, ThePacketThatComesNextIsGivenTheDelayThatOthersHadLately) {
  const auto asked_after = [](Duration pause) {
    Playback run{asking_for_the_next()};
    run.arrive_all(0, 4);
    run.arrive(5, 80ms);
    std::int64_t n = 6;
    for (; n < 10; ++n)
      run.arrive(n, 80ms - (n - 5) * kSpacing + 1ms);
    const auto last = n + pause / kSpacing;
    for (; n <= last; ++n)
      run.arrive(n);
    EXPECT_TRUE(run.requests().size() <= 1) << "one for the first that was late";
    run.advance_to(at((last + 10) * kSpacing));
    return run.requests().back().request.delay;
  };
  EXPECT_GT(asked_after(0s), 95ms);
  EXPECT_LE(asked_after(0s), 100ms) << "a quarter more";
  EXPECT_GT(asked_after(5s), 40ms);
  EXPECT_LT(asked_after(5s), 70ms) << "it fades";
  EXPECT_EQ(asked_after(60s), kSpacing / 2);
}

TEST(JitterBufferRequests, TheNextFrameIsWaitedForBehindOneOfSeveralPackets) {
  Playback run{asking_for_the_next()};
  std::int64_t packets = 0;
  for (std::int64_t n = 0; n < 5; ++n) {
    for (const auto& packet : picture(n, packets, 3))
      run.arrive(packet);
    packets += 3;
  }
  run.advance_to(at(2s));
  ASSERT_EQ(run.requests().size(), 1u);
  EXPECT_EQ(run.requests()[0].number,
            static_cast<std::uint16_t>(Playback::kFirstSequence + packets));
  EXPECT_EQ(run.requests()[0].request.expected, at(5 * kSpacing));
}

TEST(JitterBufferRequests, NothingIsExpectedBehindTheEnd) {
  Playback run{asking_for_the_next()};
  run.arrive_all(0, 4);
  run.drain();
  EXPECT_TRUE(run.requests().empty());
}

TEST(JitterBufferRequests, NothingIsExpectedOnceThatIsNotWantedAnyMore) {
  Playback run{asking_for_the_next()};
  run.arrive_all(0, 4);
  run.buffer.set_settings(eager(300ms));
  run.advance_to(at(2s));
  EXPECT_TRUE(run.requests().empty());
}

TEST(JitterBufferRequests, NothingIsAskedForUnlessItIsWanted) {
  Playback run{eager()};
  run.arrive_all(0, 4);
  run.arrive(6);
  EXPECT_FALSE(run.buffer.next_request_at());
  run.advance_to(at(1s));
  EXPECT_TRUE(run.requests().empty());
}

// ---- a first packet that the sender has named

PlayRange named(std::int64_t n) {
  return {.first_sequence = Playback::packet(n).sequence,
          .first_rtp_time = Playback::packet(n).rtp_time};
}

TEST(JitterBufferNamedFirst, WhatIsMissingBeforeTheFirstToArriveIsWaitedForAndGivenUp) {
  Playback run{eager(200ms)};
  run.buffer.expect(named(0));
  run.arrive_all(3, 4);
  EXPECT_TRUE(run.released().empty());
  EXPECT_EQ(run.buffer.next_deadline(), at(200ms)) << "as if packet 0 had been due on time";
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 3u);
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto& [when, lost] = run.given_up()[static_cast<std::size_t>(n)];
    EXPECT_EQ(when, at(n * kSpacing + 200ms));
    EXPECT_EQ(lost.sequence, Playback::packet(n).sequence);
    EXPECT_EQ(lost.pts, at(n * kSpacing));
    EXPECT_EQ(lost.duration, kSpacing);
  }
  EXPECT_EQ(run.buffer.stats().lost, 3u);
  EXPECT_EQ(run.release_of(3), at(2 * kSpacing + 200ms));
  EXPECT_EQ(run.pts_of(3), at(3 * kSpacing)) << "the first to arrive anchors the line";
  EXPECT_TRUE(run.released()[0].release.discont);
  EXPECT_FALSE(run.released()[1].release.discont);
}

TEST(JitterBufferNamedFirst, APacketThatComesFirstIsNotWaitedWith) {
  Playback run{eager(200ms)};
  run.buffer.expect(named(0));
  run.arrive_all(0, 4);
  EXPECT_EQ(run.release_of(0), at(0ms));
  EXPECT_EQ(run.release_of(4), at(4 * kSpacing));
  EXPECT_EQ(run.buffer.stats().lost, 0u);
}

TEST(JitterBufferNamedFirst, ReorderedFirstPacketsGoOutInOrderWithoutAHole) {
  Playback run{eager(200ms)};
  run.buffer.expect(named(0));
  run.arrive(2);
  run.arrive(1, 30ms);
  run.arrive(0, 60ms);
  run.arrive(3, 10ms);
  EXPECT_EQ(run.order(), (std::vector<std::uint16_t>{65'500, 65'501, 65'502, 65'503}));
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_EQ(run.released()[n].release.discont, n == 0) << n;
    EXPECT_FALSE(run.released()[n].release.resync) << n;
  }
  EXPECT_EQ(run.pts_of(0), at(0ms));
}

TEST(JitterBufferNamedFirst, PacedPacketsKeepTheirTime) {
  Playback run{paced(200ms)};
  run.buffer.expect(named(0));
  run.arrive_all(2, 4);
  run.advance_to(at(1s));
  EXPECT_EQ(run.given_up().size(), 2u);
  for (std::int64_t n = 2; n <= 4; ++n)
    EXPECT_EQ(run.release_of(n), at(n * kSpacing + 200ms)) << n;
}

TEST(JitterBufferNamedFirst, WhatIsMissingBeforeTheFirstToArriveIsAskedFor) {
  auto settings = eager(300ms);
  settings.do_retransmission = true;
  Playback run{settings};
  run.buffer.expect(named(0));
  run.arrive(2);
  ASSERT_EQ(run.requests().size(), 2u);
  EXPECT_EQ(run.requests()[0].number, Playback::packet(0).sequence);
  EXPECT_EQ(run.requests()[1].number, Playback::packet(1).sequence);
  EXPECT_EQ(run.requests()[0].request.retry_period, 260ms) << "from 40 ms on, until it is given up";
  EXPECT_EQ(run.requests()[1].request.retry_period, 280ms);
  for (const std::int64_t n : {0, 1}) {
    auto repair = Playback::packet(n);
    repair.arrival = at(100ms);
    repair.retransmission = true;
    EXPECT_EQ(run.arrive(repair), Insert::Queued);
  }
  EXPECT_EQ(run.release_of(2), at(100ms));
  EXPECT_EQ(run.pts_of(0), at(0ms));
  EXPECT_EQ(run.buffer.stats().lost, 0u);
}

TEST(JitterBufferNamedFirst, LeftoversFromBeforeAreRefused) {
  Playback run{eager()};
  run.buffer.expect(named(5));
  EXPECT_EQ(run.arrive(3), Insert::Refused);
  EXPECT_EQ(run.arrive(4), Insert::Refused);
  EXPECT_EQ(run.arrive(5), Insert::Queued);
  EXPECT_EQ(run.arrive(4, 50ms), Insert::Refused);
  EXPECT_EQ(run.buffer.stats().refused, 3u);
  EXPECT_EQ(run.buffer.stats().late, 0u);
  EXPECT_EQ(run.pts_of(5), at(5 * kSpacing)) << "they anchor nothing";
}

TEST(JitterBufferNamedFirst, WithoutAnRtpTimeWhatIsMissingHasThatOfTheFirstToArrive) {
  Playback run{eager(200ms)};
  run.buffer.expect({.first_sequence = Playback::packet(0).sequence});
  run.arrive(3);
  run.advance_to(at(1s));
  ASSERT_EQ(run.given_up().size(), 3u);
  for (const auto& one : run.given_up()) {
    EXPECT_EQ(one.lost.pts, at(3 * kSpacing));
    EXPECT_EQ(one.lost.duration, 0ns);
  }
  EXPECT_EQ(run.release_of(3), at(3 * kSpacing + 200ms));
}

TEST(JitterBufferNamedFirst, AnRtpTimeThatIsFarAwayMakesTheNumberNoBetter) {
  for (const Duration away : {-10'001ms, -10'000ms, 10'000ms, 10'001ms}) {
    Playback run{eager(200ms)};
    auto range = named(3);
    *range.first_rtp_time += static_cast<std::uint32_t>(away / 1ms * (kRate / 1000));
    range.first_sequence = Playback::packet(0).sequence;
    run.buffer.expect(range);
    run.arrive(3);
    run.advance_to(at(1s));
    EXPECT_TRUE(run.release_of(3));
    EXPECT_EQ(run.given_up().size(), std::chrono::abs(away) <= 10s ? 3u : 0u) << away.count();
  }
}

TEST(JitterBufferNamedFirst, ALongRunBeforeTheFirstToArriveIsReportedAsOne) {
  Playback run{eager(200ms)};
  run.buffer.expect(named(0));
  run.arrive(300);
  run.advance_to(at(300 * kSpacing));
  ASSERT_EQ(run.given_up().size(), 1u);
  EXPECT_EQ(run.given_up()[0].lost.count, 300);
  EXPECT_EQ(run.given_up()[0].lost.pts, at(0ms));
  EXPECT_EQ(run.given_up()[0].lost.duration, 300 * kSpacing);
}

TEST(JitterBufferNamedFirst, AfterAClearTheFirstToGoOutIsTheOnlyOneThatSaysSo) {
  Playback run{eager(200ms)};
  run.arrive_all(0, 4);
  run.clear();
  run.buffer.expect(named(10));
  run.arrive_all(11, 12);
  run.arrive(10, 50ms);
  ASSERT_EQ(run.released().size(), 8u);
  for (std::size_t n = 5; n < 8; ++n)
    EXPECT_EQ(run.released()[n].release.resync, n == 5) << n;
  run.clear();
  run.buffer.expect(named(20));
  run.arrive_all(21, 22);
  run.advance_to(at(1s));
  ASSERT_EQ(run.released().size(), 10u);
  EXPECT_TRUE(run.released()[8].release.resync);
  EXPECT_FALSE(run.released()[9].release.resync);
}

TEST(JitterBufferNamedFirst, ItHoldsForOneStream) {
  Playback run{eager(200ms)};
  run.buffer.expect(named(0));
  run.arrive_all(0, 4);
  run.clear();
  run.arrive_all(8, 8);
  EXPECT_EQ(run.release_of(8), at(8 * kSpacing)) << "nothing is missing before it";
}

// ---- a range that ends

PlayRange range_from(std::int64_t n, Duration length) {
  auto range = named(n);
  range.length = length;
  return range;
}

TEST(JitterBufferRange, IsOverWhenItHasBeenPlayedAndTheLatencyHasPassed) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 5s));
  EXPECT_FALSE(run.buffer.ends_at()) << "nothing has come";
  run.arrive_all(0, 4);
  EXPECT_EQ(run.buffer.ends_at(), at(5s + 200ms));
}

TEST(JitterBufferRange, BeginsWithTheFirstPacketWhicheverArrivesFirst) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 5s));
  run.arrive(3, 40ms);
  EXPECT_EQ(run.buffer.ends_at(), at(5s + 40ms + 200ms)) << "as the first to arrive is timed";
}

TEST(JitterBufferRange, IsNotOverWhilePacketsCome) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 60ms));
  run.arrive_all(0, 4);
  EXPECT_EQ(run.buffer.ends_at(), at(4 * kSpacing + 1s)) << "a second of silence";
  run.arrive(5, 700ms);
  EXPECT_EQ(run.buffer.ends_at(), at(5 * kSpacing + 700ms + 1s));
  run.arrive(3, 900ms);
  EXPECT_EQ(run.buffer.ends_at(), at(3 * kSpacing + 900ms + 1s)) << "one that is of no use as well";
}

TEST(JitterBufferRange, TheLargestLatencyIsWaitedForWhereItAdapts) {
  auto settings = eager(200ms);
  settings.latency.adaptive = true;
  settings.latency.min_latency = 0ms;
  settings.latency.max_latency = 3s;
  Playback run{settings};
  run.buffer.expect(range_from(0, 5s));
  run.arrive(0);
  EXPECT_EQ(run.buffer.ends_at(), at(8s));
}

TEST(JitterBufferRange, HasNoEndUnlessBothItsLengthAndItsBeginningAreKnown) {
  Playback endless{eager()};
  endless.buffer.expect(named(0));
  endless.arrive(0);
  EXPECT_FALSE(endless.buffer.ends_at());
  Playback somewhere{eager()};
  somewhere.buffer.expect({.length = 5s});
  somewhere.arrive(0);
  EXPECT_FALSE(somewhere.buffer.ends_at());
  Playback elsewhere{eager()};
  auto range = range_from(0, 5s);
  *range.first_rtp_time -= 11 * kRate;
  elsewhere.buffer.expect(range);
  elsewhere.arrive(0);
  EXPECT_FALSE(elsewhere.buffer.ends_at()) << "it began 11 s ago, says who can't be believed";
}

TEST(JitterBufferRange, OfARunningStreamMayChange) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 5s));
  run.arrive_all(0, 4);
  run.buffer.expect(range_from(5, 10s));
  EXPECT_EQ(run.buffer.ends_at(), at(5 * kSpacing + 10s + 200ms));
  run.buffer.expect({});
  EXPECT_FALSE(run.buffer.ends_at());
}

TEST(JitterBufferRange, HoldsBehindAClearForPacketsThatFitIt) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 20s));
  run.arrive_all(0, 4);
  run.clear();
  EXPECT_FALSE(run.buffer.ends_at());
  run.arrive(400);
  EXPECT_EQ(run.buffer.ends_at(), at(20s + 200ms));
  run.clear();
  auto elsewhere = Playback::packet(800);
  elsewhere.rtp_time += 0x4000'0000;
  run.arrive(elsewhere);
  EXPECT_FALSE(run.buffer.ends_at());
}

TEST(JitterBufferRange, BehindAClearRunningTimeMayBeginAnew) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 60ms));
  run.arrive(0, 1h);
  run.clear();
  Playback again{eager()};
  again.buffer = run.buffer;
  again.arrive(0);
  EXPECT_EQ(again.buffer.ends_at(), at(1s));
}

TEST(JitterBufferRange, OfAnotherStreamIsNotKnown) {
  Playback run{eager(200ms)};
  run.buffer.expect(range_from(0, 20s));
  run.arrive_all(0, 4);
  for (std::int64_t n = 5; n < 12; ++n)
    run.arrive(of_other_ssrc(n));
  EXPECT_FALSE(run.buffer.ends_at());
}

// ---- bounds

TEST(JitterBufferBounds, TheOldestGoesWhenThereAreMorePacketsThanAllowed) {
  auto settings = paced();
  settings.max_packets = 5;
  Playback run{settings};
  run.arrive_all(0, 4);
  EXPECT_EQ(run.discarded(), 0u);
  run.arrive_all(5, 5);
  EXPECT_EQ(run.discarded(), 1u);
  EXPECT_EQ(run.buffer.packets(), 5u);
  EXPECT_EQ(run.buffer.stats().overflowed, 1u);
  run.advance_to(at(1s));
  ASSERT_EQ(run.released().size(), 5u);
  EXPECT_EQ(run.released()[0].packet.sequence, Playback::packet(1).sequence);
  EXPECT_TRUE(run.released()[0].release.discont);
  EXPECT_EQ(run.release_of(1), at(kSpacing + 200ms)) << "the others keep their time";
}

TEST(JitterBufferBounds, TheOldestGoesWhenThereAreMoreBytesThanAllowed) {
  auto settings = paced();
  settings.max_bytes = 500;
  Playback run{settings};
  run.arrive_all(0, 4);
  EXPECT_EQ(run.buffer.bytes(), 500u);
  EXPECT_EQ(run.discarded(), 0u);
  auto packet = Playback::packet(5);
  packet.size = 101;
  run.arrive(packet);
  EXPECT_EQ(run.discarded(), 2u);
  EXPECT_EQ(run.buffer.bytes(), 401u);
  packet = Playback::packet(6);
  packet.size = 5000;
  run.arrive(packet);
  EXPECT_EQ(run.buffer.packets(), 1u) << "a packet that is too large for itself is kept";
  EXPECT_EQ(run.held(), 1u);
}

TEST(JitterBufferBounds, ThePacketThatOverflowsMayBeItsOwnVictim) {
  auto settings = eager(10s);
  settings.max_packets = 3;
  Playback run{settings};
  run.arrive_all(0, 4);
  run.arrive_all(7, 9);
  EXPECT_EQ(run.arrive(6, 100ms), Insert::Queued);
  EXPECT_EQ(run.discarded(), 1u) << "6 is the oldest";
  run.advance_to(at(1min));
  EXPECT_EQ(run.released().size(), 8u);
}

TEST(JitterBufferBounds, APictureLargerThanTheBufferIsNotHeldForever) {
  auto settings = paced();
  settings.max_packets = 3;
  Playback run{settings};
  for (const auto& packet : picture(0, 0, 6))
    run.arrive(packet);
  run.advance_to(at(1s));
  ASSERT_EQ(run.released().size(), 3u);
  EXPECT_EQ(run.released().back().when, at(200ms));
}

TEST(JitterBufferBounds, DropOnLatencyHoldsNoMoreMediaThanTheLatency) {
  auto settings = eager(200ms);
  settings.drop_on_latency = true;
  Playback run{settings};
  run.buffer.set_shared_latency(1s);  // for which the hole is kept open
  run.arrive_all(0, 4);
  run.arrive_all(6, 15);
  EXPECT_EQ(run.discarded(), 0u) << "180 ms";
  run.arrive_all(16, 16);
  EXPECT_EQ(run.discarded(), 1u) << "200 ms";
  EXPECT_EQ(run.buffer.stats().overflowed, 1u);
  EXPECT_EQ(run.released().size(), 15u) << "and the hole is no longer waited for";
}

TEST(JitterBufferBounds, DropOnLatencyGoesByTheLargestLatencyIfItAdapts) {
  auto settings = eager(200ms);
  settings.drop_on_latency = true;
  settings.latency.adaptive = true;
  settings.latency.min_latency = 0ms;
  settings.latency.max_latency = 600ms;
  Playback run{settings};
  run.buffer.set_shared_latency(1s);
  run.arrive_all(0, 4);
  run.arrive_all(6, 35);
  EXPECT_EQ(run.discarded(), 0u) << "580 ms";
  run.arrive_all(36, 36);
  EXPECT_EQ(run.discarded(), 1u) << "600 ms";
}

TEST(JitterBufferBounds, DropOnLatencyDoesNotMeasureAcrossTwoStreams) {
  auto settings = paced(200ms);
  settings.drop_on_latency = true;
  Playback run{settings};
  run.arrive_all(0, 9);
  for (std::int64_t n = 10; n < 15; ++n)
    run.arrive(of_other_ssrc(n));
  run.advance_to(at(1s));
  EXPECT_EQ(run.discarded(), 0u);
  EXPECT_EQ(run.released().size(), 15u);
}

TEST(JitterBufferBounds, AHoleOfEveryNumberThereIsEndsInABoundedQueue) {
  auto settings = eager(1h);
  settings.latency.max_latency = 1h;
  Playback run{settings};
  run.arrive(0);
  // Leaps of 2900 packets, each within the dropout limit: holes that 16 bits can't hold.
  std::int64_t n = 0;
  for (int leap = 0; leap < 100; ++leap) {
    n += 2900;
    auto packet = Playback::packet(n);
    packet.rtp_time = Playback::packet(leap).rtp_time;
    packet.arrival = at(leap * kSpacing);
    run.arrive(packet);
  }
  EXPECT_LE(run.buffer.packets(), 100u);
  EXPECT_GT(run.discarded(), 0u);
}

// ---- the end, and a new beginning

TEST(JitterBufferDrain, HolesAreGivenUpAtOnceAndPacedPacketsKeepTheirTime) {
  Playback run{eager(10s)};
  run.arrive_all(0, 4);
  run.arrive_all(6, 9);
  run.arrive(12);
  run.buffer.drain();
  EXPECT_EQ(run.buffer.next_deadline(), RunningTime::min());
  run.advance_to(run.now());
  EXPECT_EQ(run.released().size(), 10u);
  EXPECT_EQ(run.given_up().size(), 3u);
  EXPECT_FALSE(run.buffer.next_deadline());

  Playback calm{paced(200ms)};
  calm.arrive_all(0, 4);
  calm.arrive_all(6, 9);
  calm.buffer.drain();
  calm.advance_to(at(5s));
  EXPECT_EQ(calm.release_of(4), at(4 * kSpacing + 200ms));
  EXPECT_EQ(calm.release_of(9), at(9 * kSpacing + 200ms));
  EXPECT_EQ(calm.given_up().size(), 1u);
}

TEST(JitterBufferClear, EveryTokenIsGivenBackAndTheNextPacketIsAFirst) {
  Playback run{paced(1s)};
  run.arrive_all(0, 4);
  run.arrive_all(6, 9);
  for (std::int64_t n = 10; n < 12; ++n)
    run.arrive(of_other_ssrc(n));  // on probation
  run.arrive(padding(0, 0));
  run.clear();
  EXPECT_EQ(run.held(), 0u);
  EXPECT_EQ(run.discarded(), 11u);
  EXPECT_EQ(run.buffer.packets(), 0u);
  EXPECT_EQ(run.buffer.bytes(), 0u);
  EXPECT_FALSE(run.buffer.next_deadline());
  EXPECT_FALSE(run.buffer.clock().is_anchored());
  auto packet = of_other_ssrc(500);
  EXPECT_EQ(run.arrive(packet), Insert::Queued) << "of any SSRC, at once";
  run.advance_to(at(500 * kSpacing + 1s));
  ASSERT_EQ(run.released().size(), 1u);
  EXPECT_EQ(run.released()[0].when, at(500 * kSpacing + 1s));
  EXPECT_EQ(run.released()[0].release.pts, at(500 * kSpacing));
  EXPECT_TRUE(run.released()[0].release.discont);
  EXPECT_FALSE(run.released()[0].release.resync) << "whoever cleared it says what it means";
}

TEST(JitterBufferClear, StatisticsStay) {
  Playback run{eager(0ms)};
  run.arrive_all(0, 4);
  run.arrive(6);
  run.clear();
  EXPECT_EQ(run.buffer.stats().pushed, 6u);
  EXPECT_EQ(run.buffer.stats().lost, 1u);
}

TEST(JitterBufferClear, ForgetsTheTimesOfBefore) {
  Playback run{eager()};
  for (std::int64_t n = 0; n < 5; ++n) {
    auto packet = Playback::packet(n);
    packet.arrival += 1h;
    run.arrive(packet);
  }
  run.clear();
  Playback again{eager()};  // running time has started over
  again.buffer = run.buffer;
  again.arrive_all(0, 4);
  for (std::int64_t n = 5; n < 10; ++n)
    again.arrive(of_other_ssrc(n));
  ASSERT_EQ(again.released().size(), 10u);
  EXPECT_EQ(again.released()[0].release.pts, at(0ms));
  EXPECT_EQ(again.released()[5].release.pts, at(5 * kSpacing));
}

TEST(JitterBufferClear, EndsADrain) {
  Playback run{eager(200ms)};
  run.arrive_all(0, 4);
  run.drain();
  run.clear();
  const auto base = run.now() - at(0ns);
  for (const std::int64_t n : {0, 1, 3}) {
    auto packet = Playback::packet(n);
    packet.arrival += base;
    run.arrive(packet);
  }
  EXPECT_EQ(run.released().size(), 7u) << "a hole is waited for again";
  EXPECT_EQ(run.buffer.next_deadline(), at(2 * kSpacing + 200ms) + base);
}

TEST(JitterBufferPosition, IsReachedWhenAllThatCameBeforeHasGone) {
  Playback run{paced()};
  EXPECT_TRUE(run.buffer.reached(run.buffer.position())) << "nothing has come";
  run.arrive_all(0, 4);
  run.arrive_all(6, 6);
  const auto behind = run.buffer.position();
  run.arrive_all(7, 9);
  EXPECT_FALSE(run.buffer.reached(behind));
  run.advance_to(at(6 * kSpacing + 200ms) - 1ns);
  EXPECT_FALSE(run.buffer.reached(behind));
  run.advance_to(at(6 * kSpacing + 200ms));
  EXPECT_TRUE(run.buffer.reached(behind));
  EXPECT_EQ(run.released().size(), 6u);
}

}  // namespace
}  // namespace onair::test
