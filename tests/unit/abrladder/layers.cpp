// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layers.hpp"

#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LayerRequests three_layers() {
  LayerRequests requests;
  for (const std::size_t layer : {0, 1, 2})
    requests.add(layer);
  return requests;
}

TEST(LayerRequests, TheFirstWhoAsksAsksForAll) {
  auto requests = three_layers();
  EXPECT_THAT(requests.ask(1, 7), ElementsAre(0, 1, 2));
}

TEST(LayerRequests, TheOthersOfTheSameBoundaryHaveBeenSent) {
  auto requests = three_layers();
  (void)requests.ask(1, 7);
  EXPECT_THAT(requests.ask(0, 7), IsEmpty());
  EXPECT_THAT(requests.ask(2, 7), IsEmpty());
}

TEST(LayerRequests, ASecondRequestOfOneLayerIsForThatLayerAlone) {
  auto requests = three_layers();
  (void)requests.ask(1, 7);
  (void)requests.ask(0, 7);
  EXPECT_THAT(requests.ask(1, 7), ElementsAre(1));
  EXPECT_THAT(requests.ask(0, 7), ElementsAre(0));
  EXPECT_THAT(requests.ask(1, 7), ElementsAre(1)) << "and the third";
}

TEST(LayerRequests, TheNextBoundaryIsAskedForAnew) {
  auto requests = three_layers();
  (void)requests.ask(1, std::numeric_limits<std::uint32_t>::max());
  EXPECT_THAT(requests.ask(2, 1), ElementsAre(0, 1, 2)) << "numbers wrap";
  EXPECT_THAT(requests.ask(2, std::numeric_limits<std::uint32_t>::max()), IsEmpty());
}

TEST(LayerRequests, ARequestOfNoBoundaryIsForThatLayerAlone) {
  auto requests = three_layers();
  EXPECT_THAT(requests.ask(1, 0), ElementsAre(1));
  EXPECT_THAT(requests.ask(2, 0), ElementsAre(2));
  EXPECT_THAT(requests.ask(1, 0), ElementsAre(1));
}

TEST(LayerRequests, ALayerThatCameAfterTheFirstRequestHasNotBeenAsked) {
  auto requests = three_layers();
  (void)requests.ask(0, 7);
  requests.add(3);
  EXPECT_THAT(requests.ask(3, 7), ElementsAre(3));
  EXPECT_THAT(requests.ask(1, 8), ElementsAre(0, 1, 2, 3));
}

TEST(LayerRequests, ARemovedLayerIsNeverAsked) {
  auto requests = three_layers();
  (void)requests.ask(0, 7);
  requests.remove(1);
  EXPECT_THAT(requests.ask(1, 7), IsEmpty());
  EXPECT_THAT(requests.ask(1, 7), IsEmpty());
  EXPECT_THAT(requests.ask(1, 8), IsEmpty());
  EXPECT_THAT(requests.ask(2, 8), ElementsAre(0, 2));
}

TEST(LayerRequests, RemembersSixteenBoundariesAndNoMore) {
  auto requests = three_layers();
  for (std::uint32_t count = 1; count <= LayerRequests::kRemembered; ++count)
    (void)requests.ask(0, count);
  EXPECT_THAT(requests.ask(1, 1), IsEmpty()) << "the oldest of sixteen";
  (void)requests.ask(0, LayerRequests::kRemembered + 1);
  EXPECT_THAT(requests.ask(2, 2), IsEmpty());
  EXPECT_THAT(requests.ask(2, 1), ElementsAre(0, 1, 2)) << "forgotten, so asked anew";
}

TEST(LayerRequests, AnotherTimeLineUsesTheNumbersAgain) {
  auto requests = three_layers();
  (void)requests.ask(0, 7);
  requests.reset();
  EXPECT_THAT(requests.ask(1, 7), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace onair::test
