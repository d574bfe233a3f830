// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/webhook_queue.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

using namespace std::chrono_literals;

constexpr WebhookQueue::Time at(std::chrono::milliseconds time) {
  return WebhookQueue::Time{time};
}

TEST(WebhookQueue, SendsOneAtATimeInOrder) {
  WebhookQueue queue;
  EXPECT_FALSE(queue.next());
  EXPECT_FALSE(queue.take(at(0s)));
  queue.push("a");
  queue.push("b");
  EXPECT_TRUE(queue.next());
  EXPECT_EQ(queue.take(at(0s)), "a");
  EXPECT_FALSE(queue.take(at(1s))) << "it has not been answered";
  EXPECT_FALSE(queue.next());
  EXPECT_TRUE(queue.on_answer(at(1s), true));
  EXPECT_EQ(queue.take(at(1s)), "b");
  EXPECT_TRUE(queue.on_answer(at(1s), true));
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST(WebhookQueue, WhatIsNotTakenIsSentAgainAfterTwiceAsLongEachTime) {
  WebhookQueue queue;
  queue.push("a");
  queue.push("b");
  auto now = at(0s);
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s, 300s}) {
    EXPECT_EQ(queue.take(now), "a");
    EXPECT_TRUE(queue.on_answer(now, false));
    EXPECT_EQ(queue.next(), now + wait);
    EXPECT_FALSE(queue.take(now + wait - 1ms));
    now += wait;
  }
  EXPECT_EQ(queue.take(now), "a");
  EXPECT_EQ(queue.attempts(), 13U);
  EXPECT_TRUE(queue.on_answer(now, true));
  EXPECT_EQ(queue.take(now), "b");
  EXPECT_TRUE(queue.on_answer(now, false));
  EXPECT_EQ(queue.next(), now + 1s) << "the next one begins anew";
}

TEST(WebhookQueue, AfterADayItIsGivenUp) {
  WebhookQueue queue;
  queue.push("a");
  queue.push("b");
  EXPECT_EQ(queue.take(at(0s)), "a");
  EXPECT_TRUE(queue.on_answer(at(24h - 1ms), false));
  EXPECT_EQ(queue.take(at(25h)), "a");
  EXPECT_FALSE(queue.on_answer(at(25h), false));
  EXPECT_EQ(queue.take(at(25h)), "b");
}

TEST(WebhookQueue, OfTooManyTheOldestGoes) {
  WebhookQueue queue;
  for (std::size_t i = 0; i < WebhookQueue::kMost; ++i)
    queue.push(std::to_string(i));
  EXPECT_EQ(queue.take_dropped(), 0U);
  queue.push("new");
  EXPECT_EQ(queue.waiting(), WebhookQueue::kMost);
  EXPECT_EQ(queue.take_dropped(), 1U);
  EXPECT_EQ(queue.take_dropped(), 0U);
  EXPECT_EQ(queue.take(at(0s)), "1");
  queue.push("newer");
  EXPECT_TRUE(queue.on_answer(at(0s), true)) << "not the one that is on its way";
  EXPECT_EQ(queue.take(at(0s)), "3");
}

}  // namespace
}  // namespace live
