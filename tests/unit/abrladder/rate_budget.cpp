// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rate_budget.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

constexpr int kMost = 2'000'000;
constexpr FrameRate kNominal{30, 1};

RunningTime at(Duration time) {
  return RunningTime{time};
}

Duration interval_of(double fps) {
  return Duration{std::llround(1e9 / fps)};
}

// Frames at that rate, behind `now`; what was told last.
std::optional<RateBudget::Rate> run(RateBudget& budget, RunningTime& now, double fps, int frames) {
  std::optional<RateBudget::Rate> told;
  for (int n = 0; n < frames; ++n)
    if (const auto rate = budget.on_frame(now += interval_of(fps)))
      told = rate;
  return told;
}

TEST(RateBudget, BeginsWithItsShareAndAQuarterOfASecond) {
  const RateBudget budget{kMost, kNominal};
  EXPECT_EQ(budget.rate().bps, std::lround(kMost * RateBudget::kShare));
  EXPECT_EQ(budget.rate().buffer, 250ms);
}

TEST(RateBudget, AtTheNominalRateTellsNothing) {
  for (const FrameRate nominal : {FrameRate{3, 1}, {30, 1}, {30'000, 1001}, {60, 1}}) {
    RateBudget budget{kMost, nominal};
    auto now = at(0s);
    EXPECT_FALSE(run(budget, now, static_cast<double>(nominal.num) / nominal.den, 10'000));
  }
}

TEST(RateBudget, ASlightlySlowerSourceIsNotWorthTelling) {
  RateBudget budget{kMost, kNominal};
  auto now = at(0s);
  EXPECT_FALSE(run(budget, now, 27.5, 1000)) << "1.09 times as long";
  EXPECT_TRUE(run(budget, now, 27.0, 1000)) << "1.11";
}

TEST(RateBudget, HalfAsManyFramesGetTwiceTheRateAfterAWhileAndHalfTheBuffer) {
  RateBudget budget{kMost, kNominal};
  auto now = at(0s);
  (void)run(budget, now, 15, 16);
  const auto early = budget.rate();
  EXPECT_LT(early.bps, kMost * RateBudget::kShare * 1.75) << "a second is too soon to believe it";
  (void)run(budget, now, 15, 150);
  const auto rate = budget.rate();
  EXPECT_GT(rate.bps, kMost * RateBudget::kShare * 2 * 0.88) << "within a step that is not told";
  EXPECT_LE(rate.bps, kMost * RateBudget::kShare * 2);
  EXPECT_NEAR(in_ms(rate.buffer) * rate.bps, 250 * kMost * RateBudget::kShare, 250)
      << "as many bits as before";
}

TEST(RateBudget, AFrameThatComesSoonerLowersItAtOnce) {
  RateBudget budget{kMost, kNominal};
  auto now = at(0s);
  ASSERT_TRUE(run(budget, now, 5, 200));
  const auto told = budget.on_frame(now + interval_of(30));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->bps, std::lround(kMost * RateBudget::kShare));
  EXPECT_EQ(told->buffer, 250ms);
}

TEST(RateBudget, FasterFramesThanNominalDoNotLowerIt) {
  RateBudget budget{kMost, kNominal};
  auto now = at(0s);
  EXPECT_FALSE(run(budget, now, 60, 1000));
}

// Of an exact rate: rounded once, not with each frame.
Duration interval_at(double fps, int n) {
  return Duration{std::llround((n + 1) * 1e9 / fps) - std::llround(n * 1e9 / fps)};
}

TEST(RateBudget, AFrameOfASlideShowGetsTheWholeBufferAndNoMore) {
  for (const int nominal : {5, 10, 30, 60}) {
    RateBudget budget{kMost, {nominal, 1}};
    auto now = at(0s);
    (void)run(budget, now, 0.1, 1000);
    const auto frame = std::chrono::duration<double>(interval_of(nominal)).count();
    EXPECT_LE(budget.rate().bps * frame, kMost * RateBudget::kShare * RateBudget::kBuffer + 1);
    EXPECT_GT(budget.rate().bps * frame, kMost * RateBudget::kShare * RateBudget::kBuffer * 0.9);
    EXPECT_GE(budget.rate().buffer, interval_of(nominal)) << "encoders refuse less than a frame";
  }
}

TEST(RateBudget, OfTheSlowestRenditionStaysWhereItIs) {
  RateBudget budget{kMost, {3, 1}};
  auto now = at(0s);
  EXPECT_FALSE(run(budget, now, 0.1, 1000));
}

// In whole milliseconds, as of a container: at 24 frames a second they are 41 and 42 apart.
TEST(RateBudget, RoundedTimestampsAreNotToldWithEachFrame) {
  for (const double fps : {7.0, 11.0, 23.976, 24.0}) {
    RateBudget budget{kMost, kNominal};
    int told = 0;
    for (int n = 0; n < 1500; ++n) {
      const bool is_told =
          budget.on_frame(at(std::chrono::milliseconds{std::llround(n * 1e3 / fps)})).has_value();
      told += n >= 500 && is_told ? 1 : 0;
    }
    EXPECT_EQ(told, 0) << fps;
  }
}

TEST(RateBudget, TheHighestRateIsWithinTheRangeOfEncoders) {
  RateBudget budget{VideoRendition::kMaxBps, kNominal};
  auto now = at(0s);
  (void)run(budget, now, 0.1, 1000);
  EXPECT_GT(budget.rate().bps, 0);
  EXPECT_LE(budget.rate().bps, 2'048'000'000) << "x264enc: 2 048 000 kbit/s";
}

TEST(RateBudget, TimeThatGoesBackwardsChangesNothing) {
  RateBudget budget{kMost, kNominal};
  auto now = at(1h);
  (void)run(budget, now, 15, 200);
  const auto before = budget.rate();
  EXPECT_FALSE(budget.on_frame(at(0s)));
  EXPECT_FALSE(budget.on_frame(at(0s)));
  EXPECT_EQ(budget.rate(), before);
}

// ---- no second has too many bits

// An encoder that spends whatever its buffer lets it, at moments of its own choice.
class Spender {
 public:
  Spender(FrameRate nominal, RateBudget::Rate rate)
      : nominal_{in_ms(1s) * nominal.den / nominal.num / 1e3}, rate_{rate} {
    fill_ = buffer();
  }
  void tell(const RateBudget::Rate& rate) { rate_ = rate; }
  // Bits of the next frame: none, or all there is.
  double next(bool spends_all) {
    fill_ = std::min(buffer(), fill_ + rate_.bps * nominal_);
    if (!spends_all)
      return 0;
    return std::exchange(fill_, 0.0);
  }

 private:
  // No encoder has less than what one frame gets.
  [[nodiscard]] double buffer() const {
    return std::max(std::chrono::duration<double>(rate_.buffer).count(), nominal_) * rate_.bps;
  }
  double nominal_;
  RateBudget::Rate rate_;
  double fill_;
};

struct Spent {
  RunningTime at;
  double bits;
};

double most_in_a_second(const std::vector<Spent>& frames) {
  double sum = 0;
  double most = 0;
  std::size_t first = 0;
  for (const auto& frame : frames) {
    sum += frame.bits;
    for (; frames[first].at + 1s <= frame.at; ++first)
      sum -= frames[first].bits;
    most = std::max(most, sum);
  }
  return most;
}

using Intervals = std::function<Duration(std::mt19937_64&, int)>;

// The most of any second, in what is allowed; and the mean of all.
struct Outcome {
  double most;
  double mean;
};

Outcome spend(std::uint64_t seed, FrameRate nominal, int frames, const Intervals& interval) {
  std::mt19937_64 random{seed};
  RateBudget budget{kMost, nominal};
  Spender encoder{nominal, budget.rate()};
  std::vector<Spent> spent;
  double bits = 0;
  auto now = at(0s);
  // It saves for a second or so, and then spends for as long: the worst that a second can see. Or
  // all the time.
  const bool saves = seed % 3 != 0;
  for (int n = 0; n < frames; ++n) {
    if (const auto rate = budget.on_frame(now))
      encoder.tell(*rate);
    const auto phase = now.time_since_epoch() % 4s;
    spent.push_back({now, encoder.next(!saves || phase > 1s)});
    bits += spent.back().bits;
    now += interval(random, n);
  }
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  return {most_in_a_second(spent) / kMost, bits / seconds / kMost};
}

constexpr double kAllowed = 1.10 + 1e-6;

TEST(RateBudgetProperties, NoSecondOfASteadySourceHasTooManyBits) {
  for (const int nominal : {3, 10, 25, 30, 60})
    for (int fps = 3; fps <= nominal; ++fps)
      for (std::uint64_t seed = 0; seed < 3; ++seed) {
        const auto [most, mean] = spend(seed, {nominal, 1}, 60 * fps,
                                        [fps](auto&, int n) { return interval_at(fps, n); });
        ASSERT_LE(most, kAllowed) << fps << " of " << nominal << " fps, seed " << seed;
        if (seed == 0) {
          ASSERT_GE(mean, RateBudget::kShare * (fps < 4 && nominal > 3 ? 0.6 : 0.8))
              << fps << " of " << nominal << " fps use what they have";
        }
      }
}

TEST(RateBudgetProperties, NoSecondOfASourceThatChangesItsRateHasTooManyBits) {
  for (const auto& [slow, fast] : {std::pair{5, 30}, {15, 60}, {1, 30}, {3, 60}, {24, 30}})
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      int left = 0;
      bool is_slow = false;
      const auto changes = [&, slow = slow, fast = fast](std::mt19937_64& random, int n) {
        if (left-- == 0) {
          is_slow = !is_slow;
          left = 1 + static_cast<int>(random() % 200);
        }
        return interval_at(is_slow ? slow : fast, n);
      };
      const auto [most, mean] = spend(seed, {fast, 1}, 3000, changes);
      ASSERT_LE(most, kAllowed) << slow << " and " << fast << " fps, seed " << seed;
    }
}

TEST(RateBudgetProperties, NoSecondOfASourceThatJittersHasTooManyBits) {
  for (const int fps : {5, 15, 24, 30})
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      Duration offset{0};
      const auto jitters = [&offset, fps](std::mt19937_64& random, int) {
        const Duration next{static_cast<std::int64_t>(random() % 20'000'000) - 10'000'000};
        return interval_of(fps) + next - std::exchange(offset, next);
      };
      const auto [most, mean] = spend(seed, kNominal, 2000, jitters);
      // One frame more than usual may have come in by its jitter.
      ASSERT_LE(most, kAllowed + RateBudget::kShare / 30) << fps << " fps, seed " << seed;
    }
}

TEST(RateBudgetProperties, NoSecondOfFramesAtAnyDistanceHasTooManyBits) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto any = [](std::mt19937_64& random, int) {
      const double longest = random() % 20 == 0 ? 10 : random() % 3 == 0 ? 0.3 : 0.05;
      return interval_of(30) + Duration{static_cast<std::int64_t>(
                                   std::uniform_real_distribution<>{0, longest * 1e9}(random))};
    };
    const auto [most, mean] = spend(seed, kNominal, 3000, any);
    ASSERT_LE(most, kAllowed) << "seed " << seed;
  }
}

}  // namespace
}  // namespace onair::test
