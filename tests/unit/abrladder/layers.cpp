// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layers.hpp"

#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cut/video_pace.hpp"

namespace onair::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr RunningTime kAt{};

LayerRequests three_layers() {
  LayerRequests requests;
  for (const std::size_t layer : {0, 1, 2})
    requests.add(layer);
  return requests;
}

TEST(LayerRequests, TheFirstWhoAsksAsksForAll) {
  auto requests = three_layers();
  EXPECT_THAT(requests.ask(1, 7, kAt), ElementsAre(0, 1, 2));
}

TEST(LayerRequests, TheOthersOfTheSameBoundaryHaveBeenSent) {
  auto requests = three_layers();
  (void)requests.ask(1, 7, kAt);
  EXPECT_THAT(requests.ask(0, 7, kAt), IsEmpty());
  EXPECT_THAT(requests.ask(2, 7, kAt), IsEmpty());
}

TEST(LayerRequests, ASecondRequestOfOneLayerIsForThatLayerAlone) {
  auto requests = three_layers();
  (void)requests.ask(1, 7, kAt);
  (void)requests.ask(0, 7, kAt);
  EXPECT_THAT(requests.ask(1, 7, kAt), ElementsAre(1));
  EXPECT_THAT(requests.ask(0, 7, kAt), ElementsAre(0));
  EXPECT_THAT(requests.ask(1, 7, kAt), ElementsAre(1)) << "and the third";
}

TEST(LayerRequests, TheNextBoundaryIsAskedForAnew) {
  auto requests = three_layers();
  (void)requests.ask(1, std::numeric_limits<std::uint32_t>::max(), kAt);
  EXPECT_THAT(requests.ask(2, 1, kAt), ElementsAre(0, 1, 2)) << "numbers wrap";
  EXPECT_THAT(requests.ask(2, std::numeric_limits<std::uint32_t>::max(), kAt), IsEmpty());
}

TEST(LayerRequests, ARequestOfNoBoundaryIsForThatLayerAlone) {
  auto requests = three_layers();
  EXPECT_THAT(requests.ask(1, 0, kAt), ElementsAre(1));
  EXPECT_THAT(requests.ask(2, 0, kAt), ElementsAre(2));
  EXPECT_THAT(requests.ask(1, 0, kAt), ElementsAre(1));
}

TEST(LayerRequests, ALayerThatCameAfterTheFirstRequestHasNotBeenAsked) {
  auto requests = three_layers();
  (void)requests.ask(0, 7, kAt);
  requests.add(3);
  EXPECT_THAT(requests.ask(3, 7, kAt), ElementsAre(3));
  EXPECT_THAT(requests.ask(1, 8, kAt), ElementsAre(0, 1, 2, 3));
}

TEST(LayerRequests, ARemovedLayerIsNeverAsked) {
  auto requests = three_layers();
  (void)requests.ask(0, 7, kAt);
  requests.remove(1);
  EXPECT_THAT(requests.ask(1, 7, kAt), IsEmpty());
  EXPECT_THAT(requests.ask(1, 7, kAt), IsEmpty());
  EXPECT_THAT(requests.ask(1, 8, kAt), IsEmpty());
  EXPECT_THAT(requests.ask(2, 8, kAt), ElementsAre(0, 2));
}

TEST(LayerRequests, RemembersSixteenBoundariesAndNoMore) {
  auto requests = three_layers();
  for (std::uint32_t count = 1; count <= LayerRequests::kRemembered; ++count)
    (void)requests.ask(0, count, kAt);
  EXPECT_THAT(requests.ask(1, 1, kAt), IsEmpty()) << "the oldest of sixteen";
  (void)requests.ask(0, LayerRequests::kRemembered + 1, kAt);
  EXPECT_THAT(requests.ask(2, 2, kAt), IsEmpty());
  EXPECT_THAT(requests.ask(2, 1, kAt), ElementsAre(0, 1, 2)) << "forgotten, so asked anew";
}

TEST(LayerRequests, AnotherTimeLineUsesTheNumbersAgain) {
  auto requests = three_layers();
  (void)requests.ask(0, 7, kAt);
  requests.reset();
  EXPECT_THAT(requests.ask(1, 7, kAt), ElementsAre(0, 1, 2));
}

TEST(LayerRequests, OthersKeepTheirDistanceFromThoseForBoundaries) {
  using namespace std::chrono_literals;
  constexpr auto kApart = KeyFrameRequests::kApart;
  constexpr auto at = [](Duration time) { return RunningTime{time}; };
  auto requests = three_layers();
  EXPECT_TRUE(requests.leaves_room(at(0s)));
  (void)requests.ask(0, 1, at(1s));
  (void)requests.ask(1, 1, at(1s + 20ms));
  EXPECT_FALSE(requests.leaves_room(at(1s + kApart - 1ns)));
  EXPECT_TRUE(requests.leaves_room(at(1s + kApart)));
  EXPECT_TRUE(requests.leaves_room(at(2s))) << "nobody knows when the next one is";
  (void)requests.ask(0, 2, at(2s));
  EXPECT_TRUE(requests.leaves_room(at(3s - kApart)));
  EXPECT_FALSE(requests.leaves_room(at(3s - kApart + 1ns)));
  EXPECT_FALSE(requests.leaves_room(at(3s)));
  EXPECT_TRUE(requests.leaves_room(at(3s + kApart))) << "it did not come";
  requests.reset();
  EXPECT_TRUE(requests.leaves_room(at(2s)));
}

}  // namespace
}  // namespace onair::test
