// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layer_switch.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Renditions = std::vector<std::size_t>;

constexpr RunningTime at(Duration time) {
  return RunningTime{time};
}

// Frames come when their time does.
std::vector<LayerSwitch::Taker> give(LayerSwitch& layers, std::size_t layer, RunningTime time,
                                     bool is_key) {
  return layers.on_frame(layer, time, is_key, ClockTime{time.time_since_epoch() + 1h});
}

// Whoever takes it; all at its own time.
Renditions send(LayerSwitch& layers, std::size_t layer, RunningTime time, bool is_key) {
  Renditions takers;
  for (const auto& [rendition, shown_at] : give(layers, layer, time, is_key)) {
    EXPECT_EQ(shown_at, time);
    takers.push_back(rendition);
  }
  return takers;
}

// Three layers, the largest first, which have all been sent at 0.
class ThreeLayers : public testing::Test {
 protected:
  ThreeLayers() {
    for (const auto& [layer, pixels] : {std::pair{0, 900L}, {1, 300L}, {2, 100L}}) {
      switch_.add(static_cast<std::size_t>(layer));
      switch_.resize(static_cast<std::size_t>(layer), pixels);
    }
    for (std::size_t layer : {0, 1, 2})
      EXPECT_EQ(send(switch_, layer, at(0s), true), Renditions{layer});
  }

  LayerSwitch switch_;
};

TEST_F(ThreeLayers, EachRenditionIsItsOwnLayer) {
  for (std::size_t layer : {0, 1, 2})
    EXPECT_EQ(send(switch_, layer, at(33ms), false), Renditions{layer});
}

TEST_F(ThreeLayers, ALayerThatIsSilentForLongIsRepeatedByTheNextSmallerFromAKeyFrameOn) {
  const auto missed = at(0s);
  EXPECT_EQ(send(switch_, 1, missed + LayerSwitch::kSilence, true), Renditions{1});
  EXPECT_EQ(send(switch_, 1, missed + LayerSwitch::kSilence + 1ms, false), Renditions{1});
  EXPECT_EQ(send(switch_, 2, missed + LayerSwitch::kSilence + 1ms, true), Renditions{2});
  EXPECT_EQ(send(switch_, 1, missed + LayerSwitch::kSilence + 2ms, true), (Renditions{0, 1}));
  EXPECT_EQ(send(switch_, 1, missed + LayerSwitch::kSilence + 3ms, false), (Renditions{0, 1}));
  EXPECT_EQ(switch_.source_of(0), 1u);
}

// They have waited together, and come layer by layer.
TEST_F(ThreeLayers, FramesOfASecondThatComeAtOnceAreNoSilenceOfTheOthers) {
  const ClockTime now{1h + 100ms};
  for (const std::size_t layer : {1, 2, 0})
    for (auto time = 50ms; time <= 1s; time += 50ms)
      EXPECT_EQ(switch_.on_frame(layer, at(time), time == 1s, now).size(), 1u) << layer;
  EXPECT_EQ(switch_.on_frame(1, at(2s), true, now + LayerSwitch::kSilence).size(), 1u);
  EXPECT_EQ(switch_.on_frame(1, at(2s + 1ms), true, now + LayerSwitch::kSilence + 1ms).size(), 2u)
      << "and of the one before the last";
}

TEST_F(ThreeLayers, TheNextLargerStandsInWhereThereIsNoSmallerOne) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {0, 1})
      send(switch_, layer, at(time), false);
  EXPECT_EQ(send(switch_, 0, at(1s), true), Renditions{0});
  EXPECT_EQ(send(switch_, 1, at(1s), true), (Renditions{1, 2}));
}

TEST_F(ThreeLayers, TheOwnLayerComesBackWithAKeyFrame) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {1, 2})
      send(switch_, layer, at(time), true);
  EXPECT_EQ(switch_.source_of(0), 1u);
  EXPECT_EQ(send(switch_, 0, at(633ms), false), Renditions{});
  EXPECT_EQ(send(switch_, 0, at(666ms), true), Renditions{0});
  EXPECT_EQ(send(switch_, 1, at(700ms), true), Renditions{1});
}

TEST_F(ThreeLayers, WhoStandsInIsAskedForAKeyFrameOnceInAWhile) {
  const auto silent = at(LayerSwitch::kSilence + 1ms);
  const auto asks = [this](std::size_t layer, RunningTime time) {
    send(switch_, layer, time, false);
    return switch_.take_request(layer, time);
  };
  EXPECT_FALSE(asks(1, silent - 1ms)) << "the largest may come yet";
  EXPECT_FALSE(asks(2, silent)) << "the next smaller one is sent";
  EXPECT_TRUE(asks(1, silent));
  EXPECT_FALSE(asks(1, silent + LayerSwitch::kRepeat - 10ms)) << "it is on its way";
  EXPECT_TRUE(asks(1, silent + LayerSwitch::kRepeat));
  EXPECT_FALSE(asks(2, silent + LayerSwitch::kRepeat));
  EXPECT_EQ(send(switch_, 1, silent + LayerSwitch::kRepeat + 1ms, true), (Renditions{0, 1}));
  EXPECT_FALSE(asks(1, silent + LayerSwitch::kRepeat + 2ms)) << "it has come";
}

TEST_F(ThreeLayers, ALayerThatComesBackWithoutAKeyFrameIsAskedForOne) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {1, 2})
      send(switch_, layer, at(time), true);
  ASSERT_EQ(switch_.source_of(0), 1u);
  send(switch_, 0, at(633ms), false);
  EXPECT_TRUE(switch_.take_request(0, at(633ms)));
  EXPECT_FALSE(switch_.take_request(1, at(633ms)));
}

TEST(LayerSwitch, ARenditionThatHasShownNothingIsAskedForByOthers) {
  LayerSwitch layers;
  layers.add(0);
  layers.add(1);
  EXPECT_EQ(send(layers, 1, at(0s), true), Renditions{1});
  EXPECT_EQ(send(layers, 1, at(2s), false), Renditions{1});
  EXPECT_FALSE(layers.take_request(1, at(2s)));
  EXPECT_FALSE(layers.take_request(7, at(2s))) << "nor is one that there is not";
}

TEST_F(ThreeLayers, NoTimeStepsBackWhereLayersMeet) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {1, 2})
      send(switch_, layer, at(time), true);
  // Of the same picture, and the next ones.
  const auto key = give(switch_, 0, at(590ms), true);
  EXPECT_EQ(key, (std::vector<LayerSwitch::Taker>{{0, at(601ms)}}));
  EXPECT_EQ(give(switch_, 0, at(601ms), false), (std::vector<LayerSwitch::Taker>{{0, at(602ms)}}));
  EXPECT_EQ(send(switch_, 0, at(633ms), false), Renditions{0});
}

TEST_F(ThreeLayers, ALayerThatIsFarBehindIsNotTaken) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {1, 2})
      send(switch_, layer, at(time), true);
  EXPECT_EQ(send(switch_, 0, at(600ms - LayerSwitch::kMostBehind - 1ns), true), Renditions{});
  EXPECT_FALSE(give(switch_, 0, at(600ms - LayerSwitch::kMostBehind), true).empty());
}

TEST_F(ThreeLayers, WhoStandsInAndStopsIsReplaced) {
  for (const auto time : {33ms, 600ms})
    for (std::size_t layer : {1, 2})
      send(switch_, layer, at(time), true);
  EXPECT_EQ(send(switch_, 2, at(650ms), true), Renditions{2});
  EXPECT_EQ(send(switch_, 2, at(1200ms), true), (Renditions{0, 1, 2}));
}

TEST_F(ThreeLayers, APauseOfAllOfThemIsNoReasonToSwitch) {
  for (std::size_t layer : {0, 1, 2})
    EXPECT_EQ(send(switch_, layer, at(10s + layer * 1ms), true), Renditions{layer});
}

TEST(LayerSwitch, AtTheStartALayerIsWaitedFor) {
  LayerSwitch layers;
  layers.add(0);
  layers.add(1);
  EXPECT_EQ(send(layers, 1, at(5s), true), Renditions{1});
  EXPECT_EQ(send(layers, 1, at(5s) + LayerSwitch::kSilence, true), Renditions{1});
  EXPECT_EQ(send(layers, 1, at(6s), true), (Renditions{0, 1}));
}

TEST(LayerSwitch, ARenditionBeginsWithAKeyFrame) {
  LayerSwitch layers;
  layers.add(0);
  EXPECT_EQ(send(layers, 0, at(0s), false), Renditions{});
  EXPECT_EQ(send(layers, 0, at(1s), true), Renditions{0});
}

TEST(LayerSwitch, WhoWasTakenAwayIsNobodysSource) {
  LayerSwitch layers;
  layers.add(0);
  layers.add(1);
  EXPECT_EQ(send(layers, 1, at(0s), true), Renditions{1});
  EXPECT_EQ(send(layers, 1, at(2s), true), (Renditions{0, 1}));
  layers.remove(1);
  EXPECT_EQ(send(layers, 1, at(3s), true), Renditions{});
  EXPECT_EQ(layers.source_of(0), std::nullopt);
  EXPECT_EQ(send(layers, 0, at(3s), true), Renditions{0});
}

// Layers come and go as they like.
TEST(LayerSwitch, EachChangeIsAtAKeyFrameAndTimesRise) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    LayerSwitch layers;
    for (std::size_t layer = 0; layer < 4; ++layer) {
      layers.add(layer);
      layers.resize(layer, std::uniform_int_distribution{1, 9}(random)*100L);
    }
    std::map<std::size_t, std::pair<std::size_t, RunningTime>> last;  // of a rendition: layer, time
    std::set<std::size_t> sent{0, 1, 2, 3};
    for (Duration time{0}; time < 30s; time += 33ms) {
      if (random() % 30 == 0) {
        const auto layer = random() % 4;
        if (!sent.erase(layer))
          sent.insert(layer);
      }
      for (const auto layer : sent) {
        const bool is_key = random() % 20 == 0;
        const auto its = time + Duration{static_cast<Duration::rep>(random() % 3'000'000)};
        for (const auto& [rendition, shown_at] : give(layers, layer, at(its), is_key)) {
          const auto known = last.find(rendition);
          if (known == last.end() || known->second.first != layer) {
            EXPECT_TRUE(is_key);
          }
          if (known != last.end()) {
            EXPECT_GT(shown_at, known->second.second);
          }
          EXPECT_LE(shown_at - at(its), LayerSwitch::kMostBehind + LayerSwitch::kStep);
          last[rendition] = {layer, shown_at};
        }
      }
    }
    EXPECT_EQ(last.size(), 4u);
  }
}

}  // namespace
}  // namespace onair
