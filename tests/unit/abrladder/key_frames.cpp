// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frame_gate.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

RunningTime at(Duration time) {
  return RunningTime{time};
}

// When key frames come of frames at this distance.
std::vector<Duration> key_frames(KeyFrames& keys, Duration from, Duration to,
                                 Duration interval = 10ms) {
  std::vector<Duration> made;
  for (auto time = from; time < to; time += interval)
    if (keys.on_frame(at(time)))
      made.push_back(time);
  return made;
}

TEST(KeyFrames, WithoutARequestThereAreNone) {
  KeyFrames keys;
  EXPECT_THAT(key_frames(keys, 0s, 10s), IsEmpty());
}

TEST(KeyFrames, TheFirstFrameAtOrBehindTheInstantIsIt) {
  for (const auto early : {1ns, 0ns}) {
    KeyFrames keys;
    keys.ask({.at = at(1s)});
    EXPECT_FALSE(keys.on_frame(at(1s - 1ns)));
    EXPECT_TRUE(keys.on_frame(at(1s + 1ns - early)));
    EXPECT_FALSE(keys.on_frame(at(1s + 1ns))) << "once";
  }
}

TEST(KeyFrames, AnInstantThatHasGoneByMakesTheNextFrameOne) {
  KeyFrames keys;
  (void)keys.on_frame(at(5s));
  keys.ask({.at = at(1s)});
  EXPECT_TRUE(keys.on_frame(at(5s + 10ms)));
}

TEST(KeyFrames, RequestsOfOneBoundaryAreOneAtTheLatestOfTheirInstantsInAnyOrder) {
  std::vector<KeyFrames::Request> requests{{.rendition = 0, .at = at(983ms), .count = 4},
                                           {.rendition = 1, .at = at(966ms), .count = 4},
                                           {.rendition = 2, .at = at(833ms), .count = 4}};
  do {
    KeyFrames keys;
    for (const auto& request : requests)
      keys.ask(request);
    EXPECT_THAT(key_frames(keys, 0s, 3s), ElementsAre(990ms));
  } while (std::next_permutation(
      requests.begin(), requests.end(),
      [](const auto& a, const auto& b) { return a.rendition < b.rendition; }));
}

TEST(KeyFrames, OfOneNumberAreForOneBoundaryWhenTheyAreCloserThanItsEdge) {
  for (const auto& [apart, made] :
       {std::pair{KeyFrames::kOneBoundary - 1ns, 1U}, {KeyFrames::kOneBoundary, 2U}}) {
    KeyFrames keys;
    keys.ask({.rendition = 0, .at = at(1s), .count = 4});
    keys.ask({.rendition = 1, .at = at(1s + apart), .count = 4});
    EXPECT_EQ(key_frames(keys, 0s, 3s).size(), made);
  }
}

TEST(KeyFrames, OfDifferentNumbersAreOneWhenTheyAreCloserThanAFrame) {
  for (const auto& [apart, made] :
       {std::pair{KeyFrames::kOneFrame - 1ns, 1U}, {KeyFrames::kOneFrame, 2U}}) {
    KeyFrames keys;
    keys.ask({.rendition = 0, .at = at(1s), .count = 4});
    keys.ask({.rendition = 1, .at = at(1s + apart), .count = 9});
    EXPECT_EQ(key_frames(keys, 0s, 3s).size(), made);
  }
}

TEST(KeyFrames, NumbersThatWrapAreAsGoodAsOthers) {
  constexpr auto kLast = std::numeric_limits<std::uint32_t>::max();
  KeyFrames keys;
  for (const std::uint32_t count : {kLast - 1, kLast, 0U, 1U})
    for (const std::size_t rendition : {0, 1})
      keys.ask({.rendition = rendition,
                .at = at((count - kLast + 5) * 100ms - 8ms * static_cast<int>(rendition)),
                .count = count});
  EXPECT_THAT(key_frames(keys, 0s, 1s), ElementsAre(400ms, 500ms, 600ms, 700ms));
}

TEST(KeyFrames, WhoAskedForAnEarlierInstantDoesWithoutTheFramesInBetween) {
  KeyFrames keys;
  keys.ask({.rendition = 0, .at = at(980ms), .count = 4});
  EXPECT_FALSE(keys.holds_back(0, at(990ms))) << "alone";
  keys.ask({.rendition = 1, .at = at(900ms), .count = 4});
  EXPECT_FALSE(keys.holds_back(1, at(900ms - 1ns)));
  EXPECT_TRUE(keys.holds_back(1, at(900ms)));
  EXPECT_TRUE(keys.holds_back(1, at(980ms - 1ns)));
  EXPECT_FALSE(keys.holds_back(1, at(980ms)));
  EXPECT_FALSE(keys.holds_back(0, at(950ms))) << "it asked for no earlier one";
  EXPECT_FALSE(keys.holds_back(2, at(950ms))) << "it asked for none";
  EXPECT_TRUE(keys.on_frame(at(985ms)));
  EXPECT_FALSE(keys.holds_back(1, at(950ms))) << "it is there";
}

TEST(KeyFrames, ALateRequestForAnInstantUpToTheKeyFrameIsAnsweredByIt) {
  for (const auto& [instant, is_answered] :
       {std::pair{1s + 1ns, false}, {1s + 0ns, true}, {900ms + 0ns, true}}) {
    KeyFrames keys;
    keys.ask({.rendition = 0, .at = at(990ms), .count = 4});
    ASSERT_TRUE(keys.on_frame(at(1s)));
    keys.ask({.rendition = 1, .at = at(instant), .count = 4});
    EXPECT_EQ(keys.on_frame(at(1s + 10ms)), !is_answered) << instant.count();
  }
}

TEST(KeyFrames, ALateRequestIsAnsweredHoweverLongTheFrameTook) {
  KeyFrames keys;
  keys.ask({.rendition = 0, .at = at(990ms), .count = 4});
  ASSERT_TRUE(keys.on_frame(at(1300ms)));  // 3 frames a second
  keys.ask({.rendition = 1, .at = at(940ms), .count = 4});
  keys.ask({.rendition = 2, .at = at(1200ms), .count = 4});
  EXPECT_FALSE(keys.on_frame(at(1633ms)));
}

TEST(KeyFrames, ALateRequestForAnotherBoundaryIsANewOne) {
  KeyFrames keys;
  keys.ask({.rendition = 0, .at = at(990ms), .count = 4});
  ASSERT_TRUE(keys.on_frame(at(1s)));
  keys.ask({.rendition = 1, .at = at(490ms), .count = 3});
  EXPECT_TRUE(keys.on_frame(at(1010ms)));
}

TEST(KeyFrames, OverdueMeansTheNextFrame) {
  KeyFrames keys;
  (void)keys.on_frame(at(1s));
  keys.ask({.at = std::nullopt});
  EXPECT_TRUE(keys.on_frame(at(1s + 10ms)));
  EXPECT_FALSE(keys.on_frame(at(1s + 20ms)));
}

TEST(KeyFrames, OverdueOnesOfAllRenditionsAreOne) {
  KeyFrames keys;
  for (std::size_t rendition = 0; rendition < 16; ++rendition)
    keys.ask({.rendition = rendition, .at = std::nullopt, .count = 4});
  EXPECT_THAT(key_frames(keys, 0s, 1s), ElementsAre(0ms));
}

TEST(KeyFrames, AnOverdueOneIsAnsweredByAKeyFrameThatIsOnItsWay) {
  for (const auto& [later, is_made] :
       {std::pair{KeyFrames::kOneBoundary - 1ns, false}, {KeyFrames::kOneBoundary, true}}) {
    KeyFrames keys;
    keys.ask({.rendition = 0, .at = at(1s), .count = 4});
    ASSERT_TRUE(keys.on_frame(at(1s)));
    keys.ask({.rendition = 1, .at = std::nullopt, .count = 4});
    EXPECT_EQ(keys.on_frame(at(1s + later)), is_made);
  }
}

TEST(KeyFrames, TheSameBoundaryBehindAnOverdueOneIsAnsweredByIt) {
  KeyFrames keys;
  keys.ask({.rendition = 0, .at = std::nullopt, .count = 4});
  ASSERT_TRUE(keys.on_frame(at(1s)));
  keys.ask({.rendition = 1, .at = at(900ms), .count = 4});
  EXPECT_FALSE(keys.on_frame(at(1s + 10ms)));
}

TEST(KeyFrames, SeveralBoundariesThatAPauseHasOvertakenAreOneFrame) {
  KeyFrames keys;
  for (std::uint32_t count = 1; count <= 5; ++count)
    keys.ask({.rendition = 0, .at = at(count * 1s), .count = count});
  EXPECT_TRUE(keys.on_frame(at(4s + 500ms)));
  for (std::uint32_t count = 1; count <= 4; ++count)
    keys.ask({.rendition = 1, .at = at(count * 1s + 10ms), .count = count});
  EXPECT_FALSE(keys.on_frame(at(4s + 510ms))) << "who asks late for any of them has it";
  EXPECT_TRUE(keys.on_frame(at(5s)));
}

TEST(KeyFrames, AnotherTimeLineForgetsWhatWasAskedOnTheFormer) {
  KeyFrames keys;
  keys.ask({.rendition = 0, .at = at(10s), .count = 4});
  keys.ask({.rendition = 0, .at = std::nullopt, .count = 4});
  keys.reset();
  EXPECT_THAT(key_frames(keys, 0s, 11s), IsEmpty());
  EXPECT_FALSE(keys.holds_back(0, at(10s)));
}

TEST(KeyFrames, WhoAsksForALittleLaterEachTimeDoesNotPutItOffForEver) {
  for (const Duration step : {5ms, 19ms, 150ms}) {
    KeyFrames keys;
    auto time = 0ms;
    std::vector<Duration> made;
    for (int n = 0; n < 500; ++n, time += 10ms) {
      keys.ask({.rendition = 0, .at = at(time + step), .count = 4});
      keys.ask({.rendition = 1, .at = at(time + step), .count = static_cast<std::uint32_t>(n)});
      if (keys.on_frame(at(time)))
        made.push_back(time);
    }
    ASSERT_FALSE(made.empty());
    for (std::size_t n = 1; n < made.size(); ++n)
      ASSERT_LE(made[n] - made[n - 1], KeyFrames::kOneBoundary + step + 10ms);
  }
}

TEST(KeyFrames, NobodyIsHeldBackForLongerThanInstantsOfABoundaryAreApart) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    KeyFrames keys;
    for (std::uint32_t n = 1; n <= 50; ++n)
      for (int i = 0; i < 8; ++i)
        keys.ask({.rendition = random() % 4,
                  .at = at(n * 1s - std::chrono::milliseconds{random() % 400}),
                  .count = n + static_cast<std::uint32_t>(random() % 2)});
    auto free = 0ms;
    bool is_ever_held = false;
    for (auto time = 0ms; time < 51s; time += 1ms) {
      const bool is_key = keys.on_frame(at(time));
      if (is_key || !keys.holds_back(0, at(time)))
        free = time;
      is_ever_held |= free != time;
      ASSERT_LT(time - free, KeyFrames::kOneBoundary);
    }
    EXPECT_TRUE(is_ever_held);
  }
}

TEST(KeyFrames, AFloodKeepsTheNearestEightyBoundaries) {
  KeyFrames keys;
  // From the farthest to the nearest, an hour each.
  for (int n = 100'000; n > 0; --n)
    keys.ask({.rendition = 0, .at = at(n * 1h), .count = static_cast<std::uint32_t>(n)});
  int made = 0;
  for (int n = 1; n <= 100'000; ++n) {
    const bool is_made = keys.on_frame(at(n * 1h));
    ASSERT_EQ(is_made, n <= static_cast<int>(KeyFrames::kMostPending)) << n;
    made += is_made ? 1 : 0;
  }
  EXPECT_EQ(made, static_cast<int>(KeyFrames::kMostPending));
}

TEST(KeyFrames, AFloodForTheFarFutureLeavesRoomForTheNextBoundary) {
  KeyFrames keys;
  for (int n = 1; n <= 1000; ++n)
    keys.ask({.rendition = 0, .at = at(n * 24h), .count = static_cast<std::uint32_t>(n)});
  keys.ask({.rendition = 1, .at = at(1s), .count = 1});
  EXPECT_TRUE(keys.on_frame(at(1s)));
}

// ---- a ladder, whose writers each ask for the frame nearest to each boundary, in any order

struct Writer {
  FrameGate gate;
  Duration half;  // of its frame interval
  std::vector<RunningTime> got{};
};

struct Asking {
  RunningTime when;
  KeyFrames::Request request;
};

TEST(KeyFramesProperties, EachBoundaryHasOneKeyFrameWhichIsEveryWritersFirstBehindItsInstant) {
  constexpr int kBoundaries = 30;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    const int source_fps = 3 + static_cast<int>(random() % 58);
    const Duration interval = Duration{1s} / source_fps;
    const Duration target = 500ms + std::chrono::milliseconds{random() % 2000};
    const auto first_count = static_cast<std::uint32_t>(0U - random() % 20);
    std::vector<Writer> writers;
    for (std::uint64_t n = 1 + random() % 6; n > 0; --n) {
      const int fps = 3 + static_cast<int>(random() % 58);
      writers.push_back(
          {.gate = FrameGate{{fps, 1}}, .half = std::max(interval, Duration{1s} / fps) / 2});
    }
    std::vector<Asking> asked;
    for (int n = 1; n <= kBoundaries; ++n) {
      const auto boundary = at(n * target);
      const auto before = boundary - 170ms;  // the earliest instant is half of a third of a second
      for (std::size_t id = 0; id < writers.size(); ++id)
        asked.push_back({.when = before - std::chrono::milliseconds{random() % 3000},
                         .request = {.rendition = id,
                                     .at = boundary - writers[id].half,
                                     .count = first_count + static_cast<std::uint32_t>(n)}});
    }
    std::stable_sort(asked.begin(), asked.end(),
                     [](const Asking& a, const Asking& b) { return a.when < b.when; });

    KeyFrames keys;
    std::vector<RunningTime> made;
    auto next = asked.begin();
    for (auto time = at(-interval); time < at((kBoundaries + 1) * target); time += interval) {
      for (; next != asked.end() && next->when <= time; ++next)
        keys.ask(next->request);
      const bool is_key = keys.on_frame(time);
      if (is_key)
        made.push_back(time);
      for (std::size_t id = 0; id < writers.size(); ++id) {
        const auto need = is_key                      ? FrameGate::Need::Pass
                          : keys.holds_back(id, time) ? FrameGate::Need::Stay
                                                      : FrameGate::Need::None;
        if (writers[id].gate.take(time, need))
          writers[id].got.push_back(time);
      }
    }
    ASSERT_EQ(made.size(), static_cast<std::size_t>(kBoundaries));
    for (int n = 1; n <= kBoundaries; ++n) {
      const auto key = made[static_cast<std::size_t>(n) - 1];
      for (const auto& writer : writers) {
        const auto due = at(n * target) - writer.half;
        const auto first = std::lower_bound(writer.got.begin(), writer.got.end(), due);
        ASSERT_NE(first, writer.got.end());
        ASSERT_EQ(*first, key) << "boundary " << n << ", " << in_ms(key - due) << " ms behind";
        ASSERT_LT(key - at(n * target), interval);
      }
    }
  }
}

}  // namespace
}  // namespace onair::test
