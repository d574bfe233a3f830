// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/stream_monitor.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kVideoRate = 90'000;
constexpr std::size_t kBytes = 1'000;

// Receives the sequence numbers given, each a frame of 20 ms.
StreamMonitor after(const std::vector<std::int64_t>& sequences) {
  StreamMonitor monitor{kVideoRate};
  for (const auto sequence : sequences)
    monitor.on_packet(static_cast<std::uint16_t>(sequence),
                      static_cast<std::uint32_t>(sequence * 1'800), kBytes);
  return monitor;
}

TEST(StreamMonitor, ShowsNothingBeforeTheFirstPacket) {
  const auto stats = StreamMonitor{kVideoRate}.stats();
  EXPECT_EQ(stats.packets, 0u);
  EXPECT_EQ(stats.bytes, 0u);
  EXPECT_EQ(stats.lost, 0);
  EXPECT_EQ(stats.media_time, 0ns);
}

TEST(StreamMonitor, OnePacketIsNoTimeAndNoLoss) {
  const auto stats = after({40'000}).stats();
  EXPECT_EQ(stats.packets, 1u);
  EXPECT_EQ(stats.bytes, kBytes);
  EXPECT_EQ(stats.lost, 0);
  EXPECT_EQ(stats.media_time, 0ns);
}

TEST(StreamMonitor, CountsWhatIsMissingBetweenFirstAndNewest) {
  EXPECT_EQ(after({10, 11, 12}).stats().lost, 0);
  EXPECT_EQ(after({10, 12}).stats().lost, 1);
  EXPECT_EQ(after({10, 110}).stats().lost, 99);
}

TEST(StreamMonitor, CountsAcrossTheWrap) {
  EXPECT_EQ(after({65'534, 65'535, 65'536, 65'537}).stats().lost, 0);
  EXPECT_EQ(after({65'534, 65'537}).stats().lost, 2);
}

TEST(StreamMonitor, CountsOverManyWraps) {
  std::vector<std::int64_t> sequences;
  for (std::int64_t sequence = 60'000; sequence < 60'000 + 4 * 65'536; ++sequence) {
    if (sequence % 1'000 != 0)
      sequences.push_back(sequence);
  }
  const auto stats = after(sequences).stats();
  EXPECT_EQ(stats.packets, sequences.size());
  EXPECT_EQ(stats.lost, 262) << "every thousandth of 4 x 65536, without the one before the first";
  EXPECT_EQ(stats.bytes, sequences.size() * kBytes);
}

TEST(StreamMonitor, APacketThatComesLateIsNotLost) {
  EXPECT_EQ(after({10, 12, 11}).stats().lost, 0);
  EXPECT_EQ(after({65'535, 65'537, 65'536}).stats().lost, 0);
}

TEST(StreamMonitor, APacketFromBeforeTheFirstWidensTheRange) {
  EXPECT_EQ(after({10, 9, 11}).stats().lost, 0);
  EXPECT_EQ(after({10, 7}).stats().lost, 2);
  EXPECT_EQ(after({65'536, 65'535, 65'537}).stats().lost, 0) << "the first is 0 on the wire";
}

TEST(StreamMonitor, DuplicatesMakeNoNegativeLoss) {
  EXPECT_EQ(after({10, 10, 10}).stats().lost, 0);
  EXPECT_EQ(after({10, 11, 11, 11, 12}).stats().lost, 0);
  EXPECT_EQ(after({10, 10, 10}).stats().packets, 3u) << "RFC 3550 counts what arrives";
}

TEST(StreamMonitor, MediaTimeRunsFromTheFirstToTheNewestTimestamp) {
  EXPECT_EQ(after({0, 1}).stats().media_time, 20ms);
  EXPECT_EQ(after({0, 2, 1}).stats().media_time, 40ms) << "a late packet takes nothing back";
  EXPECT_EQ(after({0, 50 * 3'600}).stats().media_time, 1h) << "a gap is time";
}

TEST(StreamMonitor, MediaTimeRunsAcrossTheWrapOfTheTimestamp) {
  StreamMonitor monitor{kVideoRate};
  monitor.on_packet(1, 0xffff'ffff - 44'999, kBytes);
  monitor.on_packet(2, 45'000, kBytes);
  EXPECT_EQ(monitor.stats().media_time, 1s);
}

TEST(StreamMonitor, MediaTimeIsExactOverADay) {
  StreamMonitor monitor{48'000};
  constexpr std::uint32_t kFrame = 960;  // 20 ms of Opus
  constexpr int kFrames = 50 * 3'600 * 24;
  for (int i = 0; i <= kFrames; ++i)
    monitor.on_packet(static_cast<std::uint16_t>(i),
                      0xf000'0000 + static_cast<std::uint32_t>(i) * kFrame, 100);
  EXPECT_EQ(monitor.stats().media_time, 24h)
      << "the sum is over 32 bits: 4 147 200 000 + the start";
  EXPECT_EQ(monitor.stats().lost, 0);
}

TEST(StreamMonitor, AnUnknownClockRateMakesNoMediaTime) {
  StreamMonitor monitor{0};
  monitor.on_packet(1, 0, kBytes);
  monitor.on_packet(2, 90'000, kBytes);
  EXPECT_EQ(monitor.stats().media_time, 0ns);
  EXPECT_EQ(monitor.stats().packets, 2u);
}

TEST(StreamMonitor, BadWeatherNeverMakesLossNegativeNorMoreThanWasLost) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    std::vector<std::int64_t> sequences;
    std::int64_t dropped = 0;
    std::int64_t doubled = 0;
    const std::int64_t start = random() % 65'536;
    constexpr std::int64_t kPackets = 100'000;
    for (std::int64_t i = 0; i < kPackets; ++i) {
      // First and last arrive, so that the range is known.
      if (i != 0 && i != kPackets - 1 && random() % 50 == 0) {
        ++dropped;
        continue;
      }
      sequences.push_back(start + i);
      if (random() % 100 == 0) {
        sequences.push_back(start + i);
        ++doubled;
      }
    }
    // Neighbours swap places.
    for (std::size_t i = 1; i < sequences.size(); ++i) {
      if (random() % 20 == 0)
        std::swap(sequences[i], sequences[i - 1]);
    }
    const auto stats = after(sequences).stats();
    EXPECT_EQ(stats.lost, std::max<std::int64_t>(0, dropped - doubled));
    EXPECT_LE(stats.lost, dropped);
  }
}

}  // namespace
}  // namespace onair
