// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source_tracker.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Verdict = SourceTracker::Verdict;

constexpr std::uint32_t kSsrc = 0x1234'5678;
constexpr std::uint32_t kOther = 0x8765'4321;
constexpr Duration kSpacing{20ms};

// A sender of a packet every 20 ms on a network that takes no time. It is followed from packet 0,
// whose sequence number is `first`; whatever is offered next is a packet of that sender with one
// thing wrong.
class Sender {
 public:
  explicit Sender(std::uint16_t first = 1000) : first_{first} {
    const auto start = packet(0);
    EXPECT_EQ(tracker.judge(start, limits).verdict, Verdict::Start);
    tracker.restart(start, first);
  }

  // The n-th packet as it should be.
  [[nodiscard]] SourceTracker::Packet packet(std::int64_t n) const {
    return {.ssrc = kSsrc,
            .sequence = static_cast<std::uint16_t>(first_ + n),
            .arrival = RunningTime{1h + n * kSpacing},
            .media = MediaTime{5h + n * kSpacing}};
  }
  SourceTracker::Decision offer(const SourceTracker::Packet& one) {
    return tracker.judge(one, limits);
  }
  SourceTracker::Decision offer(std::int64_t n) { return offer(packet(n)); }
  Verdict verdict(const SourceTracker::Packet& one) { return offer(one).verdict; }
  Verdict verdict(std::int64_t n) { return offer(n).verdict; }
  // Packets from..to in order, all of which are followed.
  void run(std::int64_t from, std::int64_t to) {
    for (std::int64_t n = from; n <= to; ++n) {
      const auto decision = offer(n);
      ASSERT_EQ(decision.verdict, Verdict::Follow) << "packet " << n;
      ASSERT_EQ(decision.sequence, first_ + n);
      ASSERT_FALSE(decision.probation_failed);
    }
  }

  SourceTracker tracker;
  SourceTracker::Limits limits;

 private:
  std::uint16_t first_;
};

TEST(SourceTracker, TheFirstPacketStartsTheStream) {
  SourceTracker tracker;
  EXPECT_EQ(tracker.judge({.ssrc = kSsrc, .sequence = 65'535}, {}).verdict, Verdict::Start);
}

TEST(SourceTracker, ARetransmissionStartsNothing) {
  SourceTracker tracker;
  EXPECT_EQ(tracker.judge({.ssrc = kSsrc, .retransmission = true}, {}).verdict, Verdict::Refuse);
  EXPECT_EQ(tracker.judge({.ssrc = kSsrc}, {}).verdict, Verdict::Start);
}

TEST(SourceTracker, NumbersAreUnrolledAcrossTheWrapInBothDirections) {
  Sender sender{65'534};
  EXPECT_EQ(sender.offer(3).sequence, 65'537);
  EXPECT_EQ(sender.offer(1).sequence, 65'535) << "reordered, before the wrap";
  EXPECT_EQ(sender.offer(2).sequence, 65'536);
  EXPECT_EQ(sender.offer(4).sequence, 65'538);
  Sender young{2};
  EXPECT_EQ(young.offer(-5).sequence, -3) << "before the first zero";
}

TEST(SourceTracker, NumbersAreUnrolledThroughManyWraps) {
  Sender sender{65'000};
  sender.run(1, 300'000);
}

TEST(SourceTracker, ADropoutOf2999PacketsIsFollowedAndOneOf3000IsNotWhileTheRateIsUnknown) {
  const auto after = [](std::int64_t step) {
    Sender sender{64'000};
    auto packet = sender.packet(step);
    packet.arrival = sender.packet(1).arrival;  // whatever the time, so long as it is no leap
    packet.media = sender.packet(1).media;
    return sender.verdict(packet);
  };
  EXPECT_EQ(after(2999), Verdict::Follow);
  EXPECT_EQ(after(3000), Verdict::Probation);
  EXPECT_EQ(after(3001), Verdict::Probation);
  EXPECT_EQ(after(32'768), Verdict::Probation) << "half way round";
}

TEST(SourceTracker, AMisorderOf100PacketsIsFollowedAndOneOf101IsNotWhileTheRateIsUnknown) {
  const auto behind = [](std::int64_t step) {
    Sender sender{50};
    auto packet = sender.packet(-step);
    packet.media = sender.packet(0).media;
    return sender.verdict(packet);
  };
  EXPECT_EQ(behind(1), Verdict::Follow);
  EXPECT_EQ(behind(100), Verdict::Follow);
  EXPECT_EQ(behind(101), Verdict::Probation);
}

TEST(SourceTracker, LimitsAreTimesOnceTheRateIsKnown) {
  const auto judged = [](std::int64_t step) {
    Sender sender{65'000};
    sender.limits = {.max_dropout = 10s, .max_misorder = 1s};
    sender.run(1, 200);
    EXPECT_NEAR(sender.tracker.packet_rate(), 50, 1e-9);
    return sender.verdict(200 + step);
  };
  EXPECT_EQ(judged(499), Verdict::Follow) << "10 s of 50 packets";
  EXPECT_EQ(judged(500), Verdict::Probation);
  EXPECT_EQ(judged(-50), Verdict::Follow) << "1 s of 50 packets";
  EXPECT_EQ(judged(-51), Verdict::Probation);
}

TEST(SourceTracker, TheRateIsKnownAfterASecond) {
  Sender sender;
  sender.run(1, 49);
  EXPECT_EQ(sender.tracker.packet_rate(), 0);
  sender.run(50, 50);
  EXPECT_NEAR(sender.tracker.packet_rate(), 50, 1e-9);
}

TEST(SourceTracker, AStallDoesNotMakeThePacketRateSmaller) {
  Sender sender;
  sender.run(1, 200);
  for (std::int64_t n = 201; n < 300; ++n) {
    auto packet = sender.packet(n);
    packet.arrival = std::max(packet.arrival, sender.packet(201).arrival + 1600ms);
    ASSERT_EQ(sender.verdict(packet), Verdict::Follow);
    ASSERT_NEAR(sender.tracker.packet_rate(), 50, 5) << n;
  }
}

TEST(SourceTracker, ASlowStreamKeepsRoomForReorderingAndDropouts) {
  const auto judged = [](std::int64_t step) {
    Sender sender;
    sender.limits = {.max_dropout = 1s, .max_misorder = 100ms};
    sender.run(1, 200);
    auto packet = sender.packet(200 + step);
    packet.media = sender.packet(200).media;
    return sender.verdict(packet);
  };
  EXPECT_EQ(judged(99), Verdict::Follow) << "more than 1 s, but fewer than 100 packets";
  EXPECT_EQ(judged(100), Verdict::Probation);
  EXPECT_EQ(judged(-10), Verdict::Follow);
  EXPECT_EQ(judged(-11), Verdict::Probation);
}

TEST(SourceTracker, AFastStreamNeverTakesMoreThanSixteenBitsCanTellApart) {
  const auto judged = [](std::int64_t step) {
    Sender sender;
    sender.limits = {.max_dropout = 1h, .max_misorder = 1h};
    sender.run(1, 200);
    auto packet = sender.packet(200 + step);
    packet.media = sender.packet(200).media;
    packet.arrival = sender.packet(200).arrival;
    return sender.verdict(packet);
  };
  EXPECT_EQ(judged(16'383), Verdict::Follow);
  EXPECT_EQ(judged(16'384), Verdict::Probation);
  EXPECT_EQ(judged(-16'384), Verdict::Follow);
  EXPECT_EQ(judged(-16'385), Verdict::Probation);
}

TEST(SourceTracker, ADuplicateBelongsToTheStream) {
  Sender sender;
  sender.run(1, 10);
  EXPECT_EQ(sender.offer(10).sequence, 1010);
  EXPECT_EQ(sender.offer(10).verdict, Verdict::Follow);
}

TEST(SourceTracker, FivePacketsInARowOfAnotherSsrcAreANewStream) {
  Sender sender;
  auto packet = sender.packet(1);
  packet.ssrc = kOther;
  packet.sequence = 65'533;  // and wraps meanwhile
  for (int n = 0; n < 4; ++n, ++packet.sequence) {
    const auto decision = sender.offer(packet);
    EXPECT_EQ(decision.verdict, Verdict::Probation);
    EXPECT_FALSE(decision.probation_failed);
  }
  const auto decision = sender.offer(packet);
  EXPECT_EQ(decision.verdict, Verdict::Restart);
  EXPECT_FALSE(decision.probation_failed) << "all five are in";
}

TEST(SourceTracker, ARestartedStreamIsFollowedFromWhereItBegan) {
  Sender sender;
  auto packet = sender.packet(1);
  packet.ssrc = kOther;
  packet.sequence = 7;
  sender.tracker.restart(packet, 1001);
  packet.sequence = 10;
  EXPECT_EQ(sender.offer(packet).sequence, 1004);
  EXPECT_EQ(sender.verdict(2), Verdict::Probation) << "the old stream is the foreign one now";
}

TEST(SourceTracker, APacketOfTheStreamInBetweenMakesTheOthersNoise) {
  Sender sender;
  auto noise = sender.packet(1);
  noise.ssrc = kOther;
  for (int n = 0; n < 4; ++n, ++noise.sequence)
    ASSERT_EQ(sender.verdict(noise), Verdict::Probation);
  const auto decision = sender.offer(1);
  EXPECT_EQ(decision.verdict, Verdict::Follow);
  EXPECT_TRUE(decision.probation_failed);
  EXPECT_FALSE(sender.offer(2).probation_failed) << "it is said once";
  for (int n = 0; n < 4; ++n, ++noise.sequence)
    EXPECT_EQ(sender.verdict(noise), Verdict::Probation) << "counted from the start again";
  EXPECT_EQ(sender.verdict(noise), Verdict::Restart);
}

TEST(SourceTracker, NoiseThatDoesNotFitItselfStartsProbationAnew) {
  const auto fails = [](auto change) {
    Sender sender;
    auto packet = sender.packet(1);
    packet.ssrc = kOther;
    for (int n = 0; n < 3; ++n, ++packet.sequence)
      EXPECT_EQ(sender.verdict(packet), Verdict::Probation);
    change(packet);
    const auto decision = sender.offer(packet);
    EXPECT_EQ(decision.verdict, Verdict::Probation);
    ++packet.sequence;  // the fifth, or the second of a new count
    EXPECT_EQ(sender.verdict(packet),
              decision.probation_failed ? Verdict::Probation : Verdict::Restart);
    return decision.probation_failed;
  };
  using Packet = SourceTracker::Packet;
  EXPECT_FALSE(fails([](Packet&) {}));
  EXPECT_TRUE(fails([](Packet& packet) { packet.ssrc = 1; })) << "a third SSRC";
  EXPECT_TRUE(fails([](Packet& packet) { ++packet.sequence; })) << "a number left out";
  EXPECT_TRUE(fails([](Packet& packet) { --packet.sequence; })) << "a number twice";
  EXPECT_FALSE(fails([](Packet& packet) { packet.media += SourceTracker::kLeap - 1ns; }));
  EXPECT_TRUE(fails([](Packet& packet) { packet.media += SourceTracker::kLeap; }));
  EXPECT_FALSE(fails([](Packet& packet) { packet.media -= SourceTracker::kLeap - 1ns; }));
  EXPECT_TRUE(fails([](Packet& packet) { packet.media -= SourceTracker::kLeap; }));
}

TEST(SourceTracker, RetransmissionsNeitherStartAStreamNorDisturbAProbation) {
  Sender sender;
  sender.run(1, 10);
  auto foreign = sender.packet(1);
  foreign.ssrc = kOther;
  auto repair = sender.packet(5);
  repair.retransmission = true;
  auto stray = foreign;
  stray.retransmission = true;
  for (int n = 0; n < 10; ++n, ++stray.sequence)
    EXPECT_EQ(sender.verdict(stray), Verdict::Refuse) << "as many as you like";
  for (int n = 0; n < 4; ++n, ++foreign.sequence) {
    ASSERT_EQ(sender.verdict(foreign), Verdict::Probation);
    const auto decision = sender.offer(repair);
    EXPECT_EQ(decision.verdict, Verdict::Follow);
    EXPECT_EQ(decision.sequence, 1005);
    EXPECT_FALSE(decision.probation_failed);
    EXPECT_EQ(sender.verdict(stray), Verdict::Refuse);
  }
  EXPECT_EQ(sender.verdict(foreign), Verdict::Restart);
}

TEST(SourceTracker, ARetransmissionAheadDoesNotMoveTheStream) {
  Sender sender;
  auto repair = sender.packet(2000);
  repair.retransmission = true;
  repair.arrival = sender.packet(1).arrival;
  repair.media = sender.packet(1).media;
  EXPECT_EQ(sender.offer(repair).sequence, 3000);
  sender.run(1, 5);
  repair.sequence = sender.packet(2999 + 5).sequence;
  EXPECT_EQ(sender.verdict(repair), Verdict::Follow) << "the last that is near packet 5";
  ++repair.sequence;
  EXPECT_EQ(sender.verdict(repair), Verdict::Refuse);
}

TEST(SourceTracker, AStallOfAnyLengthIsNoNewStream) {
  for (const Duration stall : std::initializer_list<Duration>{1s, 2s, 1min, 10min, 5h}) {
    Sender sender;
    sender.run(1, 100);
    // The sender was silent and its clock ran on.
    auto later = sender.packet(101);
    later.arrival += stall;
    later.media += stall;
    EXPECT_EQ(sender.verdict(later), Verdict::Follow);
    // Or it did not even notice: what the network kept comes late, all at once.
    Sender busy;
    busy.run(1, 100);
    const std::int64_t waiting = std::min<std::int64_t>(stall / kSpacing, 60'000);
    for (std::int64_t n = 101; n < 101 + waiting; ++n) {
      auto packet = busy.packet(n);
      packet.arrival = std::max(packet.arrival, busy.packet(101).arrival + stall);
      ASSERT_EQ(busy.verdict(packet), Verdict::Follow) << n;
    }
  }
}

TEST(SourceTracker, AStallOfWhichTheNetworkKeptOnlyTheBeginningIsNoNewStream) {
  for (const Duration stall : std::initializer_list<Duration>{10s, 1min, 10min}) {
    Sender sender;
    sender.run(1, 100);
    // 500 packets come late, the others not at all, and then it is as before.
    for (std::int64_t n = 101; n <= 600; ++n) {
      auto packet = sender.packet(n);
      packet.arrival = sender.packet(101).arrival + stall;
      ASSERT_EQ(sender.verdict(packet), Verdict::Follow) << n;
    }
    auto later = sender.packet(700);
    later.arrival = sender.packet(101).arrival + stall;
    later.media = sender.packet(101).media + stall;
    EXPECT_EQ(sender.verdict(later), Verdict::Follow) << stall.count();
  }
}

TEST(SourceTracker, AQueueOfSecondsThatLastsAndThenBreaksDownIsNoNewStream) {
  Sender sender;
  sender.run(1, 100);
  // 1000 packets a second for a minute, 6 s late all of them.
  SourceTracker::Packet packet = sender.packet(100);
  for (int n = 0; n < 60'000; ++n) {
    ++packet.sequence;
    packet.media += 1ms;
    packet.arrival = RunningTime{packet.media.time_since_epoch() - 4h + 6s};
    ASSERT_EQ(sender.verdict(packet), Verdict::Follow) << n;
  }
  ++packet.sequence;
  packet.media += 6s;
  packet.arrival += 1ms;
  EXPECT_EQ(sender.verdict(packet), Verdict::Follow);
}

TEST(SourceTracker, RtpTimeThatOutrunsTheArrivalsByMoreThanTwoSecondsLeaps) {
  const auto verdict = [](Duration ahead) {
    Sender sender;
    sender.run(1, 100);
    auto packet = sender.packet(101);
    packet.media += ahead;
    return sender.verdict(packet);
  };
  EXPECT_EQ(verdict(1s), Verdict::Follow);
  EXPECT_EQ(verdict(SourceTracker::kLeap), Verdict::Follow);
  EXPECT_EQ(verdict(SourceTracker::kLeap + 1ns), Verdict::Probation);
  EXPECT_EQ(verdict(4h), Verdict::Probation);
}

TEST(SourceTracker, ALeapIsMeasuredFromTheLeastTransitNotFromALatePacket) {
  Sender sender;
  sender.run(1, 100);
  auto late = sender.packet(101);
  late.arrival += 10s;
  ASSERT_EQ(sender.verdict(late), Verdict::Follow);
  EXPECT_EQ(sender.verdict(102), Verdict::Follow) << "on time again";
  Sender same;
  same.run(1, 100);
  ASSERT_EQ(same.verdict(late), Verdict::Follow);
  auto leap = same.packet(102);
  leap.media += 10s;
  EXPECT_EQ(same.verdict(leap), Verdict::Probation);
}

TEST(SourceTracker, RtpTimeThatGoesBackInPacketsThatGoForwardLeapsBeyondTwoSeconds) {
  const auto verdict = [](Duration back) {
    Sender sender;
    sender.run(1, 200);
    auto packet = sender.packet(201);
    packet.media = sender.packet(200).media - back;
    return sender.verdict(packet);
  };
  EXPECT_EQ(verdict(100ms), Verdict::Follow) << "a picture that is shown before the last one";
  EXPECT_EQ(verdict(SourceTracker::kLeap), Verdict::Follow);
  EXPECT_EQ(verdict(SourceTracker::kLeap + 1ns), Verdict::Probation);
  EXPECT_EQ(verdict(4h), Verdict::Probation);
}

TEST(SourceTracker, APacketFromBehindWithATimeFarAheadLeaps) {
  const auto verdict = [](Duration ahead) {
    Sender sender;
    sender.run(1, 100);
    auto packet = sender.packet(95);
    packet.arrival += 1h;
    packet.media = sender.packet(100).media + ahead;
    return sender.verdict(packet);
  };
  EXPECT_EQ(verdict(SourceTracker::kLeap), Verdict::Follow);
  EXPECT_EQ(verdict(SourceTracker::kLeap + 1ns), Verdict::Probation)
      << "65 531 packets later rather than 5 earlier";
}

TEST(SourceTracker, AReorderedPacketMayBeMinutesLate) {
  Sender sender;
  sender.run(1, 100);
  auto packet = sender.packet(60);
  packet.arrival += 10min;
  EXPECT_EQ(sender.offer(packet).sequence, 1060);
}

TEST(SourceTracker, ALeapThatLastsIsANewStreamWithItsFifthPacket) {
  Sender sender;
  sender.run(1, 100);
  for (int n = 101; n < 105; ++n) {
    auto packet = sender.packet(n);
    packet.media += 10s;
    EXPECT_EQ(sender.verdict(packet), Verdict::Probation);
  }
  auto packet = sender.packet(105);
  packet.media += 10s;
  EXPECT_EQ(sender.verdict(packet), Verdict::Restart);
}

TEST(SourceTracker, ARestartForgetsTheRate) {
  Sender sender;
  sender.run(1, 200);
  sender.tracker.restart(sender.packet(201), 5000);
  EXPECT_EQ(sender.tracker.packet_rate(), 0);
}

TEST(SourceTracker, AResetForgetsAll) {
  Sender sender;
  sender.run(1, 200);
  sender.tracker.reset();
  EXPECT_EQ(sender.tracker.packet_rate(), 0);
  auto packet = sender.packet(9999);
  packet.ssrc = kOther;
  EXPECT_EQ(sender.verdict(packet), Verdict::Start);
}

TEST(SourceTracker, ARouteThatBecameShorterIsNoLeapHoweverSlowlyItIsForgotten) {
  Sender sender;
  sender.run(1, 100);
  for (std::int64_t n = 101; n < 2000; ++n) {  // 1.9 s faster all of a sudden: no leap yet
    auto packet = sender.packet(n);
    packet.arrival -= 1900ms;
    ASSERT_EQ(sender.verdict(packet), Verdict::Follow) << n;
  }
}

// ---- a first packet that the sender has named

// The first packet to arrive, where the sender has named `first` as the first of all.
SourceTracker::Decision arrives_first(int sequence, std::uint16_t first) {
  SourceTracker tracker;
  tracker.expect(first);
  return tracker.judge({.ssrc = kSsrc, .sequence = static_cast<std::uint16_t>(sequence)}, {});
}

TEST(SourceTrackerNamedFirst, TheStreamBeginsThereThoughALaterPacketIsTheFirstToArrive) {
  EXPECT_EQ(arrives_first(1000, 1000).first, 1000);
  EXPECT_EQ(arrives_first(1003, 1000).first, 1000);
  EXPECT_EQ(arrives_first(2, 65'534).first, -2) << "across the wrap";
  EXPECT_EQ(arrives_first(3999, 1000).first, 1000);
  for (const int sequence : {1000, 1003, 3999})
    EXPECT_EQ(arrives_first(sequence, 1000).verdict, Verdict::Start);
}

TEST(SourceTrackerNamedFirst, OneThatNothingComesNearIsNotHeeded) {
  for (const int sequence : {4000, 33'768, 63'536}) {
    const auto decision = arrives_first(sequence, 1000);
    EXPECT_EQ(decision.verdict, Verdict::Start) << sequence;
    EXPECT_FALSE(decision.first) << sequence;
  }
}

TEST(SourceTrackerNamedFirst, WhatIsNumberedBeforeItIsLeftOver) {
  for (const int sequence : {999, 63'537})
    EXPECT_EQ(arrives_first(sequence, 1000).verdict, Verdict::Leftover) << sequence;
  SourceTracker tracker;
  tracker.expect(1000);
  const auto judge = [&](std::uint16_t sequence, Duration when) {
    return tracker.judge({.ssrc = kSsrc, .sequence = sequence, .arrival = RunningTime{when}}, {});
  };
  for (int n = 0; n < 20; ++n)  // many in a row, and yet no stream
    EXPECT_EQ(judge(static_cast<std::uint16_t>(900 + n), 5s + n * 1ms).verdict, Verdict::Leftover);
  EXPECT_EQ(judge(1001, 5s + 20ms).first, 1000);
}

TEST(SourceTrackerNamedFirst, AfterASecondOfLeftoversItWasWrong) {
  SourceTracker tracker;
  tracker.expect(1000);
  const auto judge = [&](std::uint16_t sequence, Duration when) {
    return tracker.judge({.ssrc = kSsrc, .sequence = sequence, .arrival = RunningTime{when}}, {});
  };
  EXPECT_EQ(judge(900, 5s).verdict, Verdict::Leftover);
  EXPECT_EQ(judge(901, 6s - 1ns).verdict, Verdict::Leftover);
  const auto decision = judge(902, 6s);
  EXPECT_EQ(decision.verdict, Verdict::Start);
  EXPECT_FALSE(decision.first);
}

TEST(SourceTrackerNamedFirst, NothingIsEarlierOnceTheStreamRuns) {
  SourceTracker tracker;
  tracker.expect(1000);
  const SourceTracker::Packet first{.ssrc = kSsrc, .sequence = 1003};
  tracker.restart(first, 1003, tracker.judge(first, {}).first);
  const auto verdict = [&](std::uint16_t sequence, bool retransmission = false) {
    return tracker
        .judge({.ssrc = kSsrc, .sequence = sequence, .retransmission = retransmission}, {})
        .verdict;
  };
  EXPECT_EQ(verdict(999), Verdict::Leftover);
  EXPECT_EQ(verdict(999, true), Verdict::Leftover);
  EXPECT_EQ(verdict(1000), Verdict::Follow);
  EXPECT_EQ(verdict(1001, true), Verdict::Follow);
}

TEST(SourceTrackerNamedFirst, AStreamThatRunsHearsOfNoFirst) {
  Sender sender{1000};
  sender.run(1, 3);
  sender.tracker.expect(5000);
  sender.run(4, 6);
  EXPECT_EQ(sender.verdict(2), Verdict::Follow);
}

TEST(SourceTrackerNamedFirst, ItHoldsForOneStream) {
  SourceTracker tracker;
  tracker.expect(1000);
  tracker.reset();
  EXPECT_EQ(tracker.judge({.ssrc = kSsrc, .sequence = 999}, {}).verdict, Verdict::Start);
  EXPECT_FALSE(tracker.judge({.ssrc = kSsrc, .sequence = 1001}, {}).first);
}

}  // namespace
}  // namespace onair
