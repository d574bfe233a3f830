// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layer_switch.hpp"

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

// Three layers, the largest first, which have all been sent at 0.
class ThreeLayers : public testing::Test {
 protected:
  ThreeLayers() {
    for (const auto& [layer, pixels] : {std::pair{0, 900L}, {1, 300L}, {2, 100L}}) {
      switch_.add(static_cast<std::size_t>(layer));
      switch_.resize(static_cast<std::size_t>(layer), pixels);
    }
    for (std::size_t layer : {0, 1, 2})
      EXPECT_EQ(switch_.on_frame(layer, at(0s), true), Renditions{layer});
  }

  LayerSwitch switch_;
};

TEST_F(ThreeLayers, EachRenditionIsItsOwnLayer) {
  for (std::size_t layer : {0, 1, 2})
    EXPECT_EQ(switch_.on_frame(layer, at(33ms), false), Renditions{layer});
}

TEST_F(ThreeLayers, ALayerThatIsSilentForLongIsRepeatedByTheNextSmallerFromAKeyFrameOn) {
  EXPECT_EQ(switch_.on_frame(1, at(LayerSwitch::kSilence), true), Renditions{1});
  EXPECT_EQ(switch_.on_frame(1, at(LayerSwitch::kSilence + 1ns), false), Renditions{1});
  EXPECT_EQ(switch_.on_frame(2, at(LayerSwitch::kSilence + 1ns), true), Renditions{2});
  EXPECT_EQ(switch_.on_frame(1, at(LayerSwitch::kSilence + 2ns), true), (Renditions{0, 1}));
  EXPECT_EQ(switch_.on_frame(1, at(LayerSwitch::kSilence + 3ns), false), (Renditions{0, 1}));
  EXPECT_EQ(switch_.source_of(0), 1u);
}

TEST_F(ThreeLayers, TheNextLargerStandsInWhereThereIsNoSmallerOne) {
  (void)switch_.on_frame(0, at(2s), false);
  EXPECT_EQ(switch_.on_frame(1, at(2s), true), (Renditions{1, 2}));
}

TEST_F(ThreeLayers, TheOwnLayerComesBackWithAKeyFrame) {
  (void)switch_.on_frame(1, at(2s), true);
  EXPECT_EQ(switch_.on_frame(0, at(3s), false), Renditions{});
  EXPECT_EQ(switch_.on_frame(0, at(3100ms), true), Renditions{0});
  EXPECT_EQ(switch_.on_frame(1, at(3200ms), false), Renditions{1});
}

TEST_F(ThreeLayers, NoTimeStepsBack) {
  (void)switch_.on_frame(1, at(2s), true);
  (void)switch_.on_frame(1, at(3s), false);
  // Its own layer is late.
  EXPECT_EQ(switch_.on_frame(0, at(3s), true), Renditions{});
  EXPECT_EQ(switch_.on_frame(0, at(3s + 1ns), true), Renditions{0});
}

TEST_F(ThreeLayers, WhoStandsInAndStopsIsReplaced) {
  (void)switch_.on_frame(1, at(2s), true);
  EXPECT_EQ(switch_.on_frame(2, at(2s + LayerSwitch::kSilence), true), Renditions{2});
  EXPECT_EQ(switch_.on_frame(2, at(2s + LayerSwitch::kSilence + 1ns), true), (Renditions{0, 1, 2}));
}

TEST_F(ThreeLayers, APauseOfAllOfThemIsNoReasonToSwitch) {
  EXPECT_EQ(switch_.on_frame(0, at(10s), true), (Renditions{0, 1, 2}));
  // The others come a moment later, and are themselves again.
  EXPECT_EQ(switch_.on_frame(1, at(10s + 1ms), true), Renditions{1});
  EXPECT_EQ(switch_.on_frame(2, at(10s + 1ms), true), Renditions{2});
}

TEST(LayerSwitch, AtTheStartALayerIsWaitedFor) {
  LayerSwitch layers;
  layers.add(0);
  layers.add(1);
  EXPECT_EQ(layers.on_frame(1, at(5s), true), Renditions{1});
  EXPECT_EQ(layers.on_frame(1, at(5s) + LayerSwitch::kSilence, true), Renditions{1});
  EXPECT_EQ(layers.on_frame(1, at(5s) + LayerSwitch::kSilence + 1ns, true), (Renditions{0, 1}));
}

TEST(LayerSwitch, ARenditionBeginsWithAKeyFrame) {
  LayerSwitch layers;
  layers.add(0);
  EXPECT_EQ(layers.on_frame(0, at(0s), false), Renditions{});
  EXPECT_EQ(layers.on_frame(0, at(1s), true), Renditions{0});
}

TEST(LayerSwitch, WhoWasTakenAwayIsNobodysSource) {
  LayerSwitch layers;
  layers.add(0);
  layers.add(1);
  EXPECT_EQ(layers.on_frame(1, at(0s), true), Renditions{1});
  EXPECT_EQ(layers.on_frame(1, at(2s), true), (Renditions{0, 1}));
  layers.remove(1);
  EXPECT_EQ(layers.on_frame(1, at(3s), true), Renditions{});
  EXPECT_EQ(layers.source_of(0), std::nullopt);
  EXPECT_EQ(layers.on_frame(0, at(3s), true), Renditions{0});
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
    std::map<std::size_t, std::pair<std::size_t, Duration>> last;  // of a rendition: layer, time
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
        for (const auto rendition : layers.on_frame(layer, at(its), is_key)) {
          const auto known = last.find(rendition);
          if (known == last.end() || known->second.first != layer) {
            EXPECT_TRUE(is_key);
          }
          if (known != last.end()) {
            EXPECT_GT(its, known->second.second);
          }
          last[rendition] = {layer, its};
        }
      }
    }
    EXPECT_EQ(last.size(), 4u);
  }
}

}  // namespace
}  // namespace onair
