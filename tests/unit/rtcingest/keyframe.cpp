// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/keyframe.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

// On the heap and exactly as long as it claims, so that the sanitizer sees a byte read too many.
bool is_idr(const Bytes& payload) {
  const auto copy = std::make_unique<std::uint8_t[]>(payload.size());
  std::copy(payload.begin(), payload.end(), copy.get());
  return carries_idr({copy.get(), payload.size()});
}

// nal_ref_idc 3 with each type: IDR slice 0x65, SPS 0x67, PPS 0x68, slice 0x41, FU-A 0x7c.
TEST(Keyframe, ASingleNalUnitIsOneWhenItsTypeIsFive) {
  EXPECT_TRUE(is_idr({0x65, 0x88}));
  EXPECT_TRUE(is_idr({0x65}));
  EXPECT_TRUE(is_idr({0x25})) << "whatever nal_ref_idc says";
  EXPECT_FALSE(is_idr({0x41, 0x9a}));
  EXPECT_FALSE(is_idr({0x67, 0x42})) << "parameter sets alone make no picture";
  EXPECT_FALSE(is_idr({0x68, 0xce}));
  EXPECT_FALSE(is_idr({0x64, 0x88})) << "type 4";
  EXPECT_FALSE(is_idr({0x66, 0x88})) << "type 6";
}

TEST(Keyframe, AnEmptyPayloadIsNone) {
  EXPECT_FALSE(is_idr({}));
}

TEST(Keyframe, AFragmentIsOneWhenItBeginsAnIdrSlice) {
  EXPECT_TRUE(is_idr({0x7c, 0x85, 0x88})) << "start bit";
  EXPECT_FALSE(is_idr({0x7c, 0x05, 0x88})) << "the middle of one";
  EXPECT_FALSE(is_idr({0x7c, 0x45, 0x88})) << "the end of one";
  EXPECT_FALSE(is_idr({0x7c, 0x81, 0x88})) << "the start of another slice";
  EXPECT_FALSE(is_idr({0x7c})) << "no fragmentation header";
  EXPECT_TRUE(is_idr({0x7c, 0x85}));
}

TEST(Keyframe, AnAggregateIsOneWhenAnyOfItsUnitsIs) {
  // Chromium sends SPS, PPS and, when it fits, the IDR slice in one STAP-A.
  EXPECT_TRUE(is_idr({0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88}));
  EXPECT_TRUE(is_idr({0x78, 0, 2, 0x65, 0x88}));
  EXPECT_FALSE(is_idr({0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}));
  EXPECT_FALSE(is_idr({0x78, 0, 2, 0x67, 0x65})) << "a 0x65 inside of a unit begins none";
}

TEST(Keyframe, AnAggregateThatEndsEarlyIsReadNoFurther) {
  const Bytes whole{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x65, 0x88};
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_EQ(is_idr(cut), size >= 8) << "with " << size << " bytes, the slice header is the 8th";
  }
}

TEST(Keyframe, AnAggregateWhoseLengthsLieIsReadNoFurtherThanItGoes) {
  EXPECT_FALSE(is_idr({0x78, 0xff, 0xff, 0x67, 0x65, 0x65, 0x65}));
  EXPECT_FALSE(is_idr({0x78, 0, 3, 0x67, 0x42, 0, 2, 0x65}))
      << "one too long: 0x02 0x65 is a length";
  EXPECT_FALSE(is_idr({0x78, 0, 4, 0x67, 0x42, 0})) << "it ends in the middle of a unit";
  EXPECT_FALSE(is_idr({0x78, 0, 0, 0, 0, 0, 0, 0, 0})) << "units of no length at all";
}

TEST(Keyframe, AUnitOfNoLengthHasNoType) {
  // 0x05 is the upper byte of the next length here, not the header of a slice.
  EXPECT_FALSE(is_idr({0x78, 0, 0, 0x05, 0x01, 0x41, 0x9a}));
  // Nor does it hide the unit behind it.
  EXPECT_TRUE(is_idr({0x78, 0, 0, 0, 2, 0x65, 0x88}));
}

TEST(Keyframe, PacketsOfInterleavedModeAreNone) {
  for (const int type : {25, 26, 27, 29, 30, 31, 0})
    EXPECT_FALSE(is_idr({static_cast<std::uint8_t>(type), 0x85, 0x85, 0x85, 0x85, 0x85})) << type;
}

constexpr ClockTime kStart{7s};
const Bytes kSlice{0x41, 0x9a};
const Bytes kIdr{0x65, 0x88};

TEST(KeyframeRequester, AsksWithTheFirstPacket) {
  KeyframeRequester requester;
  EXPECT_FALSE(requester.has_keyframe());
  EXPECT_TRUE(requester.on_packet(kStart, kSlice));
}

TEST(KeyframeRequester, AsksAgainOnlyWhenTheRetryTimeHasPassed) {
  KeyframeRequester requester;
  ASSERT_TRUE(requester.on_packet(kStart, kSlice));
  EXPECT_FALSE(requester.on_packet(kStart, kSlice));
  EXPECT_FALSE(requester.on_packet(kStart + KeyframeRequester::kRetry - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(kStart + KeyframeRequester::kRetry, kSlice));
  EXPECT_FALSE(requester.on_packet(kStart + 2 * KeyframeRequester::kRetry - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(kStart + 2 * KeyframeRequester::kRetry, kSlice));
}

TEST(KeyframeRequester, NeverAsksAPublisherWhoBeginsWithOne) {
  KeyframeRequester requester;
  EXPECT_FALSE(requester.on_packet(kStart, kIdr));
  EXPECT_TRUE(requester.has_keyframe());
  EXPECT_FALSE(requester.on_packet(kStart + 1h, kSlice));
}

TEST(KeyframeRequester, IsContentOnceOneHasCome) {
  KeyframeRequester requester;
  ASSERT_TRUE(requester.on_packet(kStart, kSlice));
  EXPECT_FALSE(requester.on_packet(kStart + KeyframeRequester::kRetry, kIdr));
  EXPECT_TRUE(requester.has_keyframe());
  EXPECT_FALSE(requester.on_packet(kStart + 2 * KeyframeRequester::kRetry, kSlice));
}

TEST(KeyframeRequester, AnEmptyPacketIsAPacketToo) {
  KeyframeRequester requester;
  EXPECT_TRUE(requester.on_packet(kStart, {}));
  EXPECT_FALSE(requester.has_keyframe());
}

TEST(KeyframeRequester, GivesAnEncoderThatBeginsWithParameterSetsTheTimeOfOneRetry) {
  // The key frame is right behind them; another would only cost bits.
  const Bytes sps{0x67, 0x42};
  KeyframeRequester requester;
  EXPECT_FALSE(requester.on_packet(kStart, sps));
  EXPECT_FALSE(requester.on_packet(kStart + KeyframeRequester::kRetry - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(kStart + KeyframeRequester::kRetry, kSlice));
}

constexpr Duration kInterval = 2s;

// Asked with its first packet and answered 100 ms later; the next turn is kInterval after the first.
KeyframeRequester answered_once() {
  KeyframeRequester requester{kInterval};
  EXPECT_TRUE(requester.on_packet(kStart, kSlice));
  EXPECT_FALSE(requester.on_packet(kStart + 100ms, kIdr));
  return requester;
}

TEST(KeyframeRequester, WithAnIntervalItAsksAtEachTurnOfTheGrid) {
  auto requester = answered_once();
  for (int turn = 1; turn <= 5; ++turn) {
    const auto due = kStart + turn * kInterval;
    EXPECT_FALSE(requester.on_packet(due - 1ns, kSlice)) << turn;
    EXPECT_TRUE(requester.on_packet(due, kSlice)) << turn;
    EXPECT_FALSE(requester.on_packet(due + 100ms, kIdr)) << turn;
  }
}

TEST(KeyframeRequester, ARequestOfTheGridIsRepeatedUntilItIsAnswered) {
  auto requester = answered_once();
  const auto due = kStart + kInterval;
  ASSERT_TRUE(requester.on_packet(due, kSlice));
  EXPECT_FALSE(requester.on_packet(due + KeyframeRequester::kRetry - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(due + KeyframeRequester::kRetry, kSlice));
}

TEST(KeyframeRequester, APacketLateForItsTurnDoesNotShiftTheGrid) {
  auto requester = answered_once();
  ASSERT_TRUE(requester.on_packet(kStart + kInterval + 300ms, kSlice));
  ASSERT_FALSE(requester.on_packet(kStart + kInterval + 400ms, kIdr));
  EXPECT_FALSE(requester.on_packet(kStart + 2 * kInterval - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(kStart + 2 * kInterval, kSlice));
}

TEST(KeyframeRequester, ASilenceOfSeveralTurnsIsFollowedByOneRequest) {
  auto requester = answered_once();
  const auto back = kStart + 10 * kInterval + 1s;
  ASSERT_TRUE(requester.on_packet(back, kSlice));
  ASSERT_FALSE(requester.on_packet(back + 100ms, kIdr));
  EXPECT_FALSE(requester.on_packet(back + kInterval - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(back + kInterval, kSlice));
}

TEST(KeyframeRequester, AnIntervalCountsFromAPublisherWhoBeginsWithAKeyFrame) {
  KeyframeRequester requester{kInterval};
  EXPECT_FALSE(requester.on_packet(kStart, kIdr));
  EXPECT_FALSE(requester.on_packet(kStart + kInterval - 1ns, kSlice));
  EXPECT_TRUE(requester.on_packet(kStart + kInterval, kSlice));
}

}  // namespace
}  // namespace onair
