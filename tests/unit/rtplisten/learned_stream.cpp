// SPDX-License-Identifier: LGPL-2.1-or-later
#include "learned_stream.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "unit/rtplisten/packets.hpp"

namespace onair::rtplisten {
namespace {

using namespace std::chrono_literals;
using test::bytes_of;
using test::Packet;
using test::sender;
using test::word;

constexpr ClockTime at(Duration time) {
  return ClockTime{1h + time};
}

// A stream of H.264 from 192.0.2.1 whose SSRC is 0x1111, and what it makes of packets.
class Learning {
 public:
  explicit Learning(LearnedStream::Config config = {.kind = MediaKind::Video}) : stream{config} {}

  std::string operator()(Duration time, const Packet& packet, const Sender& from = sender(1)) {
    return word(stream.on_packet(at(time), from, bytes_of(packet)));
  }
  // It is known since this instant.
  void learn(Duration time = 0ms) {
    EXPECT_EQ((*this)(time, {.sequence = 0}), "hold");
    EXPECT_EQ((*this)(time, {.sequence = 1}), "learned");
  }

  LearnedStream stream;
};

TEST(LearnedStream, TwoPacketsInSequenceAreAStream) {
  Learning on;
  EXPECT_EQ(on(0ms, {.sequence = 7}), "hold");
  EXPECT_FALSE(on.stream.source());
  EXPECT_EQ(on(1ms, {.sequence = 8}), "learned");
  EXPECT_EQ(on.stream.source(), (Source{.sender = sender(1), .ssrc = 0x1111, .payload_type = 102}));
  EXPECT_EQ(on(2ms, {.sequence = 20}), "pass");
  EXPECT_EQ(on.stream.strays(), 0u);
}

TEST(LearnedStream, NumbersFollowOneAnotherAcrossTheWrap) {
  Learning on;
  EXPECT_EQ(on(0ms, {.sequence = 65'535}), "hold");
  EXPECT_EQ(on(1ms, {.sequence = 0}), "learned");
}

TEST(LearnedStream, AStrayPacketStartsNothing) {
  Learning on;
  EXPECT_EQ(on(0ms, {.sequence = 7}), "hold");
  EXPECT_EQ(on(1ms, {.sequence = 7}), "hold") << "a duplicate";
  EXPECT_EQ(on(1ms, {.sequence = 9}), "hold") << "a gap";
  EXPECT_EQ(on(1ms, {.sequence = 8}), "hold") << "behind";
  EXPECT_EQ(on.stream.strays(), 3u);
  EXPECT_EQ(on(1ms, {.sequence = 9}), "learned");
}

TEST(LearnedStream, TheSecondComesWithinTheCandidatesLife) {
  constexpr auto kLife = LearnedStream::kCandidateLife;
  Learning in_time;
  EXPECT_EQ(in_time(0ms, {.sequence = 7}), "hold");
  EXPECT_EQ(in_time(kLife, {.sequence = 8}), "learned");
  Learning late;
  EXPECT_EQ(late(0ms, {.sequence = 7}), "hold");
  EXPECT_EQ(late(kLife + 1ns, {.sequence = 8}), "hold");
}

TEST(LearnedStream, BothComeFromOnePlaceWithOneSsrcAndPayloadType) {
  Learning on;
  EXPECT_EQ(on(0ms, {.sequence = 7}), "hold");
  EXPECT_EQ(on(0ms, {.sequence = 8}, sender(2)), "hold");
  EXPECT_EQ(on(0ms, {.sequence = 8}, sender(1, 5001)), "hold");
  EXPECT_EQ(on(0ms, {.ssrc = 0x2222, .sequence = 8}), "hold");
  EXPECT_EQ(on(0ms, {.payload_type = 103, .sequence = 8}), "hold");
}

// The layers of a simulcast, or media and its retransmission, packet by packet.
TEST(LearnedStream, StreamsThatBeginInterleavedDoNotHinderEachOther) {
  Learning on;
  for (std::uint32_t ssrc = 1; ssrc <= LearnedStream::kCandidates; ++ssrc)
    EXPECT_EQ(on(0ms, {.ssrc = ssrc, .sequence = 7}), "hold");
  EXPECT_EQ(on(1ms, {.ssrc = 2, .sequence = 8}), "learned");
  EXPECT_EQ(on.stream.strays(), LearnedStream::kCandidates - 1);
}

TEST(LearnedStream, OneCandidateTooManyTakesThePlaceOfTheOldest) {
  Learning on;
  for (std::uint32_t ssrc = 1; ssrc <= LearnedStream::kCandidates + 1; ++ssrc)
    EXPECT_EQ(on(1ms * ssrc, {.ssrc = ssrc, .sequence = 7}), "hold");
  EXPECT_EQ(on(9ms, {.ssrc = 1, .sequence = 8}), "hold");
  EXPECT_EQ(on(9ms, {.ssrc = 3, .sequence = 8}), "learned");
}

TEST(LearnedStream, ThePacketThatWasHeldIsTheOneThatIsNamed) {
  LearnedStream stream{{.kind = MediaKind::Video}};
  const auto slot_of = [](const auto& decision, auto as) {
    using Kind = decltype(as);
    const auto* found = std::get_if<Kind>(&decision);
    return found ? static_cast<int>(found->slot) : -1;
  };
  const auto give = [&](std::uint32_t ssrc, unsigned sequence) {
    return stream.on_packet(at(0ms), sender(1), bytes_of({.ssrc = ssrc, .sequence = sequence}));
  };
  const auto first = slot_of(give(1, 7), LearnedStream::Hold{});
  const auto second = slot_of(give(2, 7), LearnedStream::Hold{});
  EXPECT_NE(first, second);
  EXPECT_EQ(slot_of(give(2, 8), LearnedStream::Learned{}), second);
}

TEST(LearnedStream, NeedsAPayloadOfItsCodec) {
  Learning video;
  const test::Bytes vp8{0x90, 0x80, 0x01, 0x50};
  EXPECT_EQ(video(0ms, {.sequence = 7, .payload = vp8}), "payload");
  EXPECT_EQ(video(0ms, {.sequence = 8, .payload = {}}), "payload");
  Learning audio{{.kind = MediaKind::Audio}};
  EXPECT_EQ(audio(0ms, {.sequence = 7, .payload = {0x7b}}), "payload");
  EXPECT_EQ(audio(0ms, {.sequence = 8, .payload = {0x78, 1}}), "hold");
  EXPECT_EQ(audio(0ms, {.sequence = 9, .payload = {0x78, 1}}), "learned");
}

TEST(LearnedStream, WhatIsKnownMayCarryAnything) {
  Learning on;
  on.learn();
  EXPECT_EQ(on(1ms, {.sequence = 2, .payload = {}}), "pass") << "padding alone";
  EXPECT_EQ(on(1ms, {.sequence = 3, .payload = {0xff}}), "pass");
}

TEST(LearnedStream, DamagedPacketsAndRtcpAreTold) {
  LearnedStream stream{{.kind = MediaKind::Video}};
  const auto give = [&](const test::Bytes& bytes) {
    return word(stream.on_packet(at(0ms), sender(1), bytes));
  };
  EXPECT_EQ(give({}), "not-rtp");
  auto packet = bytes_of({});
  packet[0] = 0x40;
  EXPECT_EQ(give(packet), "not-rtp");
  packet[0] = 0x8f;
  EXPECT_EQ(give(packet), "not-rtp") << "more contributing sources than room";
  packet = bytes_of({});
  packet[1] = 200;
  EXPECT_EQ(give(packet), "rtcp");
}

TEST(LearnedStream, WhatIsConfiguredIsNotLearned) {
  Learning type{{.kind = MediaKind::Video, .payload_type = 102}};
  EXPECT_EQ(type(0ms, {.payload_type = 103, .sequence = 7}), "payload-type");
  type.learn();
  Learning ssrc{{.kind = MediaKind::Video, .ssrc = 0x1111}};
  EXPECT_EQ(ssrc(0ms, {.ssrc = 0x2222, .sequence = 7}), "ssrc");
  ssrc.learn();
  // Even after a silence.
  EXPECT_EQ(ssrc(1h, {.ssrc = 0x2222, .sequence = 7}), "ssrc");
}

TEST(LearnedStream, NothingElsePassesWhileItIsHeard) {
  Learning on;
  on.learn();
  for (unsigned i = 2; i < 6; ++i) {
    EXPECT_EQ(on(1ms, {.ssrc = 0x2222, .sequence = i}), "ssrc");
    EXPECT_EQ(on(1ms, {.payload_type = 63, .sequence = i}), "payload-type");
    EXPECT_EQ(on(1ms, {.sequence = i}, sender(2)), "sender");
    EXPECT_EQ(on(1ms, {.sequence = i}, sender(1, 5001)), "sender");
    EXPECT_EQ(on(1ms, {.sequence = i}), "pass");
  }
}

TEST(LearnedStream, AnotherTakesItsPlaceOnceItIsSilentForLongerThanTheTakeoverTime) {
  Learning on;
  on.learn();
  EXPECT_EQ(on(1s, {.ssrc = 0x2222, .sequence = 7}), "ssrc");
  EXPECT_EQ(on(1s + 1ns, {.ssrc = 0x2222, .sequence = 8}), "hold");
  EXPECT_EQ(on(1s + 2ns, {.ssrc = 0x2222, .sequence = 9}), "learned");
  EXPECT_EQ(on(1s + 3ns, {.sequence = 2}), "ssrc") << "the former one is back too late";
}

TEST(LearnedStream, ItIsBackAfterASilenceWhoeverHasTried) {
  Learning on;
  on.learn();
  EXPECT_EQ(on(1s + 1ns, {.ssrc = 0x2222, .sequence = 8}), "hold");
  EXPECT_EQ(on(1s + 2ns, {.sequence = 2}), "pass");
  EXPECT_EQ(on(1s + 3ns, {.ssrc = 0x2222, .sequence = 9}), "ssrc");
}

TEST(LearnedStream, AnotherTakesItsPlaceAtOnceAfterAGoodbye) {
  Learning on;
  on.learn();
  on.stream.on_bye(at(2ms), 0x9999);
  EXPECT_EQ(on(3ms, {.ssrc = 0x2222, .sequence = 7}), "ssrc") << "it was another's";
  on.stream.on_bye(at(3ms), 0x1111);
  EXPECT_TRUE(on.stream.is_silent(at(3ms)));
  EXPECT_EQ(on(4ms, {.sequence = 2}), "pass") << "on the way when it was said";
  EXPECT_EQ(on(5ms, {.ssrc = 0x2222, .sequence = 7}), "hold");
  EXPECT_EQ(on(6ms, {.ssrc = 0x2222, .sequence = 8}), "learned");
  EXPECT_FALSE(on.stream.is_silent(at(7ms)));
}

TEST(LearnedStream, AGoodbyeThatIsNotMeantIsForgotten) {
  Learning on;
  on.learn();
  on.stream.on_bye(at(0ms), 0x1111);
  EXPECT_EQ(on(1s, {.sequence = 2}), "pass");
  EXPECT_TRUE(on.stream.is_silent(at(1s)));
  EXPECT_EQ(on(1s + 1ns, {.sequence = 3}), "pass");
  EXPECT_FALSE(on.stream.is_silent(at(1s + 1ns)));
}

TEST(LearnedStream, BarredItIsNotTakenBeforeItHasBeenSilent) {
  Learning on;
  on.learn();
  on.stream.bar();
  EXPECT_EQ(on(500ms, {.sequence = 2}), "ended");
  EXPECT_EQ(on(1500ms, {.payload_type = 63, .sequence = 3}), "ended") << "whatever it sends";
  EXPECT_EQ(on(2500ms + 1ns, {.sequence = 4}), "hold");
  EXPECT_EQ(on(2500ms + 2ns, {.sequence = 5}), "learned");
}

TEST(LearnedStream, BarredItGivesWayToAnotherAtOnce) {
  Learning on;
  on.learn();
  on.stream.bar();
  EXPECT_EQ(on(1ms, {.ssrc = 0x2222, .sequence = 7}), "hold");
  EXPECT_EQ(on(2ms, {.sequence = 2}), "ended");
  EXPECT_EQ(on(3ms, {.ssrc = 0x2222, .sequence = 8}), "learned");
  EXPECT_EQ(on(4ms, {.sequence = 3}), "ssrc");
}

}  // namespace
}  // namespace onair::rtplisten
