// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/guarded.hpp"

#include <concepts>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

// A copied guard would guard another value with another lock.
static_assert(!std::copyable<Guarded<int>>);

TEST(Guarded, HoldsWhatItWasGivenAndADefaultOtherwise) {
  EXPECT_EQ(Guarded<int>{7}.get(), 7);
  EXPECT_EQ(Guarded<int>{}.get(), 0);
  EXPECT_EQ(Guarded<std::string>{}.get(), "");
}

TEST(Guarded, SetReplacesAndGetCopies) {
  Guarded<std::string> text{"before"};
  auto copy = text.get();
  copy += " and after";
  EXPECT_EQ(text.get(), "before");
  text.set("later");
  EXPECT_EQ(text.get(), "later");
}

TEST(Guarded, TakesValuesThatOnlyMove) {
  Guarded<std::unique_ptr<int>> owner{std::make_unique<int>(3)};
  EXPECT_EQ(**owner.lock(), 3);
  owner.set(nullptr);
  EXPECT_EQ(*owner.lock(), nullptr);
}

TEST(Guarded, TheLockLivesForOneSentence) {
  Guarded<std::vector<int>> list;
  list.lock()->push_back(1);
  list.lock()->push_back(2);  // would hang here if the first lock were still held
  EXPECT_EQ(list.get().size(), 2u);
}

TEST(Guarded, TheLockLivesAsLongAsItsNameAndKeepsOthersOut) {
  Guarded<int> number{1};
  std::promise<void> started;
  std::future<int> seen;
  {
    const auto access = number.lock();
    seen = std::async(std::launch::async, [&] {
      started.set_value();
      return number.get();
    });
    started.get_future().wait();
    *access = 2;  // whenever the other thread asks, it can't have been answered before this
  }
  EXPECT_EQ(seen.get(), 2);
}

TEST(Guarded, NoIncrementIsLostBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5'000;
  Guarded<int> number;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round)
          ++*number.lock();
      });
  }
  EXPECT_EQ(number.get(), kThreads * kRounds);
}

}  // namespace
}  // namespace onair
