// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_payload.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "unit/rtplisten/packets.hpp"

namespace onair::rtplisten {
namespace {

using test::Bytes;

// On the heap and exactly as long as it claims, so that the sanitizer sees a byte read too many.
template <typename Check>
bool holds(Check check, const Bytes& bytes) {
  const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return check(std::span<const std::uint8_t>{copy.get(), bytes.size()});
}
bool h264(const Bytes& bytes) {
  return holds([](auto span) { return is_h264(span); }, bytes);
}
bool opus(const Bytes& bytes) {
  return holds([](auto span) { return is_opus(span); }, bytes);
}
bool rtcp(const Bytes& bytes) {
  return holds([](auto span) { return is_rtcp(span); }, bytes);
}

Bytes with_tail(Bytes bytes, std::size_t tail) {
  bytes.resize(bytes.size() + tail, 0x42);
  return bytes;
}

TEST(MediaPayload, PayloadTypes64To95AreRtcp) {
  for (const unsigned type : {64u, 72u, 95u})
    EXPECT_TRUE(rtcp({0x80, static_cast<std::uint8_t>(type)})) << type;
  for (const unsigned type : {0u, 63u, 96u, 127u})
    EXPECT_FALSE(rtcp({0x80, static_cast<std::uint8_t>(type)})) << type;
  EXPECT_TRUE(rtcp({0x81, 200}));   // a sender report
  EXPECT_TRUE(rtcp({0x81, 207}));   // an extended report
  EXPECT_FALSE(rtcp({0x40, 200}));  // of another version
  EXPECT_FALSE(rtcp({0x80}));
}

TEST(MediaPayload, NalUnitsOfDefinedTypesAreH264) {
  for (const unsigned type : {1u, 5u, 6u, 7u, 8u, 9u, 12u, 15u, 19u, 21u})
    EXPECT_TRUE(h264({static_cast<std::uint8_t>(0x60 | type), 1})) << type;
  for (const unsigned type : {0u, 16u, 18u, 22u, 23u, 25u, 26u, 27u, 29u, 30u, 31u})
    EXPECT_FALSE(h264({static_cast<std::uint8_t>(0x60 | type), 1})) << type;
  EXPECT_FALSE(h264({}));
  EXPECT_FALSE(h264({0x65}));
  EXPECT_FALSE(h264({0xe5, 1})) << "forbidden_zero_bit";
}

TEST(MediaPayload, LengthsOfAnAggregateAddUp) {
  EXPECT_TRUE(h264({0x78, 0, 2, 0x67, 1, 0, 1, 0x68}));
  EXPECT_FALSE(h264({0x78, 0, 2, 0x67, 1, 0, 2, 0x68})) << "one byte is missing";
  EXPECT_FALSE(h264({0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0})) << "one is too many";
  EXPECT_FALSE(h264({0x78, 0, 0}));
  EXPECT_FALSE(h264({0x78}));
  EXPECT_FALSE(h264({0x78, 0, 2, 0x78, 1})) << "aggregates do not nest";
}

TEST(MediaPayload, FragmentsOfNalUnitsAreH264) {
  EXPECT_TRUE(h264({0x7c, 0x85, 1}));   // begins
  EXPECT_TRUE(h264({0x7c, 0x05, 1}));   // goes on
  EXPECT_TRUE(h264({0x7c, 0x45, 1}));   // ends
  EXPECT_FALSE(h264({0x7c, 0xc5, 1}));  // both: would be no fragment
  EXPECT_FALSE(h264({0x7c, 0x25, 1})) << "reserved bit";
  EXPECT_FALSE(h264({0x7c, 0x80, 1})) << "of no NAL unit";
  EXPECT_FALSE(h264({0x7c, 0x85}));
}

TEST(MediaPayload, Vp8AndVp9AreNot) {
  EXPECT_FALSE(h264({0x90, 0x80, 0x01, 0x50}));  // VP8 with a picture ID
  EXPECT_FALSE(h264({0x10, 0x50, 0x42}));        // VP8 without
  EXPECT_FALSE(h264({0x8c, 0x80, 0x01, 0x50}));  // VP9 with a picture ID
}

// RFC 6716 section 3.4, requirements R1 to R7. 0x78: CELT, 20 ms, mono.
TEST(MediaPayload, OneOpusFrameHasAtMost1275Bytes) {
  EXPECT_FALSE(opus({}));
  EXPECT_TRUE(opus({0x78}));  // DTX
  EXPECT_TRUE(opus(with_tail({0x78}, 1275)));
  EXPECT_FALSE(opus(with_tail({0x78}, 1276)));
}

TEST(MediaPayload, TwoEqualOpusFramesHaveAnEvenLength) {
  EXPECT_TRUE(opus(with_tail({0x79}, 10)));
  EXPECT_FALSE(opus(with_tail({0x79}, 11)));
  EXPECT_TRUE(opus(with_tail({0x79}, 2 * 1275)));
  EXPECT_FALSE(opus(with_tail({0x79}, 2 * 1276)));
}

TEST(MediaPayload, TheFirstOfTwoOpusFramesFits) {
  EXPECT_TRUE(opus(with_tail({0x7a, 10}, 10)));
  EXPECT_FALSE(opus(with_tail({0x7a, 11}, 10)));
  EXPECT_TRUE(opus(with_tail({0x7a, 252, 1}, 256)));  // 252 + 4
  EXPECT_FALSE(opus(with_tail({0x7a, 252, 1}, 255)));
  EXPECT_FALSE(opus({0x7a, 252}));
  EXPECT_FALSE(opus({0x7a}));
}

TEST(MediaPayload, OpusFramesAreAtMost120Milliseconds) {
  EXPECT_TRUE(opus(with_tail({0x7b, 6}, 12)));
  EXPECT_FALSE(opus(with_tail({0x7b, 7}, 14)));
  EXPECT_TRUE(opus(with_tail({0x1b, 2}, 4))) << "two SILK frames of 60 ms";
  EXPECT_FALSE(opus(with_tail({0x1b, 3}, 6)));
  EXPECT_TRUE(opus(with_tail({0x83, 48}, 48))) << "48 CELT frames of 2.5 ms";
  EXPECT_FALSE(opus(with_tail({0x83, 49}, 49)));
  EXPECT_FALSE(opus({0x7b, 0}));
  EXPECT_FALSE(opus({0x7b}));
  EXPECT_FALSE(opus(with_tail({0x7b, 3}, 10))) << "of unequal length";
}

TEST(MediaPayload, OpusPaddingFits) {
  EXPECT_TRUE(opus(with_tail({0x7b, 0x42, 2}, 4)));
  EXPECT_TRUE(opus(with_tail({0x7b, 0x42, 4}, 4)));
  EXPECT_FALSE(opus(with_tail({0x7b, 0x42, 5}, 4)));
  EXPECT_TRUE(opus(with_tail({0x7b, 0x41, 255, 0}, 254)));
  EXPECT_FALSE(opus(with_tail({0x7b, 0x41, 255, 0}, 253)));
  EXPECT_FALSE(opus({0x7b, 0x41}));
}

TEST(MediaPayload, LengthsOfOpusFramesFit) {
  EXPECT_TRUE(opus(with_tail({0x7b, 0x83, 1, 2}, 3)));
  EXPECT_FALSE(opus(with_tail({0x7b, 0x83, 1, 3}, 3)));
  EXPECT_FALSE(opus({0x7b, 0x83, 1}));
}

TEST(MediaPayload, AnythingAtAllIsReadWithinItsBounds) {
  std::mt19937 random{20'190'918};
  unsigned taken = 0;
  for (unsigned round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 40);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
    taken += h264(bytes) || opus(bytes) || rtcp(bytes) ? 1 : 0;
  }
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 20'000u);
}

}  // namespace
}  // namespace onair::rtplisten
