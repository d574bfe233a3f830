// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/rtp_header.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/rtcingest/rtp_packets.hpp"

namespace onair {
namespace {

using test::Bytes;
using test::one_byte_extensions;
using test::rtp_packet;
using test::two_byte_extensions;

// On the heap and exactly as long as it claims, so that the sanitizer sees a byte read too many.
std::string text_in(const Bytes& packet, std::uint8_t id) {
  const auto copy = std::make_unique<std::uint8_t[]>(packet.size());
  std::copy(packet.begin(), packet.end(), copy.get());
  const auto header = read_rtp_header({copy.get(), packet.size()});
  if (!header)
    return "no RTP";
  const auto text = extension_text(*header, id);
  return text ? std::string{*text} : "none";
}

TEST(RtpHeader, ItsFieldsAreThoseOfRfc3550) {
  const auto header = read_rtp_header(rtp_packet(102, 0xfedcba98));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->payload_type, 102);
  EXPECT_EQ(header->ssrc, 0xfedcba98u);
  EXPECT_TRUE(header->extensions.empty());
}

TEST(RtpHeader, ThePayloadIsWhatStandsBetweenExtensionsAndPadding) {
  auto packet = rtp_packet(102, 1, one_byte_extensions({{1, "x"}}));
  const auto begin = packet.size();
  packet[2] = 0xab;
  packet[3] = 0xcd;
  packet.insert(packet.end(), {7, 8, 9});
  EXPECT_EQ(read_rtp_header(packet)->sequence, 0xabcd);
  EXPECT_EQ(read_rtp_header(packet)->payload.size(), 3u);
  EXPECT_EQ(read_rtp_header(packet)->payload.data(), packet.data() + begin);
  packet.insert(packet.end(), {0, 2});
  packet[0] |= 0x20;
  EXPECT_EQ(read_rtp_header(packet)->payload.size(), 3u);
}

TEST(RtpHeader, PaddingMayFillThePacketAndNoMore) {
  auto packet = rtp_packet(102, 1);
  packet.insert(packet.end(), {0, 0, 3});
  packet[0] |= 0x20;
  ASSERT_TRUE(read_rtp_header(packet));
  EXPECT_TRUE(read_rtp_header(packet)->payload.empty());
  packet.back() = 4;
  EXPECT_FALSE(read_rtp_header(packet));
}

TEST(RtpHeader, TheMarkerIsNoPartOfThePayloadType) {
  auto packet = rtp_packet(102, 1);
  packet[1] |= 0x80;
  EXPECT_EQ(read_rtp_header(packet)->payload_type, 102);
}

TEST(RtpHeader, AnotherVersionIsNoRtp) {
  for (const unsigned version : {0u, 1u, 3u}) {
    auto packet = rtp_packet(102, 1);
    packet[0] = static_cast<std::uint8_t>(version << 6);
    EXPECT_FALSE(read_rtp_header(packet));
  }
}

TEST(RtpHeader, TwelveBytesAreOneAndElevenAreNot) {
  auto packet = rtp_packet(102, 1);
  packet.resize(12);
  EXPECT_TRUE(read_rtp_header(packet));
  packet.resize(11);
  EXPECT_FALSE(read_rtp_header(packet));
}

TEST(RtpHeader, ContributingSourcesStandInFrontOfTheExtensions) {
  auto packet = rtp_packet(102, 1, one_byte_extensions({{10, "h"}}));
  packet.insert(packet.begin() + 12, 8, 0xaa);
  packet[0] |= 2;
  EXPECT_EQ(text_in(packet, 10), "h");
  packet[0] |= 15;
  EXPECT_EQ(text_in(packet, 10), "no RTP") << "there are not so many";
}

TEST(RtpHeader, AnExtensionIsFoundByItsIdInEitherForm) {
  for (const auto& extensions : {one_byte_extensions({{4, "1"}, {10, "high"}, {14, "x"}}),
                                 two_byte_extensions({{4, "1"}, {10, "high"}, {14, "x"}})}) {
    const auto packet = rtp_packet(102, 1, extensions);
    EXPECT_EQ(text_in(packet, 4), "1");
    EXPECT_EQ(text_in(packet, 10), "high");
    EXPECT_EQ(text_in(packet, 14), "x");
    EXPECT_EQ(text_in(packet, 11), "none");
  }
}

TEST(RtpHeader, AnExtensionIsFoundBehindPadding) {
  auto extensions = one_byte_extensions({{10, "h"}});
  extensions.insert(extensions.begin() + 4, {0, 0, 0, 0});
  extensions[3] = static_cast<std::uint8_t>(extensions[3] + 1);
  EXPECT_EQ(text_in(rtp_packet(102, 1, extensions), 10), "h");
}

TEST(RtpHeader, NothingIsReadBehindId15OfTheOneByteForm) {
  // RFC 8285 section 4.2.
  EXPECT_EQ(text_in(rtp_packet(102, 1, one_byte_extensions({{15, "?"}, {10, "h"}})), 10), "none");
  EXPECT_EQ(text_in(rtp_packet(102, 1, two_byte_extensions({{15, "?"}, {10, "h"}})), 10), "h");
}

TEST(RtpHeader, ATwoByteExtensionMayBeEmptyAndOfAnyLength) {
  const auto packet =
      rtp_packet(102, 1, two_byte_extensions({{10, ""}, {11, std::string(255, 'x')}}));
  EXPECT_EQ(text_in(packet, 10), "");
  EXPECT_EQ(text_in(packet, 11), std::string(255, 'x'));
}

TEST(RtpHeader, TheLowestBitsOfTheTwoByteProfileMeanNothing) {
  auto extensions = two_byte_extensions({{10, "h"}});
  extensions[1] = 0x0f;
  EXPECT_EQ(text_in(rtp_packet(102, 1, extensions), 10), "h");
  extensions[1] = 0x10;
  EXPECT_EQ(text_in(rtp_packet(102, 1, extensions), 10), "none") << "another profile";
}

TEST(RtpHeader, LengthsThatLieAreReadNoFurtherThanThePacketGoes) {
  auto packet = rtp_packet(102, 1, {0xbe, 0xde, 0, 1, 0xa3, 'h', 'i', 'g'});
  EXPECT_EQ(text_in(packet, 10), "none") << "four bytes in three";
  packet = rtp_packet(102, 1, {0x10, 0, 0, 1, 10, 3, 'h', 'i'});
  EXPECT_EQ(text_in(packet, 10), "none");
  packet = rtp_packet(102, 1, {0x10, 0, 0, 1, 4, 1, '1', 10});
  EXPECT_EQ(text_in(packet, 10), "none") << "its length would be behind the end";
  packet = rtp_packet(102, 1, {0xbe, 0xde, 0xff, 0xff});
  EXPECT_EQ(text_in(packet, 10), "no RTP");
  packet = rtp_packet(102, 1, {0xbe, 0xde, 0, 1});
  packet.resize(16);
  EXPECT_EQ(text_in(packet, 10), "no RTP") << "one word short";
  packet.resize(15);
  EXPECT_EQ(text_in(packet, 10), "no RTP") << "no room for the length";
}

}  // namespace
}  // namespace onair
