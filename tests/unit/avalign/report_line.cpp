// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report_line.hpp"

#include <cmath>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

MediaTime at(Duration since_start) {
  return MediaTime{since_start};
}

constexpr auto kTolerance = ReportLine::kTolerance;

// A report each 5 s, as browsers send for sound, of a wall clock that is `offset` ahead.
class Sender {
 public:
  explicit Sender(ReportLine& line, std::uint64_t seed = 1) : line_{line}, random_{seed} {}

  void report(Duration error = Duration{0}) {
    media_ += 5s;
    line_.on_report(media_, truth() + error);
  }
  void report(int count, Duration noise) {
    for (int n = 0; n < count; ++n)
      report(uniform(noise));
  }
  Duration uniform(Duration most) {
    return Duration{
        std::uniform_int_distribution<Duration::rep>{-most.count(), most.count()}(random_)};
  }
  [[nodiscard]] Duration truth() const {
    return offset +
           Duration{std::llround(slope * static_cast<double>(media_.time_since_epoch().count()))};
  }
  [[nodiscard]] Duration error() const { return line_.offset(media_) - truth(); }

  Duration offset = 1h;
  double slope = 0;

 private:
  ReportLine& line_;
  MediaTime media_{};
  std::mt19937_64 random_;
};

TEST(ReportLine, WithoutReportsSaysNothing) {
  const ReportLine line;
  EXPECT_EQ(line.agreeing(), 0U);
  EXPECT_EQ(line.size(), 0U);
  EXPECT_FALSE(line.is_consistent());
  EXPECT_FALSE(line.is_in_doubt());
}

TEST(ReportLine, OneReportIsALineThatRunsWithTheMediaClock) {
  ReportLine line;
  line.on_report(at(5s), 1h);
  EXPECT_TRUE(line.is_consistent());
  EXPECT_EQ(line.agreeing(), 1U);
  EXPECT_EQ(line.offset(at(5s)), 1h);
  EXPECT_EQ(line.offset(at(-100s)), 1h);
  EXPECT_EQ(line.scatter(), 1ms) << "as usual";
}

TEST(ReportLine, OneReportWithThePriorSlopeIsALineAlongIt) {
  ReportLine line;
  line.set_prior_slope(100e-6);
  line.on_report(at(5s), 1h);
  EXPECT_EQ(line.offset(at(15s)), Duration{1h} + 1ms);
}

TEST(ReportLine, AReportAtTheToleranceAgreesAndOneBeyondDoesNot) {
  ReportLine line;
  line.on_report(at(0s), 1h);
  line.on_report(at(0s), 1h + kTolerance);
  EXPECT_EQ(line.agreeing(), 2U);
  EXPECT_EQ(line.offset(at(0s)), 1h + kTolerance / 2);

  for (const auto off : {kTolerance + 1ns, -kTolerance - 1ns}) {
    ReportLine other;
    other.on_report(at(0s), 1h);
    other.on_report(at(0s), 1h + off);
    EXPECT_EQ(other.agreeing(), 1U);
    EXPECT_EQ(other.size(), 2U);
    EXPECT_EQ(other.offset(at(0s)), 1h);
    EXPECT_TRUE(other.is_in_doubt());
    EXPECT_FALSE(other.is_consistent()) << "one of two is less than seven of ten";
  }
}

TEST(ReportLine, AReportThatAgreesEndsTheDoubt) {
  ReportLine line;
  Sender sender{line};
  sender.report(4, 0ms);
  sender.report(1s);
  EXPECT_TRUE(line.is_in_doubt());
  sender.report();
  EXPECT_FALSE(line.is_in_doubt());
}

TEST(ReportLine, AScatterOfFourMillisecondsIsBelievedAndMoreIsNot) {
  // Two reports, each half of their difference d off, and two that scattered by 1 ms before:
  // sqrt((d^2 / 2 + 2) / 3) is 4 for d = sqrt(92) = 9.59.
  for (const auto& [difference, is_believed] : {std::pair{9580us, true}, {9600us, false}}) {
    ReportLine line;
    line.on_report(at(0s), 1h);
    line.on_report(at(0s), 1h + difference);
    EXPECT_EQ(line.agreeing(), 2U);
    EXPECT_EQ(line.scatter() <= 4ms, is_believed);
    EXPECT_EQ(line.is_consistent(), is_believed);
  }
}

TEST(ReportLine, MostOfTheNewestEightMustAgree) {
  const auto line_with = [](int good, int garbage) {
    ReportLine line;
    Sender sender{line};
    // Never three in a row, and the garbage never agrees with itself.
    for (int n = 0; garbage > 0 || good > 0; ++n) {
      if (good-- > 0)
        sender.report();
      if (garbage-- > 0)
        sender.report(100ms * (n + 1));
    }
    return line.is_consistent();
  };
  EXPECT_TRUE(line_with(2, 1));
  EXPECT_FALSE(line_with(2, 2));
  EXPECT_TRUE(line_with(5, 3));
  EXPECT_FALSE(line_with(4, 4));
  EXPECT_FALSE(line_with(20, 20));
}

TEST(ReportLine, ReportsOfABrowserAreALineWithinAMillisecond) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ReportLine line;
    Sender sender{line, seed};
    sender.slope = 60e-6;
    sender.report(32, 2ms);
    EXPECT_TRUE(line.is_consistent());
    EXPECT_LT(std::chrono::abs(sender.error()), 1ms);
    EXPECT_NEAR(line.slope(), 60e-6, 15e-6);
  }
}

TEST(ReportLine, TheSlopeOfTheReportsTakesThePlaceOfThePrior) {
  ReportLine line;
  line.set_prior_slope(-20e-6);
  Sender sender{line};
  sender.slope = 80e-6;
  sender.report();
  EXPECT_NEAR(line.slope(), -20e-6, 1e-9);
  sender.report(40, 0ms);
  EXPECT_NEAR(line.slope(), 80e-6, 5e-6);
}

TEST(ReportLine, ReportsOfPiecesHaveTheTruthAtTheirEarliest) {
  // Chromium's Web Audio: sound is stamped when 10 ms of it are handed on, so up to 10 ms late.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    std::uniform_int_distribution<std::int64_t> late{0, Duration{10ms}.count()};
    ReportLine line;
    for (int n = 0; n < 32; ++n)
      line.on_report(at(5s * n), Duration{1h} + Duration{late(random)});
    ASSERT_TRUE(line.is_consistent());
    EXPECT_GT(line.offset(at(160s)) - 1h, 2ms);
    EXPECT_LT(std::chrono::abs(line.least_offset(at(160s)) - 1h), 3500us);
  }
}

TEST(ReportLine, WhatScattersAsClocksDoIsNotLate) {
  ReportLine line;
  for (int n = 0; n < 32; ++n)
    line.on_report(at(1s * n), Duration{1h} + (n % 2 == 0 ? 1400us : -1400us));
  EXPECT_EQ(line.least_offset(at(31s)), line.offset(at(31s)));
}

TEST(ReportLine, OneInSevenIsGarbageAndChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ReportLine line;
    Sender sender{line, seed};
    sender.slope = -30e-6;
    for (int n = 0; n < 200; ++n) {
      sender.report(n % 7 == 3 ? sender.uniform(10s) : sender.uniform(1ms));
      if (n < 3)
        continue;
      ASSERT_TRUE(line.is_consistent()) << n;
      ASSERT_LT(std::chrono::abs(sender.error()), 2ms) << n;
    }
    EXPECT_EQ(line.line(), 0U);
  }
}

// An SFU that makes reports of its own takes the time at which it makes them. Now and then three of
// them agree by chance.
TEST(ReportLine, ReportsWithTheJitterOfANetworkAreSeldomConsistent) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ReportLine line;
    Sender sender{line, seed};
    int believed = 0;
    for (int n = 0; n < 200; ++n) {
      sender.report(sender.uniform(40ms));
      believed += n >= 10 && line.is_consistent() ? 1 : 0;
    }
    EXPECT_LT(believed, 19) << "one in ten";
  }
}

TEST(ReportLine, ALineWhoseReportsHaveBecomeScatteredIsNotConsistentAnyMore) {
  ReportLine line;
  Sender sender{line};
  sender.report(32, 1ms);
  ASSERT_TRUE(line.is_consistent());
  for (int n = 0; n < 3; ++n)
    sender.report(100ms * (n + 1));
  EXPECT_TRUE(line.is_consistent()) << "5 of the newest 8";
  sender.report(1s);
  EXPECT_FALSE(line.is_consistent()) << "4 of them";
  EXPECT_EQ(line.agreeing(), 28U);
  for (int n = 0; n < 40; ++n)
    sender.report(-100ms * (n + 1));
  EXPECT_FALSE(line.is_consistent());
  // Whoever makes good ones again is believed when he has made enough.
  sender.report(32, 1ms);
  EXPECT_TRUE(line.is_consistent());
  EXPECT_LT(std::chrono::abs(sender.error()), 1ms);
}

// Three of them agree by chance once in a while, but not eight.
TEST(ReportLine, ALineBehindScatteredOnesIsBelievedWhenEightAgree) {
  ReportLine line;
  Sender sender{line};
  sender.report();
  for (int n = 0; n < 16; ++n)
    sender.report(n % 2 == 0 ? 6ms : -6ms);
  ASSERT_TRUE(line.is_scattered());
  sender.offset += 1h;
  for (int n = 1; n <= 7; ++n) {
    sender.report();
    EXPECT_FALSE(line.is_consistent()) << n;
  }
  EXPECT_EQ(line.line(), 1U);
  EXPECT_FALSE(line.is_scattered());
  sender.report();
  EXPECT_TRUE(line.is_consistent());
  // That has been made up for: another line needs no more than three.
  sender.offset += 1h;
  sender.report(3, 0ms);
  EXPECT_TRUE(line.is_consistent());
}

TEST(ReportLine, ThreeInARowOnAnotherLineAreTheLine) {
  ReportLine line;
  Sender sender{line};
  sender.report(10, 0ms);
  sender.offset += 1h;
  sender.report();
  sender.report();
  EXPECT_EQ(line.line(), 0U);
  EXPECT_TRUE(line.is_in_doubt());
  EXPECT_LT(sender.error(), -59min) << "still the line of before";
  sender.report();
  EXPECT_EQ(line.line(), 1U);
  EXPECT_FALSE(line.is_in_doubt());
  EXPECT_TRUE(line.is_consistent());
  EXPECT_EQ(line.agreeing(), 3U);
  EXPECT_EQ(sender.error(), 0ns);
  EXPECT_LT(std::chrono::abs(line.step() - 1h), 1us);
}

TEST(ReportLine, AStepJustBeyondTheToleranceIsOneAndOneWithinIsNone) {
  for (const auto& [by, lines] : {std::pair{kTolerance + 1ms, 1U}, {kTolerance - 1ms, 0U}}) {
    ReportLine line;
    Sender sender{line};
    sender.report(10, 0ms);
    sender.offset += by;
    sender.report(3, 0ms);
    EXPECT_EQ(line.line(), lines);
  }
}

TEST(ReportLine, TwoThatAgreeOutvoteASingleOne) {
  ReportLine line;
  Sender sender{line};
  sender.report(700ms);
  sender.report();
  EXPECT_EQ(line.line(), 0U);
  sender.report();
  EXPECT_EQ(line.line(), 1U);
  EXPECT_TRUE(line.is_consistent());
  EXPECT_EQ(sender.error(), 0ns);
}

TEST(ReportLine, AStepIsSeenAlsoBehindGarbage) {
  ReportLine line;
  Sender sender{line};
  sender.report(10, 0ms);
  sender.report(-5s);
  sender.offset += 1h;
  sender.report(3, 0ms);
  EXPECT_EQ(line.line(), 1U);
  EXPECT_EQ(sender.error(), 0ns);
  EXPECT_TRUE(line.is_consistent()) << "the garbage was before the line began";
}

TEST(ReportLine, AStepIsSeenAlsoWhereOneInSevenIsGarbage) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ReportLine line;
    Sender sender{line, seed};
    std::uint32_t before = 0;
    for (std::uint64_t n = seed; n < seed + 48; ++n) {
      if (n == seed + 40) {
        before = line.line();
        sender.offset -= 30s;
      }
      sender.report(n % 7 == 0 ? sender.uniform(10s) : sender.uniform(1ms));
    }
    EXPECT_EQ(line.line(), before + 1);
    EXPECT_LT(std::chrono::abs(sender.error()), 2ms);
  }
}

TEST(ReportLine, AResetForgetsTheReportsAndKeepsCountingLines) {
  ReportLine line;
  line.set_prior_slope(50e-6);
  Sender sender{line};
  sender.report(700ms);
  sender.report(2, 0ms);
  ASSERT_EQ(line.line(), 1U);
  line.reset();
  EXPECT_EQ(line.agreeing(), 0U);
  EXPECT_EQ(line.size(), 0U);
  EXPECT_FALSE(line.is_consistent());
  EXPECT_FALSE(line.is_in_doubt());
  EXPECT_EQ(line.line(), 1U);
  line.on_report(at(-7h), 3min);
  EXPECT_TRUE(line.is_consistent());
  EXPECT_EQ(line.offset(at(-7h) + 10s), 3min + Duration{500us});
}

TEST(ReportLine, ThirtyTwoReportsAreKept) {
  ReportLine line;
  Sender sender{line};
  sender.report(31, 1ms);
  EXPECT_EQ(line.size(), 31U);
  sender.report(2, 1ms);
  EXPECT_EQ(line.size(), 32U);
  EXPECT_EQ(line.agreeing(), 32U);
}

// Reports of any kind: what is said of them stays possible.
TEST(ReportLine, NeverMoreAgreeThanThereAre) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    ReportLine line;
    MediaTime media{};
    Duration offset{0};
    std::uint32_t lines = 0;
    for (int n = 0; n < 500; ++n) {
      media += Duration{static_cast<Duration::rep>(random() % 5'000'000'000)} - 500ms;
      if (random() % 40 == 0)
        offset += Duration{static_cast<Duration::rep>(random() % 60'000'000)} - 30ms;
      if (random() % 100 == 0)
        line.reset();
      line.on_report(media, offset + (random() % 5 == 0 ? Duration{1ms} * (random() % 9000)
                                                        : Duration{1us} * (random() % 3000)));
      ASSERT_GE(line.size(), 1U);
      ASSERT_LE(line.size(), 32U);
      ASSERT_LE(line.agreeing(), line.size());
      ASSERT_GE(line.line(), lines);
      lines = line.line();
      ASSERT_LE(line.scatter(), 2 * kTolerance);
      ASSERT_TRUE(!line.is_consistent() || line.scatter() <= 4ms);
      if (line.agreeing() > 0) {
        ASSERT_LT(std::chrono::abs(line.offset(media)), 10min);
      }
    }
  }
}

}  // namespace
}  // namespace onair
