// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold for any segment length, codec, frame rate and start: seeds are printed.
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "programme.hpp"

namespace onair::test {
namespace {

using Random = std::mt19937_64;

Duration any_target(Random& random) {
  return Duration{std::uniform_int_distribution<std::int64_t>{500'000'000, 10'000'000'000}(random)};
}

AudioFrames::Format any_format(Random& random) {
  constexpr AudioFrames::Format kFormats[] = {
      kMp3, kMp3At44, kAac, kOpus, {.length = 2048, .rate = 44'100}};
  return kFormats[random() % std::size(kFormats)];
}

// 5 to 60 frames a second, each interval by chance.
std::function<RunningTime(std::int64_t)> uneven_frames(std::uint64_t seed, Duration begin) {
  auto random = std::make_shared<Random>(seed);
  auto times = std::make_shared<std::vector<RunningTime>>(1, at(begin));
  return [random, times](std::int64_t n) {
    while (static_cast<std::int64_t>(times->size()) <= n)
      times->push_back(times->back() +
                       Duration{static_cast<std::int64_t>(
                           1e9 / std::uniform_real_distribution<double>{5, 60}(*random))});
    return (*times)[static_cast<std::size_t>(n)];
  };
}

TEST(CutSchedulerProperties, TheSumOfAllSegmentsIsWithinHalfAFrameForADayOfThem) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random{seed};
    const auto target = any_target(random);
    const auto format = any_format(random);
    const auto half = to_duration(format.length, format.rate) / 2 + 1us;
    CutScheduler scheduler{{.target = target}};
    const auto audio = scheduler.add_stream(CutScheduler::Kind::Audio);
    const auto begin = at(Duration{static_cast<std::int64_t>(random() % 1'000'000'000)});
    std::int64_t cuts = 0;
    RunningTime last{};
    // Only the frames about each boundary: the others pass.
    for (std::int64_t n = 0; n < 86'400; ++n) {
      const auto nominal = to_ticks(n * target, format.rate) / format.length;
      for (std::int64_t frame = std::max<std::int64_t>(nominal - 2, 0); frame <= nominal + 2;
           ++frame) {
        const auto time = begin + to_duration(frame * format.length, format.rate);
        if (cuts > 0 && time <= last)
          continue;
        scheduler.arrive(audio, {.time = time, .format = format},
                         ClockTime{time.time_since_epoch()});
        const auto verdict = scheduler.judge(audio);
        if (const auto* cut = std::get_if<CutScheduler::Cut>(&verdict)) {
          ASSERT_EQ(cut->boundary.index, cuts);
          const Duration error = time - begin - cuts * target;
          ASSERT_LE(std::chrono::abs(error), half) << cuts;
          last = time;
          ++cuts;
        }
      }
    }
    ASSERT_EQ(cuts, 86'400);
    EXPECT_EQ(scheduler.stats().missed, 0U);
  }
}

TEST(CutSchedulerProperties, TheGridHoldsForTenYears) {
  for (const Duration target : {500ms, 1000ms, 6000ms}) {
    CutScheduler scheduler{{.target = target}};
    const auto audio = scheduler.add_stream(CutScheduler::Kind::Audio);
    // Each month, one after the other: the clock goes along, so it is no jump.
    for (std::int64_t month = 0; month < 120; ++month) {
      const auto time = *[&] {
        AudioFrames frames;
        frames.on_frame(at(0s), kAac);
        return frames.nearest(at(month * 730h));
      }();
      scheduler.arrive(audio, {.time = time, .format = kAac}, ClockTime{time.time_since_epoch()});
      ASSERT_TRUE(std::holds_alternative<CutScheduler::Cut>(scheduler.judge(audio))) << month;
      ASSERT_LE(scheduler.stats().worst_error, 10'666'667ns) << month;
    }
  }
}

TEST(CutSchedulerProperties, PicturesOfAnyFrameRateBeginSegmentsOnTheGrid) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random{seed};
    const auto format = any_format(random);
    Programme programme{{.target = any_target(random)}};
    const auto begin = Duration{static_cast<std::int64_t>(random() % 1'500'000'000)};
    const auto audio = programme.add_audio(format, at(begin));
    const auto videos = 1 + random() % 3;
    for (std::uint64_t n = 0; n < videos; ++n) {
      constexpr int kRates[] = {15'000, 23'976, 24'000, 25'000, 29'970, 30'000, 60'000};
      const auto from = Duration{static_cast<std::int64_t>(random() % 30'000'000)};
      const int rate = kRates[random() % std::size(kRates)];
      const auto video = programme.add_video(
          {.frame_time = random() % 2 ? frames_at(rate, 1000, from) : uneven_frames(seed, from),
           .gop = random() % 2 ? 0 : static_cast<int>(10 + random() % 60)});
      programme.streams[video].lag = Duration{static_cast<std::int64_t>(random() % 600'000'000)};
    }
    programme.run_to(at(150s));
    const auto stats = programme.scheduler.stats();
    EXPECT_LE(stats.worst_error, to_duration(format.length, format.rate) / 2 + 1us);
    EXPECT_EQ(stats.missed, 0U);
    EXPECT_EQ(stats.breaks, 0U);
    const auto cuts = programme.cut_times(1);
    EXPECT_GE(cuts.size() + 1, programme.decisions.size());
    for (std::size_t n = 0; n < cuts.size(); ++n)
      ASSERT_EQ(cuts[n], programme.decisions[n].boundary.at);
    EXPECT_FALSE(programme.streams[audio].waits);
  }
}

}  // namespace
}  // namespace onair::test
