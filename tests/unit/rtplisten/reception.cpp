// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reception.hpp"

#include <chrono>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "unit/rtplisten/packets.hpp"

namespace onair::rtplisten {
namespace {

using namespace std::chrono_literals;
using test::bytes_of;
using test::sender;
using test::word;
using enum MediaKind;

constexpr ClockTime at(Duration time) {
  return ClockTime{1h + time};
}

Reception::Config both() {
  return {.audio = LearnedStream::Config{.kind = Audio},
          .video = LearnedStream::Config{.kind = Video},
          .source_address = std::nullopt};
}

struct Ports {
  explicit Ports(const Reception::Config& config = both()) : reception{config} {}

  // The next packet of a stream: what became of it, and in which session.
  std::string operator()(MediaKind kind, Duration time, std::uint32_t ssrc,
                         const Sender& from = sender(1)) {
    const auto payload = kind == Audio ? test::Bytes{0x78, 1} : test::Bytes{0x65, 1};
    const auto outcome = reception.on_packet(
        kind, at(time), from, bytes_of({.ssrc = ssrc, .sequence = ++sequence, .payload = payload}));
    return word(outcome.decision) +
           (outcome.session == 0 ? "" : " " + std::to_string(outcome.session));
  }
  // The session of a stream that begins.
  std::string begin(MediaKind kind, Duration time, std::uint32_t ssrc) {
    EXPECT_EQ((*this)(kind, time, ssrc), "hold");
    return (*this)(kind, time, ssrc);
  }

  Reception reception;
  unsigned sequence = 0;
};

TEST(Reception, ASessionBeginsWithTheFirstStreamAndTheOtherJoins) {
  Ports on;
  EXPECT_EQ(on.reception.session(), 0u);
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.reception.session(), 1u);
  EXPECT_TRUE(on.reception.source(Video));
  EXPECT_FALSE(on.reception.source(Audio));
  EXPECT_EQ(on.begin(Audio, 1ms, 2), "learned 1");
  EXPECT_EQ(on(Video, 2ms, 1), "pass 1");
  EXPECT_EQ(on(Audio, 2ms, 2), "pass 1");
}

// A camera that is switched on later, while the microphone is muted.
TEST(Reception, TheOtherJoinsHoweverLate) {
  Ports on;
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  EXPECT_EQ(on.begin(Video, 8s, 1), "learned 1");
}

TEST(Reception, AStreamIsReplacedWithinTheSessionWhileTheOtherIsHeard) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  EXPECT_EQ(on(Audio, 500ms, 2), "pass 1");
  EXPECT_EQ(on.begin(Video, 1500ms, 3), "learned 1") << "1 s after the sound";
  EXPECT_EQ(on(Audio, 1600ms, 2), "pass 1");
}

TEST(Reception, WhoSendsAfterBothAreSilentBeginsASession) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  EXPECT_EQ(on(Audio, 500ms, 2), "pass 1");
  EXPECT_EQ(on.begin(Video, 1500ms + 1ns, 3), "learned 2") << "more than 1 s after the sound";
  EXPECT_FALSE(on.reception.source(Audio));
  EXPECT_EQ(on.begin(Audio, 1600ms, 4), "learned 2");
}

TEST(Reception, WhoIsBackAfterBothWereSilentGoesOn) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  EXPECT_EQ(on(Video, 5s, 1), "pass 1");
  EXPECT_EQ(on(Audio, 5s, 2), "pass 1");
}

TEST(Reception, OneStreamAloneIsReplacedByASessionOfItsOwn) {
  Ports on{{.audio = std::nullopt,
            .video = LearnedStream::Config{.kind = Video},
            .source_address = std::nullopt}};
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on(Video, 900ms, 3), "ssrc");
  EXPECT_EQ(on.begin(Video, 2s, 3), "learned 2");
}

TEST(Reception, AGoodbyeOfBothLetsTheNextBeginAtOnce) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  on.reception.on_bye(Video, at(1ms), 1);
  on.reception.on_bye(Audio, at(1ms), 2);
  EXPECT_EQ(on.begin(Video, 2ms, 3), "learned 2");
}

TEST(Reception, AfterTheEndTheNextSessionBeginsAnew) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  on.reception.end(false);
  EXPECT_EQ(on.reception.session(), 0u);
  EXPECT_EQ(on.begin(Video, 1ms, 1), "learned 2");
}

TEST(Reception, WhoIsEndedBeginsNoSessionByGoingOn) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on.begin(Audio, 0ms, 2), "learned 1");
  on.reception.end(true);
  EXPECT_EQ(on(Video, 1ms, 1), "ended");
  EXPECT_EQ(on.begin(Audio, 2ms, 4), "learned 2") << "another one";
  EXPECT_EQ(on(Video, 3ms, 1), "ended");
  EXPECT_EQ(on.begin(Video, 4ms, 3), "learned 2");
}

TEST(Reception, ClosedItTakesNothing) {
  Ports on;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  on.reception.close();
  EXPECT_EQ(on(Video, 1ms, 1), "ended");
  EXPECT_EQ(on(Video, 1h, 3), "ended");
  EXPECT_FALSE(on.reception.may_report(Video, sender(1)));
}

TEST(Reception, OnlyTheSourceAddressMaySend) {
  auto config = both();
  config.source_address = sender(1).address;
  Ports on{config};
  EXPECT_EQ(on(Video, 0ms, 1, sender(2)), "source-address");
  EXPECT_FALSE(on.reception.may_report(Video, sender(2)));
  EXPECT_TRUE(on.reception.may_report(Video, sender(1)));
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
}

TEST(Reception, RtcpComesFromWhereTheStreamComesFromWhateverThePort) {
  Ports on;
  EXPECT_TRUE(on.reception.may_report(Video, sender(2))) << "nobody is known yet";
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_TRUE(on.reception.may_report(Video, sender(1, 9)));
  EXPECT_FALSE(on.reception.may_report(Video, sender(2)));
}

TEST(Reception, CountsWhatItRefusesByItsReason) {
  Ports on;
  EXPECT_EQ(on(Video, 0ms, 1), "hold");
  on.sequence += 10;
  EXPECT_EQ(on.begin(Video, 0ms, 1), "learned 1");
  EXPECT_EQ(on(Video, 0ms, 2), "ssrc");
  EXPECT_EQ(on(Video, 0ms, 3), "ssrc");
  EXPECT_EQ(on(Video, 0ms, 1, sender(2)), "sender");
  const auto counts = on.reception.refused();
  const auto count = [&](Refusal why) { return counts[static_cast<std::size_t>(why)]; };
  EXPECT_EQ(count(Refusal::Ssrc), 2u);
  EXPECT_EQ(count(Refusal::Sender), 1u);
  EXPECT_EQ(count(Refusal::Stray), 1u);
  EXPECT_EQ(count(Refusal::NotRtp), 0u);
}

// Several that send at once, come and go, and change what they send; seeded, each time the same.
TEST(Reception, OnePublisherAtATimeWhateverComes) {
  std::mt19937 random{20'180'905};
  Ports on;
  std::map<MediaKind, Source> known;
  unsigned session = 0;
  unsigned passed = 0;
  Duration now{};
  for (unsigned round = 0; round < 50'000; ++round) {
    now += 1ms * (random() % 200 == 0 ? random() % 3000 : random() % 20);
    const auto kind = random() % 2 == 0 ? Audio : Video;
    const auto ssrc = static_cast<std::uint32_t>(1 + random() % 3);
    const auto from = sender(static_cast<std::uint8_t>(1 + random() % 2));
    auto packet = bytes_of({.ssrc = ssrc,
                            .payload_type = random() % 8 == 0 ? 63u : 111u,
                            .sequence = round / 8,
                            .payload = {0x78, 0, 1, 0x65}});
    if (random() % 50 == 0)
      packet[random() % packet.size()] = static_cast<std::uint8_t>(random());
    if (random() % 2000 == 0)
      on.reception.end(random() % 2 == 0);
    if (random() % 2000 == 0)
      on.reception.on_bye(kind, at(now), ssrc);
    const auto outcome = on.reception.on_packet(kind, at(now), from, packet);
    if (outcome.session == 0)
      continue;
    EXPECT_EQ(outcome.session, on.reception.session());
    EXPECT_GE(outcome.session, session);
    session = outcome.session;
    if (std::holds_alternative<LearnedStream::Learned>(outcome.decision))
      known[kind] = outcome.source;
    EXPECT_EQ(outcome.source, known[kind]);
    EXPECT_EQ(outcome.source.sender, from);
    ++passed;
  }
  EXPECT_GT(session, 10u);
  EXPECT_GT(passed, 1000u);
}

}  // namespace
}  // namespace onair::rtplisten
