// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold of both lines whatever comes in, in seeded weather and virtual time.
#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "audio_line.hpp"
#include "video_line.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kRate = 48'000;
constexpr Duration kMaxWait = 1s;
constexpr std::uint32_t kSeeds = 100;

RunningTime at(Duration time) {
  return RunningTime{time};
}

struct Piece {
  RunningTime start;
  RunningTime arrival;
};

// A sender of 20 ms pieces for some minutes, and the way to us.
struct Weather {
  struct Kinds {
    bool drift = true;
    bool outages = true;
    bool steps = true;  // of the path's delay
    bool leaps = true;  // of the timestamps
    bool standing_clock = true;
    Duration jitter = 600ms;
  };

  Weather(std::uint32_t seed, Kinds kinds, Duration length = 120s) : random{seed} {
    const double drift = kinds.drift ? (static_cast<double>(random() % 1001) - 500) * 1e-6 : 0;
    Duration path = up_to(100ms);
    Duration shift = up_to(10s);
    RunningTime last_arrival{Duration::min()};
    Duration off_until{-1};
    bool stands = false;
    Duration stood_since{0};
    for (Duration t{0}; t < length; t += 20ms) {
      const bool is_calm = t > length - 15s;
      if (!is_calm && t >= off_until) {
        if (std::exchange(stands, false))
          shift -= t - stood_since;
        if (kinds.outages && random() % 500 == 0)
          off_until = t + up_to(random() % 3 == 0 ? 8s : 300ms);
        if (kinds.standing_clock && random() % 2000 == 0)
          off_until = t + up_to(15s), stands = true, stood_since = t;
        if (kinds.steps && random() % 1000 == 0)
          path = up_to(random() % 2 == 0 ? 3s : 100ms);
        if (kinds.leaps && random() % 2000 == 0)
          shift = up_to(200s);
      }
      // Whatever was going on ends where the calm begins.
      if (is_calm && std::exchange(stands, false))
        shift -= t - stood_since;
      if (t < off_until && !is_calm)
        continue;
      const Duration bent{static_cast<Duration::rep>(static_cast<double>(t.count()) * drift)};
      const Duration delay =
          path + (!is_calm && random() % 50 == 0 ? up_to(kinds.jitter) : up_to(5ms));
      last_arrival = std::max(last_arrival, at(t + 20ms + delay));
      pieces.push_back({.start = at(t + bent + shift), .arrival = last_arrival});
    }
  }
  Duration up_to(Duration most) {
    return Duration{std::uniform_int_distribution<Duration::rep>{0, most.count()}(random)};
  }

  std::mt19937 random;
  std::vector<Piece> pieces;
};

// Runs a line through the weather: fills whenever the deadline passes before the next arrival.
struct AudioRun {
  void put_out(std::int64_t frames) {
    const auto span = line.advance(frames);
    if (end) {
      ASSERT_EQ(span.start, *end);
    }
    ASSERT_GE(span.length, 0ns);
    end = span.start + span.length;
    out += frames;
  }
  void wait_until(RunningTime now) {
    while (line.deadline() && *line.deadline() <= now) {
      filled += 960;
      put_out(960);
    }
  }
  void play(const Piece& piece, std::optional<RunningTime> now) {
    const auto plan = line.on_input(piece.start, 960, now);
    ASSERT_GE(plan.fill, 0);
    ASSERT_GE(plan.trim, 0);
    ASSERT_EQ(plan.trim + plan.take, 960);
    in += 960;
    trimmed += plan.trim;
    filled += plan.fill;
    put_out(plan.fill);
    put_out(plan.take);
    taken += plan.take;
    last_take = plan.take;
  }

  AudioLine line{kRate};
  std::optional<RunningTime> end;
  std::int64_t in = 0, out = 0, taken = 0, filled = 0, trimmed = 0, last_take = 0;
};

TEST(NeverEnding, SoundIsContiguousAndEverySampleIsAccountedForWhateverComes) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AudioRun run;
    for (const auto& piece : Weather{seed, {}}.pieces) {
      run.wait_until(piece.arrival);
      run.play(piece, piece.arrival);
      ASSERT_FALSE(testing::Test::HasFatalFailure());
      // The output is not held up by more than what the path takes and a leap's worth of waiting.
      ASSERT_GT(*run.line.deadline(), piece.arrival - 1ns);
      ASSERT_LT(*run.line.deadline() - kMaxWait, piece.arrival + 10s);
    }
    EXPECT_EQ(run.in, run.taken + run.trimmed);
    EXPECT_EQ(run.out, run.taken + run.filled);
  }
}

TEST(NeverEnding, SoundThatFlowsIsHeardAgainWhateverWasBefore) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AudioRun run;
    const Weather weather{seed, {}};
    const RunningTime last = weather.pieces.back().arrival;
    std::int64_t pieces = 0, heard = 0;
    for (const auto& piece : weather.pieces) {
      run.wait_until(piece.arrival);
      run.play(piece, piece.arrival);
      // The calm lasts 15 s: 5 s to catch up, and the seconds that it took to see it.
      if (piece.arrival > last - 5s) {
        ++pieces;
        heard += run.last_take > 0 ? 1 : 0;
      }
    }
    EXPECT_EQ(heard, pieces);
  }
}

TEST(NeverEnding, NothingIsInventedOrLostWhileSoundIsInTime) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AudioRun run;
    for (const auto& piece : Weather{
             seed,
             {.drift = false,
             .outages = false,
             .steps = false,
             .leaps = false,
             .standing_clock =
                  false}}.pieces) {
      run.wait_until(piece.arrival);
      run.play(piece, piece.arrival);
    }
    EXPECT_EQ(run.filled, 0);
    EXPECT_EQ(run.trimmed, 0);
  }
}

// 500 ppm for three hours: 5 s, a millisecond at a time, and the output stays on the timeline.
TEST(NeverEnding, DriftIsFollowedInSmallSteps) {
  for (const std::int64_t ppm : {-500, 500}) {
    AudioRun run;
    for (Duration t{0}; t < 3h; t += 20ms) {
      const RunningTime start = at(1h + t + t * ppm / 1'000'000);
      run.wait_until(at(t + 30ms));
      const auto filled = run.filled;
      const auto trimmed = run.trimmed;
      run.play({.start = start, .arrival = {}}, at(t + 30ms));
      ASSERT_LE(run.filled - filled, 49);
      ASSERT_LE(run.trimmed - trimmed, 49);
      ASSERT_LE(std::chrono::abs(*run.end - (start + 20ms)), 1ms + 21us) << "and a sample";
    }
    EXPECT_NEAR(static_cast<double>(ppm > 0 ? run.filled : run.trimmed), 5.4 * kRate, 100);
    EXPECT_EQ(ppm > 0 ? run.trimmed : run.filled, 0);
  }
}

TEST(NeverEnding, PicturesRiseForEverAndNoneIsRepeatedWhileTheyAreInTime) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const bool is_calm = seed % 4 == 0;
    const Weather weather{seed, is_calm ? Weather::Kinds{.outages = false,
                                                         .steps = false,
                                                         .leaps = false,
                                                         .standing_clock = false}
                                        : Weather::Kinds{}};
    VideoLine line{{.num = 30, .den = 1}};
    std::optional<RunningTime> last;
    std::int64_t shown = 0, late = 0, filled = 0, pieces = 0, shown_at_last = 0;
    const auto show = [&](RunningTime start) {
      if (last) {
        ASSERT_GT(start, *last);
      }
      last = start;
    };
    for (const auto& piece : weather.pieces) {
      while (line.deadline() && *line.deadline() <= piece.arrival)
        show(line.fill().start), ++filled;
      const auto plan = line.on_input(piece.start, piece.arrival);
      const bool is_shown = plan.kind == ArrivalKind::InTime || plan.kind == ArrivalKind::Leap;
      if (is_shown) {
        while (const auto fill =
                   plan.fill_until ? line.fill_before(*plan.fill_until) : std::nullopt)
          show(fill->start), ++filled;
        show(plan.start);
        line.advance(plan.start);
        ++shown;
      } else {
        ++late;
      }
      if (piece.arrival > weather.pieces.back().arrival - 5s)
        ++pieces, shown_at_last += is_shown ? 1 : 0;
      ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    EXPECT_EQ(shown + late, static_cast<std::int64_t>(weather.pieces.size()));
    EXPECT_EQ(shown_at_last, pieces);
    if (is_calm) {
      EXPECT_EQ(filled, 0);
      EXPECT_EQ(late, 0);
    }
  }
}

}  // namespace
}  // namespace onair::test
