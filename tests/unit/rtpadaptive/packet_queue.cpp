// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packet_queue.hpp"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using Insert = PacketQueue::Insert;

constexpr std::int64_t kFirst = 65'530;  // so that 16 bits wrap a few packets later

PacketQueue::Packet packet(std::int64_t sequence, std::uint32_t size = 100) {
  return {.token = static_cast<PacketQueue::Token>(sequence), .size = size};
}

PacketQueue started_at(std::int64_t first) {
  PacketQueue queue;
  queue.start(first);
  return queue;
}

Insert insert(PacketQueue& queue, std::int64_t sequence, std::uint32_t size = 100) {
  return queue.insert(sequence, packet(sequence, size));
}

// Takes all that is there, passing over the holes, and says which.
std::vector<std::int64_t> drain(PacketQueue& queue) {
  std::vector<std::int64_t> order;
  while (const auto first = queue.first()) {
    queue.skip(*first - queue.next());
    order.push_back(static_cast<std::int64_t>(queue.pop().token));
  }
  return order;
}

TEST(PacketQueue, IsEmptyAtFirst) {
  const PacketQueue queue;
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.packets(), 0u);
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_EQ(queue.next(), 0);
  EXPECT_EQ(queue.end(), 0);
  EXPECT_FALSE(queue.first());
  EXPECT_FALSE(queue.has(0));
}

TEST(PacketQueue, PacketsComeOutInTheOrderOfTheirNumbers) {
  PacketQueue queue = started_at(kFirst);
  for (const std::int64_t offset : {0, 3, 1, 9, 2, 8, 4})
    EXPECT_EQ(insert(queue, kFirst + offset), Insert::Inserted);
  EXPECT_EQ(queue.end(), kFirst + 10);
  EXPECT_EQ(drain(queue), (std::vector<std::int64_t>{kFirst, kFirst + 1, kFirst + 2, kFirst + 3,
                                                     kFirst + 4, kFirst + 8, kFirst + 9}));
  EXPECT_EQ(queue.next(), kFirst + 10);
}

TEST(PacketQueue, APacketComesOutAsItWentIn) {
  PacketQueue queue = started_at(7);
  const PacketQueue::Packet original{
      .token = 42,
      .media = MediaTime{Duration{1}},
      .pts = RunningTime{Duration{2}},
      .arrival = RunningTime{Duration{3}},
      .ticks = 4,
      .number = 8,
      .ssrc = 5,
      .clock_rate = 6,
      .size = 7,
      .is_empty = true,
      .starts_stream = true,
  };
  ASSERT_EQ(queue.insert(7, original), Insert::Inserted);
  for (const auto& seen : {queue.packet(7), queue.pop()}) {
    EXPECT_EQ(seen.token, original.token);
    EXPECT_EQ(seen.media, original.media);
    EXPECT_EQ(seen.pts, original.pts);
    EXPECT_EQ(seen.arrival, original.arrival);
    EXPECT_EQ(seen.ticks, original.ticks);
    EXPECT_EQ(seen.number, original.number);
    EXPECT_EQ(seen.ssrc, original.ssrc);
    EXPECT_EQ(seen.clock_rate, original.clock_rate);
    EXPECT_EQ(seen.size, original.size);
    EXPECT_TRUE(seen.is_empty);
    EXPECT_TRUE(seen.starts_stream);
  }
}

TEST(PacketQueue, ASecondPacketOfANumberIsADuplicateAndTheFirstStays) {
  PacketQueue queue = started_at(10);
  ASSERT_EQ(queue.insert(10, {.token = 1, .size = 5}), Insert::Inserted);
  EXPECT_EQ(queue.insert(10, {.token = 2, .size = 50}), Insert::Duplicate);
  EXPECT_EQ(queue.packets(), 1u);
  EXPECT_EQ(queue.bytes(), 5u);
  EXPECT_EQ(queue.pop().token, 1u);
}

TEST(PacketQueue, OnePassedNumberIsADuplicateIfItWasThereAndTooLateIfItWasAHole) {
  PacketQueue queue = started_at(10);
  insert(queue, 10);
  insert(queue, 12);
  queue.pop();
  queue.skip(1);
  queue.pop();
  EXPECT_EQ(queue.next(), 13);
  EXPECT_EQ(insert(queue, 10), Insert::Duplicate);
  EXPECT_EQ(insert(queue, 11), Insert::TooLate);
  EXPECT_EQ(insert(queue, 12), Insert::Duplicate);
  EXPECT_EQ(insert(queue, 9), Insert::TooLate) << "before the start";
  EXPECT_TRUE(queue.is_empty()) << "none of them came in";
}

TEST(PacketQueue, TheNumberBeforeTheNextIsTooLateAndTheNextIsNot) {
  PacketQueue queue = started_at(100);
  EXPECT_EQ(insert(queue, 99), Insert::TooLate);
  EXPECT_EQ(insert(queue, 100), Insert::Inserted);
}

TEST(PacketQueue, TheLongestSpanFitsAndOneNumberMoreIsTooFar) {
  PacketQueue queue = started_at(kFirst);
  EXPECT_EQ(insert(queue, kFirst + PacketQueue::kMaxSpan), Insert::TooFar);
  EXPECT_EQ(queue.end(), kFirst) << "what is too far leaves no trace";
  EXPECT_EQ(insert(queue, kFirst + PacketQueue::kMaxSpan - 1), Insert::Inserted);
  EXPECT_EQ(queue.first(), kFirst + PacketQueue::kMaxSpan - 1);
  queue.skip(1);
  EXPECT_EQ(insert(queue, kFirst + PacketQueue::kMaxSpan), Insert::Inserted);
}

TEST(PacketQueue, APacketFarAheadIsNotMistakenForOneInTheSameSlot) {
  PacketQueue queue = started_at(0);
  for (const std::int64_t apart : {512, 1024, 16'384}) {
    insert(queue, queue.next());
    insert(queue, queue.next() + apart);
    EXPECT_EQ(insert(queue, queue.next() + apart), Insert::Duplicate);
    EXPECT_EQ(drain(queue).size(), 2u);
  }
}

TEST(PacketQueue, GrowsWithoutForgettingWhatWaitsOrWhatHasPassed) {
  PacketQueue queue = started_at(kFirst);
  insert(queue, kFirst);
  insert(queue, kFirst + 1);
  queue.pop();
  EXPECT_EQ(insert(queue, kFirst + 511), Insert::Inserted);
  EXPECT_EQ(insert(queue, kFirst + 513), Insert::Inserted) << "the first that has no slot yet";
  EXPECT_EQ(insert(queue, kFirst), Insert::Duplicate) << "which had gone before";
  EXPECT_EQ(insert(queue, kFirst + 5000), Insert::Inserted);
  EXPECT_EQ(insert(queue, kFirst), Insert::Duplicate);
  EXPECT_EQ(queue.packets(), 4u);
  EXPECT_EQ(drain(queue),
            (std::vector<std::int64_t>{kFirst + 1, kFirst + 511, kFirst + 513, kFirst + 5000}));
}

TEST(PacketQueue, TheLastSlotIsUsedBeforeTheRingGrows) {
  PacketQueue queue = started_at(kFirst);
  insert(queue, kFirst);
  queue.pop();
  EXPECT_EQ(insert(queue, kFirst + 512), Insert::Inserted) << "511 ahead: into the slot just left";
  EXPECT_EQ(insert(queue, kFirst), Insert::TooLate) << "nothing remembers it any more";
  EXPECT_EQ(insert(queue, kFirst + 513), Insert::Inserted) << "512 ahead: there must be more slots";
  EXPECT_EQ(drain(queue), (std::vector<std::int64_t>{kFirst + 512, kFirst + 513}));
}

TEST(PacketQueue, SlotsAreUsedAgainForeverWithoutGrowing) {
  PacketQueue queue = started_at(kFirst);
  for (std::int64_t i = 0; i < 200'000; ++i) {
    ASSERT_EQ(insert(queue, kFirst + i), Insert::Inserted);
    if (i >= 400) {
      ASSERT_EQ(queue.first(), kFirst + i - 400);
      ASSERT_EQ(queue.pop().token, static_cast<PacketQueue::Token>(kFirst + i - 400));
    }
  }
  EXPECT_EQ(queue.packets(), 400u);
}

TEST(PacketQueue, FirstFindsThePacketBehindAHoleOfAnyLength) {
  // Both sides of the words of the bitmap and of the sizes of the ring.
  for (const std::int64_t hole : {1, 63, 64, 65, 127, 128, 511, 512, 513, 4095, 4096, 32'767})
    for (const std::int64_t start : {0, 1, 63, 64, 500, 65'535}) {
      PacketQueue queue = started_at(start);
      ASSERT_EQ(insert(queue, start + hole), Insert::Inserted);
      EXPECT_EQ(queue.first(), start + hole) << "hole of " << hole << " at " << start;
      EXPECT_EQ(queue.first(), start + hole) << "the second time as the first";
    }
}

TEST(PacketQueue, FirstFollowsPacketsThatFillTheHoleFromBehind) {
  PacketQueue queue = started_at(0);
  for (std::int64_t sequence = 300; sequence >= 0; sequence -= 7) {
    insert(queue, sequence);
    ASSERT_EQ(queue.first(), sequence);
  }
  insert(queue, 301);
  EXPECT_EQ(queue.first(), 300 % 7) << "what comes behind it changes nothing";
}

TEST(PacketQueue, FirstIsRightAfterSkippingPartOfAHole) {
  PacketQueue queue = started_at(0);
  insert(queue, 10);
  EXPECT_EQ(queue.first(), 10);
  queue.skip(4);
  EXPECT_EQ(queue.next(), 4);
  EXPECT_EQ(queue.first(), 10);
  EXPECT_EQ(insert(queue, 3), Insert::TooLate);
  EXPECT_EQ(insert(queue, 4), Insert::Inserted);
  EXPECT_EQ(queue.first(), 4);
  queue.pop();
  EXPECT_EQ(queue.first(), 10);
  queue.skip(5);
  EXPECT_EQ(queue.first(), 10);
  EXPECT_EQ(queue.next(), 10);
}

TEST(PacketQueue, SkippingBeyondTheEndMovesTheEnd) {
  PacketQueue queue = started_at(5);
  queue.skip(40'000);
  EXPECT_EQ(queue.next(), 40'005);
  EXPECT_EQ(queue.end(), 40'005);
  EXPECT_EQ(insert(queue, 40'004), Insert::TooLate);
  EXPECT_EQ(insert(queue, 40'005), Insert::Inserted);
}

TEST(PacketQueue, HasKnowsOnlyWhatWaits) {
  PacketQueue queue = started_at(20);
  insert(queue, 20);
  insert(queue, 22);
  EXPECT_FALSE(queue.has(19));
  EXPECT_TRUE(queue.has(20));
  EXPECT_FALSE(queue.has(21));
  EXPECT_TRUE(queue.has(22));
  EXPECT_FALSE(queue.has(23));
  queue.pop();
  EXPECT_FALSE(queue.has(20)) << "gone, though its slot remembers it";
  EXPECT_FALSE(queue.has(20 + 512)) << "another number of the same slot";
}

TEST(PacketQueue, CountsPacketsAndBytes) {
  PacketQueue queue = started_at(0);
  insert(queue, 0, 10);
  insert(queue, 2, 300);
  insert(queue, 1, 7);
  EXPECT_EQ(queue.packets(), 3u);
  EXPECT_EQ(queue.bytes(), 317u);
  queue.pop();
  EXPECT_EQ(queue.bytes(), 307u);
  insert(queue, 9000, 1);  // grows
  EXPECT_EQ(queue.bytes(), 308u);
  queue.skip(0);
  queue.pop();
  queue.pop();
  EXPECT_EQ(queue.packets(), 1u);
  EXPECT_EQ(queue.bytes(), 1u);
}

TEST(PacketQueue, AStartForgetsAll) {
  PacketQueue queue = started_at(0);
  insert(queue, 0);
  insert(queue, 2);
  queue.pop();
  EXPECT_EQ(queue.first(), 2);
  queue.start(1);
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_FALSE(queue.first());
  EXPECT_EQ(insert(queue, 0), Insert::TooLate) << "not the duplicate of a forgotten one";
  EXPECT_EQ(insert(queue, 2), Insert::Inserted);
  EXPECT_EQ(insert(queue, 1), Insert::Inserted);
  EXPECT_EQ(drain(queue), (std::vector<std::int64_t>{1, 2}));
}

TEST(PacketQueue, AnEarlierNumberCanBeMadeTheFirstWhileNothingHasGoneOut) {
  for (const std::int64_t earlier : {1, 2, 500, 511, 512, 600, 10'000}) {
    PacketQueue queue = started_at(3);  // so that some of them are negative
    insert(queue, 3);
    insert(queue, 5);
    EXPECT_EQ(queue.first(), 3);
    EXPECT_EQ(insert(queue, 3 - earlier), Insert::TooLate);
    queue.start_earlier(3 - earlier);
    EXPECT_EQ(queue.next(), 3 - earlier);
    EXPECT_EQ(queue.end(), 6);
    EXPECT_EQ(queue.first(), 3) << "it is a hole so far";
    EXPECT_EQ(insert(queue, 3), Insert::Duplicate);
    EXPECT_EQ(insert(queue, 3 - earlier), Insert::Inserted);
    EXPECT_EQ(queue.packets(), 3u);
    EXPECT_EQ(drain(queue), (std::vector<std::int64_t>{3 - earlier, 3, 5}));
  }
}

TEST(PacketQueue, DoesAsAnOrderedMapDoesWhateverComes) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 20'261'121u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    std::int64_t newest = static_cast<std::int64_t>(random() % 70'000);
    PacketQueue queue = started_at(newest);
    std::map<std::int64_t, std::uint32_t> model;
    std::int64_t next = newest;
    std::size_t bytes = 0;
    for (int step = 0; step < 20'000; ++step) {
      // In order mostly, with leaps, and late ones now and then.
      const std::int64_t leap = random() % 50 == 0 ? random() % 3000 : random() % 3;
      newest = std::max(newest, next) + leap;
      const std::int64_t sequence =
          random() % 4 == 0 ? newest - static_cast<std::int64_t>(random() % 600) : newest;
      const std::uint32_t size = static_cast<std::uint32_t>(random() % 1500);
      const auto inserted = insert(queue, sequence, size);
      if (sequence < next) {
        ASSERT_TRUE(inserted == Insert::TooLate || inserted == Insert::Duplicate);
      } else if (model.contains(sequence)) {
        ASSERT_EQ(inserted, Insert::Duplicate);
      } else if (sequence - next >= PacketQueue::kMaxSpan) {
        ASSERT_EQ(inserted, Insert::TooFar);
      } else {
        ASSERT_EQ(inserted, Insert::Inserted);
        model[sequence] = size;
        bytes += size;
      }
      while (!model.empty() && (random() % 3 == 0 || model.size() > 300)) {
        ASSERT_EQ(queue.first(), model.begin()->first);
        if (const std::int64_t hole = model.begin()->first - next; hole > 0) {
          const std::int64_t passed = 1 + static_cast<std::int64_t>(random()) % hole;
          queue.skip(passed);
          next += passed;
          continue;
        }
        ASSERT_EQ(queue.pop().size, model.begin()->second);
        bytes -= model.begin()->second;
        model.erase(model.begin());
        ++next;
      }
      ASSERT_EQ(queue.next(), next);
      ASSERT_EQ(queue.packets(), model.size());
      ASSERT_EQ(queue.bytes(), bytes);
      ASSERT_EQ(queue.is_empty(), model.empty());
      ASSERT_EQ(queue.first(), model.empty() ? std::nullopt : std::optional{model.begin()->first});
    }
  }
}

}  // namespace
}  // namespace onair
