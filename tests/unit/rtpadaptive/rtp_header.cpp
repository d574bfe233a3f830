// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_header.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

// Version 2, marker, payload type 111, sequence 0x1234, timestamp 0x56789abc, SSRC 0xdef01234.
std::vector<std::uint8_t> packet(std::size_t payload) {
  std::vector<std::uint8_t> bytes{0x80, 0xef, 0x12, 0x34, 0x56, 0x78,
                                  0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34};
  bytes.resize(bytes.size() + payload, 0x55);
  return bytes;
}

std::optional<RtpHeader> parse(const std::vector<std::uint8_t>& bytes) {
  return parse_rtp_header(bytes, bytes.size(), bytes.empty() ? 0 : bytes.back());
}

TEST(RtpHeader, IsReadFieldByField) {
  const auto header = parse(packet(20));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->payload_type, 111);
  EXPECT_TRUE(header->marker);
  EXPECT_EQ(header->sequence, 0x1234);
  EXPECT_EQ(header->timestamp, 0x56789abcu);
  EXPECT_EQ(header->ssrc, 0xdef01234u);
  EXPECT_EQ(header->payload_size, 20u);
}

TEST(RtpHeader, TwelveBytesAreAPacketAndElevenAreNone) {
  auto bytes = packet(0);
  EXPECT_TRUE(parse(bytes));
  EXPECT_EQ(parse(bytes)->payload_size, 0u);
  bytes.pop_back();
  EXPECT_FALSE(parse(bytes));
  EXPECT_FALSE(parse({}));
}

TEST(RtpHeader, OtherVersionsAreNoRtp) {
  for (const int version : {0, 1, 3}) {
    auto bytes = packet(4);
    bytes[0] = static_cast<std::uint8_t>(version << 6);
    EXPECT_FALSE(parse(bytes)) << version;
  }
}

TEST(RtpHeader, ContributingSourcesAreNoPayload) {
  auto bytes = packet(8);
  bytes[0] |= 2;
  EXPECT_EQ(parse(bytes)->payload_size, 0u);
  bytes[0] |= 3;  // 12 bytes, and there are 8
  EXPECT_FALSE(parse(bytes));
}

TEST(RtpHeader, AHeaderExtensionIsNoPayload) {
  auto bytes = packet(12);
  bytes[0] |= 0x10;
  bytes[14] = 0;
  bytes[15] = 2;  // words behind the extension's own header
  EXPECT_EQ(parse(bytes)->payload_size, 0u);
  bytes[15] = 3;
  EXPECT_FALSE(parse(bytes));
}

TEST(RtpHeader, TellsWhereItsExtensionIs) {
  auto bytes = packet(28);
  EXPECT_EQ(parse(bytes)->extension_size, 0u);
  bytes[0] |= 0x10 | 2;  // two contributing sources
  bytes[20] = 0xbe;
  bytes[21] = 0xde;
  bytes[22] = 0;
  bytes[23] = 3;
  EXPECT_EQ(parse(bytes)->extension_profile, 0xbede);
  EXPECT_EQ(parse(bytes)->extension_offset, 24u);
  EXPECT_EQ(parse(bytes)->extension_size, 12u);
  EXPECT_EQ(parse(bytes)->payload_size, 4u);
}

TEST(RtpHeader, AnExtensionMustHaveItsOwnHeader) {
  auto bytes = packet(3);
  bytes[0] |= 0x10;
  EXPECT_FALSE(parse(bytes));
}

TEST(RtpHeader, PaddingCountsItselfAndIsNoPayload) {
  auto bytes = packet(10);
  bytes[0] |= 0x20;
  bytes.back() = 4;
  EXPECT_EQ(parse(bytes)->payload_size, 6u);
  bytes.back() = 10;
  EXPECT_EQ(parse(bytes)->payload_size, 0u);
  bytes.back() = 11;
  EXPECT_FALSE(parse(bytes));
}

// What the element hands in: the first bytes and the size, not the packet.
TEST(RtpHeader, TheHeadAloneIsEnough) {
  auto bytes = packet(1000);
  bytes[0] |= 0x10;
  bytes[14] = 0;
  bytes[15] = 100;  // the extension itself is not in the head
  bytes.resize(kMaxRtpHeaderSize);
  EXPECT_EQ(parse_rtp_header(bytes, 1012, 0)->payload_size, 1012u - 12 - 4 - 400);
  EXPECT_FALSE(parse_rtp_header(bytes, 12 + 4 + 399, 0));
}

TEST(RtpHeader, NoBytesAtAllMakeItReadBeyondThem) {
  std::mt19937 random{20261121};
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::uint8_t> bytes(random() % (2 * kMaxRtpHeaderSize));
    for (auto& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    const auto header = parse(bytes);
    EXPECT_TRUE(!header || header->payload_size <= bytes.size() - kFixedRtpHeaderSize);
    EXPECT_TRUE(!header || header->extension_offset + header->extension_size <= bytes.size());
  }
}

}  // namespace
}  // namespace onair
