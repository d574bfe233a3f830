// SPDX-License-Identifier: LGPL-2.1-or-later
#include "continuity.hpp"

#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Verdict = Continuity::Verdict;

constexpr auto kSuspicion = Continuity::kSuspicion;
constexpr auto kPatience = Continuity::kPatience;

// Units at 50 a second, as they leave the sender: the clock of the test.
class Stream {
 public:
  // The next unit, sent 20 ms after the last and above the floor by `excess`.
  Verdict unit(Duration excess = Duration{0}) {
    sent_ += 20ms;
    return continuity.on_unit(
        {MediaTime{sent_ + shift}, RunningTime{sent_ + excess}, excess, is_new_source, is_shared});
  }
  // The media clock is another by `by`, which arrivals see as excess with its sign turned.
  Verdict leapt_unit(Duration by) {
    sent_ += 20ms;
    return continuity.on_unit(
        {MediaTime{sent_ + by}, RunningTime{sent_}, -by, is_new_source, is_shared});
  }
  void pass(Duration time) { sent_ += time; }
  [[nodiscard]] RunningTime now() const { return RunningTime{sent_}; }

  Continuity continuity;
  bool is_new_source = false;
  bool is_shared = false;
  Duration shift{0};

 private:
  Duration sent_{100s};
};

Stream flowing() {
  Stream stream;
  for (int n = 0; n < 10; ++n)
    EXPECT_EQ(stream.unit(), Verdict::Flows);
  return stream;
}

TEST(Continuity, JitterBelowTheSuspicionFlows) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(kSuspicion), Verdict::Flows);
  EXPECT_EQ(stream.unit(-kSuspicion), Verdict::Flows);
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_FALSE(stream.continuity.is_late());
  EXPECT_FALSE(stream.continuity.deadline());
}

TEST(Continuity, ANanosecondBeyondTheSuspicionIsHeld) {
  auto late = flowing();
  EXPECT_EQ(late.unit(kSuspicion + 1ns), Verdict::Held);
  EXPECT_TRUE(late.continuity.is_holding());
  EXPECT_TRUE(late.continuity.is_late());
  auto early = flowing();
  EXPECT_EQ(early.unit(-kSuspicion - 1ns), Verdict::Held);
  EXPECT_TRUE(early.continuity.is_holding());
  EXPECT_FALSE(early.continuity.is_late());
}

TEST(Continuity, SilenceOfAnyLengthIsNothingToSuspect) {
  auto stream = flowing();
  stream.pass(1h);
  EXPECT_EQ(stream.unit(), Verdict::Flows);
}

TEST(Continuity, ReorderingWithinTheSuspicionFlowsAndGoingBackFurtherDoesNot) {
  Continuity continuity;
  const auto on_unit = [&continuity](Duration media) {
    return continuity.on_unit({MediaTime{media}, RunningTime{10s}, 0ms, false, false});
  };
  EXPECT_EQ(on_unit(10s), Verdict::Flows);
  EXPECT_EQ(on_unit(10s - kSuspicion), Verdict::Flows);
  EXPECT_EQ(on_unit(10s - kSuspicion - 1ns), Verdict::Held);
}

TEST(Continuity, AStallThatOthersShareGoesOnUntouched) {
  auto stream = flowing();
  stream.is_shared = true;
  for (Duration excess = 3s; excess > kSuspicion; excess -= 20ms)
    ASSERT_EQ(stream.unit(excess), Verdict::Late);
  EXPECT_TRUE(stream.continuity.is_late());
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_EQ(stream.unit(kSuspicion), Verdict::Flows);
  EXPECT_FALSE(stream.continuity.is_late());
}

TEST(Continuity, AStallOfOneStreamIsHeldUntilItDrains) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(800ms), Verdict::Held);
  EXPECT_EQ(stream.unit(600ms), Verdict::Held);
  EXPECT_EQ(stream.unit(kSuspicion), Verdict::Recovered);
  EXPECT_EQ(stream.unit(0ms), Verdict::Flows);
}

TEST(Continuity, AStallThatOthersTurnOutToShareIsReleased) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(800ms), Verdict::Held);
  stream.is_shared = true;
  EXPECT_EQ(stream.unit(790ms), Verdict::Late);
  EXPECT_FALSE(stream.continuity.is_holding());
}

TEST(Continuity, ALateStreamThatStaysSoForTheTimeOfPatienceStoodStill) {
  auto stream = flowing();
  const auto excess = 5s;
  stream.pass(excess);
  stream.shift = -excess;  // the sender's clock was stopped
  EXPECT_EQ(stream.unit(excess + 3ms), Verdict::Held);
  // 20 ms apart: the 51st is one second behind the first.
  for (int n = 2; n <= 50; ++n)
    ASSERT_EQ(stream.unit(excess + 1ms), Verdict::Held) << n;
  EXPECT_EQ(stream.unit(excess + 3ms), Verdict::StoodStill);
  EXPECT_EQ(stream.continuity.excess(), excess + 1ms) << "the least: it met no queue";
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_EQ(stream.unit(0ms), Verdict::Flows) << "the new base is known";
}

TEST(Continuity, AStallThatOthersSharedIsOneOfItsOwnWhenTheyHaveRecovered) {
  auto stream = flowing();
  stream.is_shared = true;
  EXPECT_EQ(stream.unit(3s), Verdict::Late);
  stream.is_shared = false;
  Verdict verdict = Verdict::Late;
  int units = 0;
  for (; verdict == Verdict::Late && units < 100; ++units)
    verdict = stream.unit(3s);
  EXPECT_EQ(verdict, Verdict::StoodStill);
  EXPECT_EQ(units, 50);
}

TEST(Continuity, ALeapIsBelievedAtItsFourthUnit) {
  for (const auto by : std::initializer_list<Duration>{1h, -1h, 400ms, -400ms}) {
    auto stream = flowing();
    ASSERT_EQ(stream.leapt_unit(by), Verdict::Held);
    EXPECT_EQ(stream.leapt_unit(by), Verdict::Held);
    EXPECT_EQ(stream.leapt_unit(by), Verdict::Held);
    EXPECT_TRUE(stream.continuity.is_holding());
    EXPECT_EQ(stream.leapt_unit(by), Verdict::Leapt);
    EXPECT_EQ(stream.continuity.excess(), -by);
    EXPECT_FALSE(stream.continuity.is_holding());
    stream.shift = by;
    auto same = stream;
    EXPECT_EQ(same.unit(0ms), Verdict::Flows) << "the new base is known";
    stream.shift -= kSuspicion + 21ms;
    EXPECT_EQ(stream.unit(0ms), Verdict::Held) << "and the new media time is what may not go back";
  }
}

TEST(Continuity, ALeapBehindLateUnitsLetsThoseGoAsTheyAre) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(800ms), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Recovered);
  EXPECT_TRUE(stream.continuity.is_holding()) << "the one that leapt";
  EXPECT_EQ(stream.continuity.deadline(), stream.now() + kPatience);
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Leapt);
}

TEST(Continuity, AnotherSourceIsALeapEvenIfItsClockIsTheSame) {
  auto stream = flowing();
  stream.is_new_source = true;
  EXPECT_EQ(stream.unit(0ms), Verdict::Held);
  EXPECT_EQ(stream.unit(5ms), Verdict::Held);
  EXPECT_EQ(stream.unit(-2ms), Verdict::Held);
  EXPECT_EQ(stream.unit(0ms), Verdict::Leapt);
  EXPECT_EQ(stream.continuity.excess(), -2ms);
}

TEST(Continuity, AUnitOfTheOldLineShowsThatTheStrangeOneWasStray) {
  auto stream = flowing();
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(stream.unit(0ms), Verdict::Stray);
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_EQ(stream.unit(0ms), Verdict::Flows);
}

TEST(Continuity, ThreeStrangeUnitsEachElsewhereAreStrayOneByOne) {
  auto stream = flowing();
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(-2h), Verdict::Stray);
  EXPECT_TRUE(stream.continuity.is_holding());
  EXPECT_EQ(stream.leapt_unit(2h), Verdict::Stray);
  EXPECT_TRUE(stream.continuity.is_holding());
  // And a leap is counted from its own first unit.
  EXPECT_EQ(stream.leapt_unit(2h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(2h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(2h), Verdict::Leapt);
}

TEST(Continuity, UnitsOfALeapMayDifferByTheSuspicionAndNotMore) {
  auto stream = flowing();
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(stream.leapt_unit(-1h - kSuspicion), Verdict::Held);
  auto other = flowing();
  EXPECT_EQ(other.leapt_unit(-1h), Verdict::Held);
  EXPECT_EQ(other.leapt_unit(-1h - kSuspicion - 1ns), Verdict::Stray);
}

TEST(Continuity, NothingIsDueWhileNothingIsSuspected) {
  auto stream = flowing();
  EXPECT_EQ(stream.continuity.on_time(stream.now() + 1h), Verdict::Flows);
  EXPECT_EQ(stream.unit(0ms), Verdict::Flows);
}

TEST(Continuity, ALeapAfterWhichNothingComesIsBelievedAfterTheTimeOfPatience) {
  auto stream = flowing();
  EXPECT_EQ(stream.leapt_unit(1h), Verdict::Held);
  const auto deadline = stream.now() + kPatience;
  EXPECT_EQ(stream.continuity.deadline(), deadline);
  EXPECT_EQ(stream.continuity.on_time(deadline - 1ns), Verdict::Held);
  EXPECT_EQ(stream.continuity.on_time(deadline), Verdict::Leapt);
  EXPECT_FALSE(stream.continuity.deadline());
}

TEST(Continuity, LateUnitsThatSayNothingOfThePaceAreReleasedAfterTheTimeOfPatience) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(3s), Verdict::Held);
  const auto deadline = *stream.continuity.deadline();
  EXPECT_EQ(stream.continuity.on_time(deadline - 1ns), Verdict::Held);
  EXPECT_EQ(stream.continuity.on_time(deadline), Verdict::Recovered);
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_TRUE(stream.continuity.is_late());
}

TEST(Continuity, LateUnitsAtTheSendersPaceForHalfASecondStoodStillWhenTimeIsUp) {
  for (const int units : {25, 26}) {
    auto stream = flowing();
    for (int n = 0; n < units; ++n)
      ASSERT_EQ(stream.unit(3s), Verdict::Held);
    // The 26th comes half a second behind the first.
    EXPECT_EQ(stream.continuity.on_time(*stream.continuity.deadline()),
              units == 26 ? Verdict::StoodStill : Verdict::Recovered);
  }
}

TEST(Continuity, AResetForgetsTheSuspicionAndNotWhatFlowed) {
  auto stream = flowing();
  EXPECT_EQ(stream.unit(3s), Verdict::Held);
  stream.continuity.reset();
  EXPECT_FALSE(stream.continuity.is_holding());
  EXPECT_FALSE(stream.continuity.deadline());
  EXPECT_EQ(stream.unit(0ms), Verdict::Flows);
  EXPECT_EQ(stream.leapt_unit(-1h), Verdict::Held);
}

// Whatever comes, in whatever order: who holds has a deadline one patience behind the last that
// began a suspicion, and holds nothing behind it.
TEST(Continuity, NothingIsHeldBeyondItsDeadline) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    Continuity continuity;
    Duration now{0};
    Duration leap{0};
    std::vector<Duration> held;
    for (int n = 0; n < 500; ++n) {
      now += 1ms * (random() % 80);
      if (random() % 30 == 0)
        leap = 1ms * (random() % 4000) - 2s;
      const auto excess = -leap + 1ms * (random() % (random() % 20 == 0 ? 900 : 50));
      const auto deadline = continuity.deadline();
      ASSERT_EQ(deadline.has_value(), continuity.is_holding());
      if (deadline && *deadline <= RunningTime{now}) {
        const auto verdict = continuity.on_time(RunningTime{now});
        ASSERT_NE(verdict, Verdict::Held);
        ASSERT_FALSE(continuity.is_holding());
        held.clear();
      }
      const bool was_holding = continuity.is_holding();
      const auto verdict = continuity.on_unit({MediaTime{now - excess}, RunningTime{now}, excess,
                                               random() % 50 == 0, random() % 9 == 0});
      switch (verdict) {
        case Verdict::Held:
          held.push_back(now);
          break;
        case Verdict::Stray:
          ASSERT_TRUE(was_holding);
          held.clear();
          if (continuity.is_holding())
            held.push_back(now);
          break;
        case Verdict::Recovered:
          ASSERT_TRUE(was_holding);
          held.clear();
          if (continuity.is_holding())
            held.push_back(now);
          break;
        default:
          ASSERT_FALSE(continuity.is_holding());
          held.clear();
          break;
      }
      ASSERT_EQ(continuity.is_holding(), !held.empty());
      if (!held.empty()) {
        ASSERT_LE(*continuity.deadline(), RunningTime{held.front() + kPatience});
      }
    }
  }
}

}  // namespace
}  // namespace onair
