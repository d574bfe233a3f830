// SPDX-License-Identifier: LGPL-2.1-or-later
#include "late_price.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

// Units of so many packets, one each 20 ms.
class Sender {
 public:
  explicit Sender(LatePrice& price, std::uint32_t packets = 1) : price_{price}, packets_{packets} {}

  void send(std::uint32_t late = 0) {
    now_ += 20ms;
    for (std::uint32_t i = 0; i < packets_; ++i)
      price_.on_packet(now_, i < late);
    price_.on_unit(20ms, packets_, late);
    // As often as plans are chosen; the price learned is right.
    if (++units_ % 22 == 0)
      price_.learn(target_);
  }
  void run(Duration length) {
    for (const auto end = now_ + length; now_ < end;)
      send();
  }

 private:
  static constexpr double target_ = 0.001;
  LatePrice& price_;
  std::uint32_t packets_;
  RunningTime now_{1h};
  int units_ = 0;
};

TEST(LatePrice, BeginsWithThatOfARoughNetwork) {
  EXPECT_NEAR(LatePrice{0.001}.learned(), 70e3, 1);
  EXPECT_NEAR(LatePrice{0.01}.learned(), 7e3, 1);
  EXPECT_NEAR(LatePrice{0.001}.current(), 70e3, 1);
}

TEST(LatePrice, FallsWhereNothingWouldBeLateAndRisesWhereMoreThanTheTargetWould) {
  LatePrice price{0.001};
  for (auto i = 0; i < 20; ++i)
    price.learn(0);
  const auto low = price.learned();
  EXPECT_LT(low, 10e3);
  price.learn(0.002);
  EXPECT_GT(price.learned(), low);
  const auto high = price.learned();
  price.learn(0.001);
  EXPECT_NEAR(price.learned(), high, 1e-6 * high);
}

TEST(LatePrice, StaysBetweenThoseOfTheCalmestAndTheRoughestNetwork) {
  LatePrice price{0.001};
  for (auto i = 0; i < 1'000'000; ++i)
    price.learn(0);
  EXPECT_NEAR(price.learned(), 1e3, 1);
  for (auto i = 0; i < 1'000'000; ++i)
    price.learn(1);
  EXPECT_NEAR(price.learned(), 70e3, 1);
}

TEST(LatePrice, ANewTargetKeepsWhatWasLearned) {
  LatePrice price{0.001};
  for (auto i = 0; i < 3; ++i)
    price.learn(0);
  const auto before = price.learned();
  price.set_target(0.01);
  EXPECT_NEAR(price.learned(), before / 10, 1e-6 * before);
}

TEST(LatePrice, ALatePacketMakesTheNextDearerAndPacketsOnTimePayForIt) {
  LatePrice price{0.001};
  Sender sender{price};
  sender.run(1s);
  const auto before = price.current();
  sender.send(1);
  EXPECT_GT(price.current(), 1.5 * before);
  // The target allows one in 20 s.
  sender.run(40s);
  EXPECT_LT(price.current(), 1.1 * before);
}

TEST(LatePrice, WhatWasLateInTheLastSecondsCountsMost) {
  LatePrice price{0.001};
  Sender sender{price};
  sender.run(1min);
  sender.send(1);
  const auto at_once = price.current();
  sender.run(10s);
  const auto later = price.current();
  // Half a unit has been paid for by then, which is e^0.125.
  EXPECT_GT(at_once, 1.2 * later);
}

TEST(LatePrice, ACalmHourIsNotSpentInOneBadMinute) {
  LatePrice price{0.001};
  Sender sender{price};
  sender.run(1h);
  EXPECT_LT(price.current(), 0.01 * price.learned());
  for (auto i = 0; i < 25; ++i) {
    sender.send(1);
    sender.run(2s);
  }
  EXPECT_GT(price.current(), price.learned());
}

TEST(LatePrice, FramesMayBeLateTwiceAsOftenAsPackets) {
  const auto after = [](int units_between) {
    LatePrice price{0.001};
    Sender sender{price, 10};
    for (auto i = 0; i < 40; ++i) {
      sender.run(units_between * 20ms);
      sender.send(1);
    }
    sender.run(40s);
    return price.current() / price.learned();
  };
  // One packet of ten of each 600th frame, and of each 300th: 0.017 and 0.033 % of packets, 0.17 and 0.33 % of frames.
  EXPECT_LT(after(600), 0.5);
  EXPECT_GT(after(300), 2);
}

TEST(LatePrice, IsDearerTheNearerTenMinutesAreToTheMostThatMayBeLate) {
  // 30 of 30000 packets are the target, 34.5 the most.
  LatePrice price{0.001};
  Sender sender{price};
  sender.run(2min);
  for (auto i = 0; i < 26; ++i)
    sender.send(1);
  sender.run(8min);
  const auto near = price.current();
  sender.run(
      3min);  // they are older than ten minutes now; what was saved since then has its own price
  const auto saved = std::exp(0.25 * 9);
  EXPECT_GT(near / price.current(), 1.4 * saved);
  EXPECT_LT(near / price.current(), 2.2 * saved);
}

TEST(LatePrice, IsDearerInTimeWhereFramesAreLateWithAllTheirPackets) {
  // As many late packets, one by one and all of one frame, and as much saved since then.
  LatePrice scattered{0.001};
  LatePrice burst{0.001};
  Sender one_by_one{scattered, 20};
  Sender together{burst, 20};
  for (auto second = 0; second < 20; ++second) {
    one_by_one.run(1s);
    one_by_one.send(1);
    together.run(1s);
    together.send(second == 0 ? 20 : 0);
  }
  one_by_one.run(8min);
  together.run(8min);
  EXPECT_GT(burst.current(), 1.01 * scattered.current());
}

TEST(LatePrice, ALateFillerMakesAUnitLate) {
  LatePrice price{0.001};
  Sender sender{price};
  sender.run(1min);
  const auto before = price.current();
  price.on_late_filler();
  EXPECT_GT(price.current(), before);
}

TEST(LatePrice, TimeThatStandsStillOrLeapsDoesNoHarm) {
  LatePrice price{0.001};
  price.on_packet(RunningTime{1h}, true);
  price.on_packet(RunningTime{-1h}, true);
  price.on_packet(RunningTime{RunningTime::duration::max()}, true);
  price.on_packet(RunningTime{1h}, true);
  price.on_unit(20ms, 4, 4);
  price.learn(0.5);
  EXPECT_TRUE(std::isfinite(price.current()));
  EXPECT_GT(price.current(), price.learned());
}

}  // namespace
}  // namespace onair
