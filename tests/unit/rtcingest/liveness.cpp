// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/liveness.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr ClockTime kOffer{100s};
constexpr Duration kConnect = 15s;
constexpr Duration kIdle = 10s;

Liveness since_the_offer(Duration idle = kIdle) {
  return Liveness{{.connect_timeout = kConnect, .idle_timeout = idle}, kOffer};
}

TEST(Liveness, AtTheConnectLimitThePublisherIsStillThereAndOneNanosecondLaterGone) {
  auto liveness = since_the_offer();
  EXPECT_EQ(liveness.check(kOffer, std::nullopt), std::nullopt);
  EXPECT_EQ(liveness.check(kOffer + kConnect, std::nullopt), std::nullopt);
  EXPECT_EQ(liveness.check(kOffer + kConnect + 1ns, std::nullopt), EndReason::IceFailed);
}

TEST(Liveness, APathWithoutAPacketIsAFailedHandshake) {
  auto liveness = since_the_offer();
  liveness.on_ice_connected();
  EXPECT_EQ(liveness.check(kOffer + kConnect, std::nullopt), std::nullopt);
  EXPECT_EQ(liveness.check(kOffer + kConnect + 1ns, std::nullopt), EndReason::DtlsFailed);
}

TEST(Liveness, APathDoesNotProlongTheConnectLimit) {
  auto liveness = since_the_offer();
  ASSERT_EQ(liveness.check(kOffer + kConnect, std::nullopt), std::nullopt);
  liveness.on_ice_connected();
  EXPECT_EQ(liveness.check(kOffer + kConnect + 1ns, std::nullopt), EndReason::DtlsFailed);
}

TEST(Liveness, AtTheIdleLimitThePublisherIsStillThereAndOneNanosecondLaterGone) {
  auto liveness = since_the_offer();
  const auto packet = kOffer + 1s;
  EXPECT_EQ(liveness.check(packet + kIdle, packet), std::nullopt);
  EXPECT_EQ(liveness.check(packet + kIdle + 1ns, packet), EndReason::IdleTimeout);
}

TEST(Liveness, APacketAtTheLastMomentEndsTheConnectLimit) {
  auto liveness = since_the_offer();
  const auto packet = kOffer + kConnect;
  EXPECT_EQ(liveness.check(kOffer + kConnect + 1ns, packet), std::nullopt);
  EXPECT_EQ(liveness.check(packet + kIdle, packet), std::nullopt);
}

TEST(Liveness, EachPacketProlongsTheIdleLimit) {
  auto liveness = since_the_offer();
  auto packet = kOffer;
  for (int i = 0; i < 100; ++i) {
    packet += kIdle;
    ASSERT_EQ(liveness.check(packet, packet), std::nullopt);
  }
  EXPECT_EQ(liveness.check(packet + kIdle, packet), std::nullopt);
  EXPECT_EQ(liveness.check(packet + kIdle + 1ns, packet), EndReason::IdleTimeout);
}

TEST(Liveness, AnIdleLimitOfZeroIsNone) {
  auto liveness = since_the_offer(Duration::zero());
  const auto packet = kOffer + 1s;
  EXPECT_EQ(liveness.check(packet + 24h * 365, packet), std::nullopt);
}

TEST(Liveness, AnIdleLimitOfZeroLeavesTheConnectLimit) {
  auto liveness = since_the_offer(Duration::zero());
  EXPECT_EQ(liveness.check(kOffer + kConnect, std::nullopt), std::nullopt);
  EXPECT_EQ(liveness.check(kOffer + kConnect + 1ns, std::nullopt), EndReason::IceFailed);
}

TEST(Liveness, SilenceIsToldOnceAtOneNanosecondBeyondItsTimeAndSoIsItsEnd) {
  Liveness liveness{{.silence_time = 1s}, kOffer};
  using Turn = Liveness::Turn;
  EXPECT_EQ(liveness.turn(kOffer + 14s, std::nullopt), std::nullopt) << "it has never been heard";
  const auto packet = kOffer + 14s;
  EXPECT_EQ(liveness.turn(packet, packet), std::nullopt);
  EXPECT_EQ(liveness.turn(packet + 1s, packet), std::nullopt);
  EXPECT_EQ(liveness.turn(packet + 1s + 1ns, packet), Turn::FellSilent);
  EXPECT_EQ(liveness.turn(packet + 5s, packet), std::nullopt);
  const auto next = packet + 5s;
  EXPECT_EQ(liveness.turn(next + 10ms, next), Turn::IsBack);
  EXPECT_EQ(liveness.turn(next + 1s, next), std::nullopt);
  EXPECT_EQ(liveness.turn(next + 2s, next), Turn::FellSilent);
}

TEST(Liveness, ASilenceTimeOfZeroTellsNothing) {
  auto liveness = since_the_offer();
  EXPECT_EQ(liveness.turn(kOffer + 9s, kOffer), std::nullopt);
}

TEST(Liveness, EveryReasonHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const auto reason :
       {EndReason::Deleted, EndReason::IceFailed, EndReason::DtlsFailed, EndReason::IdleTimeout,
        EndReason::Replaced, EndReason::Stopped, EndReason::Error})
    names.insert(to_string(reason));
  EXPECT_EQ(names, (std::set<std::string>{"deleted", "ice-failed", "dtls-failed", "idle-timeout",
                                          "replaced", "stopped", "error"}));
}

}  // namespace
}  // namespace onair
