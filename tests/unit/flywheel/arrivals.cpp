// SPDX-License-Identifier: LGPL-2.1-or-later
#include "arrivals.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using Place = Arrivals::Place;

RunningTime at(Duration time) {
  return RunningTime{time};
}
Place place(Duration time) {
  return {.gone = at(time), .next = at(time)};
}

// Twenty milliseconds of sound, each `lag` after its end, from zero to `until`.
Arrivals steady(Duration lag, Duration until) {
  Arrivals arrivals;
  for (Duration t{0}; t < until; t += 20ms)
    EXPECT_EQ(arrivals.on_input(at(t), 20ms, at(t + 20ms + lag), place(t)).kind,
              ArrivalKind::InTime);
  return arrivals;
}

TEST(Arrivals, TheWaitEndsAtTheUsualLagPlusMaxWait) {
  auto arrivals = steady(35ms, 1s);
  EXPECT_EQ(arrivals.deadline(at(1s)), at(1s + 35ms + 1s));
  arrivals.set_max_wait(200ms);
  EXPECT_EQ(arrivals.deadline(at(1s)), at(1s + 35ms + 200ms));
}

TEST(Arrivals, WhatEndsWhereTheOutputStandsIsLateAndANanosecondMoreIsNot) {
  auto arrivals = steady(35ms, 1s);
  EXPECT_EQ(arrivals.on_input(at(1s), 20ms, at(2s), place(1020ms)).kind, ArrivalKind::Late);
  EXPECT_EQ(arrivals.on_input(at(1s), 20ms + 1ns, at(2s), place(1020ms)).kind, ArrivalKind::InTime);
}

TEST(Arrivals, ABurstThatIsLateChangesNothing) {
  auto arrivals = steady(35ms, 1s);
  for (Duration t = 1s; t < 4s; t += 20ms)
    EXPECT_EQ(arrivals.on_input(at(t), 20ms, at(6s), place(5s)).kind, ArrivalKind::Late);
  EXPECT_EQ(arrivals.envelope(), 35ms);
}

TEST(Arrivals, AStreamThatIsLateForASecondIsWaitedFor) {
  auto arrivals = steady(35ms, 1s);
  // 1.5 s more, so that it is 500 ms behind what was filled.
  std::optional<Duration> rebased_after;
  for (Duration t = 1s; t < 3s && !rebased_after; t += 20ms) {
    const auto arrival = arrivals.on_input(at(t), 20ms, at(t + 20ms + 1535ms), place(t + 520ms));
    if (arrival.kind == ArrivalKind::Rebased)
      rebased_after = t - 1s;
    else
      ASSERT_EQ(arrival.kind, ArrivalKind::Late);
  }
  EXPECT_EQ(rebased_after, 1s);
  EXPECT_EQ(arrivals.envelope(), 1535ms);
}

TEST(Arrivals, TheFirstThatComesAtAllSaysWhatIsUsual) {
  Arrivals arrivals;  // of a line that was begun without input
  EXPECT_EQ(arrivals.deadline(at(0s)), at(1s));
  EXPECT_EQ(arrivals.on_input(at(3s), 20ms, at(6s), place(5s)).kind, ArrivalKind::Rebased);
  EXPECT_EQ(arrivals.envelope(), 6s - 3020ms);
  Arrivals other;
  const auto leap = other.on_input(at(0s), 20ms, at(1h), place(1h - 1s));
  EXPECT_EQ(leap.kind, ArrivalKind::Leap);
  EXPECT_EQ(leap.start, at(1h - 20ms));
}

TEST(Arrivals, OneInTimeEndsTheSecond) {
  auto arrivals = steady(35ms, 1s);
  for (Duration t = 1s; t < 5s; t += 20ms) {
    const bool is_late = t % 500ms != 0ms;
    const auto arrival =
        arrivals.on_input(at(t), 20ms, at(t + 20ms + 1200ms), place(is_late ? t + 200ms : t));
    EXPECT_EQ(arrival.kind, is_late ? ArrivalKind::Late : ArrivalKind::InTime);
  }
}

TEST(Arrivals, LateOnesFarApartAreNoStream) {
  auto arrivals = steady(35ms, 1s);
  for (Duration t = 1s; t < 60s; t += 3s)
    EXPECT_EQ(arrivals.on_input(at(t), 20ms, at(t + 2s), place(t + 500ms)).kind, ArrivalKind::Late);
}

TEST(Arrivals, FiveSecondsAheadOfTheClockIsPlausibleAndANanosecondMoreIsAnotherLine) {
  const RunningTime now = at(1s + 35ms);
  auto arrivals = steady(35ms, 1s);
  EXPECT_EQ(arrivals.on_input(at(6s - 20ms), 20ms, now, place(1s)).kind, ArrivalKind::InTime);
  arrivals = steady(35ms, 1s);
  const auto arrival = arrivals.on_input(at(6s - 20ms + 1ns), 20ms, now, place(1s));
  EXPECT_EQ(arrival.kind, ArrivalKind::Leap);
  EXPECT_EQ(arrival.start, at(1s));
  EXPECT_EQ(arrivals.to_output(at(6s + 1ns)), at(1s + 20ms)) << "and so what follows";
}

TEST(Arrivals, FiveSecondsBackIsAnotherLineThatKeepsTheLag) {
  auto arrivals = steady(35ms, 10s);
  const auto arrival = arrivals.on_input(at(0s), 20ms, at(12s + 35ms), place(11s + 35ms));
  EXPECT_EQ(arrival.kind, ArrivalKind::Leap);
  EXPECT_EQ(arrival.start, at(12s - 20ms)) << "where it would be if it had gone on all the time";
  EXPECT_EQ(arrivals.envelope(), 35ms);
}

TEST(Arrivals, AClockThatStoodStillForAMinuteLeapsAfterASecond) {
  auto arrivals = steady(35ms, 1s);
  std::optional<Arrival> leapt;
  for (Duration t = 1s; t < 3s && !leapt; t += 20ms) {
    const auto arrival = arrivals.on_input(at(t), 20ms, at(t + 20ms + 60s), place(t + 60s - 1s));
    if (arrival.kind == ArrivalKind::Leap)
      leapt = arrival;
    else
      ASSERT_EQ(arrival.kind, ArrivalKind::Late);
  }
  ASSERT_TRUE(leapt);
  EXPECT_EQ(leapt->by, 60s - 35ms);
  EXPECT_EQ(leapt->start, at(2s + 60s - 35ms));
}

TEST(Arrivals, ALeapNeverJoinsWhereSomethingHasGoneOut) {
  auto arrivals = steady(35ms, 10s);
  EXPECT_EQ(arrivals.on_input(at(0s), 20ms, at(10s), place(10s)).start, at(10s));
}

TEST(Arrivals, WithoutAClockOnlyTimestampsThatGoBackLeap) {
  Arrivals arrivals;
  EXPECT_EQ(arrivals.on_input(at(0s), 20ms, {}, {}).kind, ArrivalKind::InTime);
  EXPECT_EQ(arrivals.on_input(at(1h), 20ms, {}, place(20ms)).kind, ArrivalKind::InTime);
  const auto arrival = arrivals.on_input(at(5s), 20ms, {}, place(1h + 20ms));
  EXPECT_EQ(arrival.kind, ArrivalKind::Leap);
  EXPECT_EQ(arrival.start, at(1h + 20ms));
  EXPECT_FALSE(arrivals.envelope());
}

}  // namespace
}  // namespace onair::test
