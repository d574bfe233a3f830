// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/layer_router.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rtcingest/rtp_packets.hpp"

namespace onair {
namespace {

using test::one_byte_extensions;
using test::rtp_packet;
using testing::ElementsAre;
using testing::IsEmpty;
using Pair = LayerRouter::Pair;
using Route = LayerRouter::Route;

constexpr unsigned kMedia = 102;
constexpr unsigned kRtx = 103;
constexpr unsigned kAudio = 111;
constexpr std::uint8_t kRid = 10;
constexpr std::uint8_t kRepairedRid = 11;

LayerRouter::Config three_layers() {
  return {.payload_type = kMedia,
          .rtx_payload_type = kRtx,
          .rids = {"h", "m", "l"},
          .rid_extension = kRid,
          .repaired_rid_extension = kRepairedRid};
}

// Three layers, and the packets that a browser sends of them.
struct Stream {
  LayerRouter router{three_layers()};

  Route plain(unsigned payload_type, std::uint32_t ssrc) {
    const auto packet = rtp_packet(payload_type, ssrc);
    return router.on_packet(*read_rtp_header(packet));
  }
  Route with(unsigned payload_type, std::uint32_t ssrc, unsigned id, const std::string& rid) {
    const auto packet = rtp_packet(payload_type, ssrc, one_byte_extensions({{4, "1"}, {id, rid}}));
    return router.on_packet(*read_rtp_header(packet));
  }
  Route media(std::uint32_t ssrc, const std::string& rid) { return with(kMedia, ssrc, kRid, rid); }
  Route repair(std::uint32_t ssrc, const std::string& rid) {
    return with(kRtx, ssrc, kRepairedRid, rid);
  }
};

TEST(LayerRouter, ALayerIsNumberedAsTheOfferHasItWhicheverComesFirst) {
  Stream stream;
  EXPECT_EQ(stream.media(30, "l"), Route::Pass);
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.media(20, "m"), Route::Pass);
  EXPECT_EQ(stream.router.layer_of(10), 0u);
  EXPECT_EQ(stream.router.layer_of(20), 1u);
  EXPECT_EQ(stream.router.layer_of(30), 2u);
}

TEST(LayerRouter, WhatOnePacketHasSaidHoldsForTheNext) {
  Stream stream;
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.plain(kMedia, 10), Route::Pass);
  EXPECT_EQ(stream.media(10, "m"), Route::Pass) << "its pad is there already";
  EXPECT_EQ(stream.router.layer_of(10), 0u);
}

TEST(LayerRouter, MediaThatNamesNoLayerIsDroppedUntilItDoes) {
  Stream stream;
  EXPECT_EQ(stream.plain(kMedia, 10), Route::Drop);
  EXPECT_EQ(stream.media(10, "x"), Route::Drop);
  EXPECT_EQ(stream.media(10, "hh"), Route::Drop);
  EXPECT_EQ(stream.with(kMedia, 10, kRepairedRid, "h"), Route::Drop) << "the other extension";
  EXPECT_EQ(stream.router.layer_of(10), std::nullopt);
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.router.layer_of(10), 0u);
}

TEST(LayerRouter, OtherMediaIsNoneOfItsBusiness) {
  Stream stream;
  EXPECT_EQ(stream.plain(kAudio, 1), Route::Pass);
  EXPECT_EQ(stream.with(kAudio, 1, kRid, "h"), Route::Pass);
  EXPECT_EQ(stream.router.layer_of(1), std::nullopt);
}

TEST(LayerRouter, WithoutLayersEverythingPasses) {
  LayerRouter router;
  const auto packet = rtp_packet(0, 1);
  EXPECT_EQ(router.on_packet(*read_rtp_header(packet)), Route::Pass);
}

TEST(LayerRouter, ALayerIsPairedWithItsRetransmissionWhicheverComesFirst) {
  Stream stream;
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_THAT(stream.router.pairs(), IsEmpty());
  EXPECT_EQ(stream.repair(11, "h"), Route::Paired);
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{10, 11}));
  EXPECT_EQ(stream.repair(21, "m"), Route::Pass);
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{10, 11}));
  EXPECT_EQ(stream.media(20, "m"), Route::Paired);
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{10, 11}, Pair{20, 21}));
  EXPECT_EQ(stream.plain(kRtx, 11), Route::Pass) << "said once";
  EXPECT_EQ(stream.repair(11, "h"), Route::Pass);
  EXPECT_EQ(stream.router.layer_of(11), std::nullopt);
}

TEST(LayerRouter, RetransmissionWithoutARidIsLeftToThoseWhoKnowTheSequenceNumbers) {
  Stream stream;
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.plain(kRtx, 11), Route::Pass);
  EXPECT_EQ(stream.repair(12, "x"), Route::Pass);
  auto config = three_layers();
  config.repaired_rid_extension.reset();
  stream.router = LayerRouter{config};
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.repair(11, "h"), Route::Pass) << "not negotiated";
  EXPECT_THAT(stream.router.pairs(), IsEmpty());
}

TEST(LayerRouter, ALayerThatComesBackWithAnotherSsrcIsTheSameOne) {
  Stream stream;
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.repair(11, "h"), Route::Paired);
  EXPECT_EQ(stream.media(12, "h"), Route::Paired);
  EXPECT_EQ(stream.router.layer_of(10), 0u);
  EXPECT_EQ(stream.router.layer_of(12), 0u);
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{12, 11}));
  EXPECT_EQ(stream.repair(13, "h"), Route::Paired);
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{12, 13}));
}

TEST(LayerRouter, AnSsrcIsMediaOrRetransmissionAndNotBoth) {
  Stream stream;
  EXPECT_EQ(stream.media(10, "h"), Route::Pass);
  EXPECT_EQ(stream.repair(10, "h"), Route::Drop);
  EXPECT_EQ(stream.repair(11, "m"), Route::Pass);
  EXPECT_EQ(stream.media(11, "m"), Route::Drop);
  EXPECT_THAT(stream.router.pairs(), IsEmpty());
}

TEST(LayerRouter, ALayerHasSoManySourcesAndOneMoreIsDropped) {
  Stream stream;
  const auto most = static_cast<std::uint32_t>(LayerRouter::kMostSources);
  for (std::uint32_t ssrc = 1; ssrc <= most; ++ssrc)
    EXPECT_EQ(stream.media(ssrc, "h"), Route::Pass);
  EXPECT_EQ(stream.media(most + 1, "h"), Route::Drop);
  EXPECT_EQ(stream.plain(kMedia, most), Route::Pass) << "those that are known go on";
  EXPECT_EQ(stream.media(most + 1, "m"), Route::Pass) << "and other layers have their own";
  for (std::uint32_t ssrc = 100; ssrc < 200; ++ssrc) {
    const auto expected = ssrc < 100 + most ? Route::Paired : Route::Pass;
    EXPECT_EQ(stream.repair(ssrc, "h"), expected);
  }
  EXPECT_THAT(stream.router.pairs(), ElementsAre(Pair{most, 100 + most - 1}));
}

}  // namespace
}  // namespace onair
