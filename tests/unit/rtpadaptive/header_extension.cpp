// SPDX-License-Identifier: LGPL-2.1-or-later
#include "header_extension.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint16_t kOneByte = 0xbede;
constexpr std::uint16_t kTwoByte = 0x1000;

std::optional<Bytes> find(unsigned profile, const Bytes& elements, std::uint8_t id) {
  const auto found = find_header_extension(static_cast<std::uint16_t>(profile), elements, id);
  return found ? std::optional{Bytes{found->begin(), found->end()}} : std::nullopt;
}

TEST(HeaderExtension, OneByteElementsAreFoundByTheirId) {
  const Bytes elements{0x10, 0xaa, 0x32, 1, 2, 3, 0xe0, 0xbb};
  EXPECT_EQ(find(kOneByte, elements, 1), Bytes{0xaa});
  EXPECT_EQ(find(kOneByte, elements, 3), (Bytes{1, 2, 3}));
  EXPECT_EQ(find(kOneByte, elements, 14), Bytes{0xbb});
  EXPECT_EQ(find(kOneByte, elements, 2), std::nullopt);
}

TEST(HeaderExtension, TwoByteElementsAreFoundByTheirIdWhateverTheApplicationsBitsAre) {
  const Bytes elements{1, 1, 0xaa, 15, 0, 255, 3, 1, 2, 3};
  for (const unsigned profile : {0x1000u, 0x100fu}) {
    EXPECT_EQ(find(profile, elements, 1), Bytes{0xaa});
    EXPECT_EQ(find(profile, elements, 15), Bytes{}) << "an ID as any other here, and no bytes";
    EXPECT_EQ(find(profile, elements, 255), (Bytes{1, 2, 3}));
  }
}

TEST(HeaderExtension, OtherProfilesHaveNoElements) {
  const Bytes elements{0x10, 0xaa, 0, 0};
  for (const unsigned profile : {0x0000u, 0x0fffu, 0x1010u, 0xbeddu, 0xbedfu, 0xffffu})
    EXPECT_EQ(find(profile, elements, 1), std::nullopt) << profile;
}

TEST(HeaderExtension, PaddingMayStandAnywhere) {
  EXPECT_EQ(find(kOneByte, {0, 0, 0x20, 1, 0, 0x30, 2, 0}, 3), Bytes{2});
  EXPECT_EQ(find(kTwoByte, {0, 2, 1, 9, 0, 0, 3, 1, 7}, 3), Bytes{7});
}

TEST(HeaderExtension, PaddingIsNoElement) {
  EXPECT_EQ(find(kOneByte, {0, 0, 0, 0}, 0), std::nullopt);
  EXPECT_EQ(find(kTwoByte, {0, 0, 0, 0}, 0), std::nullopt);
}

// Section 4.2: they end the extension.
TEST(HeaderExtension, NothingCountsBehindId15OrPaddingWithALength) {
  EXPECT_EQ(find(kOneByte, {0x10, 1, 0xf0, 0, 0x20, 2}, 1), Bytes{1});
  EXPECT_EQ(find(kOneByte, {0x10, 1, 0xf0, 0, 0x20, 2}, 2), std::nullopt);
  EXPECT_EQ(find(kOneByte, {0x10, 1, 0xf0, 0, 0x20, 2}, 15), std::nullopt);
  EXPECT_EQ(find(kOneByte, {0x10, 1, 0x01, 0, 0x20, 2}, 2), std::nullopt);
}

TEST(HeaderExtension, AnElementMustBeThereAsAWhole) {
  EXPECT_EQ(find(kOneByte, {}, 1), std::nullopt);
  EXPECT_EQ(find(kOneByte, {0x12, 1, 2, 3}, 1), (Bytes{1, 2, 3}));
  EXPECT_EQ(find(kOneByte, {0x12, 1, 2}, 1), std::nullopt);
  EXPECT_EQ(find(kOneByte, {0x12}, 1), std::nullopt);
  EXPECT_EQ(find(kTwoByte, {1, 2, 1, 2}, 1), (Bytes{1, 2}));
  EXPECT_EQ(find(kTwoByte, {1, 2, 1}, 1), std::nullopt);
  EXPECT_EQ(find(kTwoByte, {1, 2}, 1), std::nullopt);
  EXPECT_EQ(find(kTwoByte, {1}, 1), std::nullopt);
  EXPECT_EQ(find(kTwoByte, {1, 0}, 1), Bytes{});
}

TEST(HeaderExtension, TheFirstOfTwoWithOneIdCounts) {
  EXPECT_EQ(find(kOneByte, {0x10, 1, 0x10, 2}, 1), Bytes{1});
}

TEST(HeaderExtension, NoBytesAtAllMakeItReadBeyondThem) {
  std::mt19937 random{20261121};
  for (int i = 0; i < 50'000; ++i) {
    Bytes elements(random() % 64);
    for (auto& byte : elements)
      byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 32);
    const auto id = static_cast<std::uint8_t>(random() % 20);
    for (const auto profile : {kOneByte, kTwoByte}) {
      const auto found = find_header_extension(profile, elements, id);
      if (!found)
        continue;
      EXPECT_GE(found->data(), elements.data());
      EXPECT_LE(found->data() + found->size(), elements.data() + elements.size());
      (void)parse_capture_time(*found);
    }
  }
}

Bytes capture_time(std::uint64_t time, std::size_t size = 8) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i)
    bytes[i] = static_cast<std::uint8_t>(time >> (56 - 8 * i));
  return bytes;
}

TEST(CaptureTime, IsFixedPointSecondsSince1900) {
  constexpr std::uint64_t kSeconds = 3'900'000'000;
  EXPECT_EQ(parse_capture_time(capture_time(kSeconds << 32)), NtpTime{3'900'000'000s});
  EXPECT_EQ(parse_capture_time(capture_time(kSeconds << 32 | 0x8000'0000)),
            NtpTime{3'900'000'000s + 500ms});
  EXPECT_EQ(parse_capture_time(capture_time(5)), NtpTime{1ns}) << "1.16 ns";
  EXPECT_EQ(parse_capture_time(capture_time(~std::uint64_t{0})),
            NtpTime{4'294'967'295s + 999'999'999ns});
}

TEST(CaptureTime, MayHaveAClockOffsetBehindIt) {
  auto bytes = capture_time(std::uint64_t{1} << 32, 16);
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0xff});
  EXPECT_EQ(parse_capture_time(bytes), NtpTime{1s});
}

TEST(CaptureTime, HasNoOtherLength) {
  for (std::size_t size = 0; size <= 32; ++size)
    EXPECT_EQ(parse_capture_time(capture_time(std::uint64_t{1} << 32, size)).has_value(),
              size == 8 || size == 16)
        << size;
}

TEST(CaptureTime, ZeroIsNone) {
  EXPECT_FALSE(parse_capture_time(capture_time(0)));
  EXPECT_TRUE(parse_capture_time(capture_time(1)));
}

TEST(NtpTimeOfPacket, Is64BitsAsReportsHaveThem) {
  for (std::size_t size = 0; size <= 32; ++size)
    EXPECT_EQ(parse_ntp_time(capture_time(std::uint64_t{1} << 32, size)).has_value(), size == 8)
        << size;
  EXPECT_EQ(parse_ntp_time(capture_time(std::uint64_t{3'900'000'000} << 32 | 0x8000'0000)),
            NtpTime{3'900'000'000s + 500ms});
  EXPECT_FALSE(parse_ntp_time(capture_time(0)));
}

}  // namespace
}  // namespace onair
