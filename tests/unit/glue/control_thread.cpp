// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/control_thread.hpp"

#include <array>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

namespace onair {
namespace {

TEST(ControlThread, PostsRunInTheirOrder) {
  std::vector<int> seen;
  {
    ControlThread control{"order"};
    for (int i = 0; i < 1'000; ++i)
      control.post([&seen, i] { seen.push_back(i); });
  }
  std::vector<int> expected(1'000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
}

TEST(ControlThread, RunWaitsForItsWorkAndForAllThatWasPostedBefore) {
  ControlThread control{"run"};
  std::string seen;  // no lock: run() orders everything
  control.post([&] { seen += "first "; });
  control.run([&] { seen += "second"; });
  EXPECT_EQ(seen, "first second");
}

TEST(ControlThread, TheEndOfTheObjectFinishesWhatWasPostedBefore) {
  bool is_done = false;
  std::promise<void> gate;
  std::future<void> opened = gate.get_future();
  {
    ControlThread control{"end"};
    control.post([&] { opened.wait(); });
    control.post([&] { is_done = true; });
    gate.set_value();
  }
  EXPECT_TRUE(is_done);
}

TEST(ControlThread, WorkThatIsPostedByTheLastWorkStillRuns) {
  bool is_done = false;
  {
    ControlThread control{"chain"};
    control.post([&] { control.post([&] { control.post([&] { is_done = true; }); }); });
  }
  EXPECT_TRUE(is_done);
}

TEST(ControlThread, PostNeverBlocksOnWorkThatIsRunning) {
  std::promise<void> gate;
  std::future<void> opened = gate.get_future();
  ControlThread control{"busy"};
  control.post([&] { opened.wait(); });
  control.post([] {});  // would hang here
  gate.set_value();
}

TEST(ControlThread, IsCurrentOnItselfOnly) {
  ControlThread control{"current"};
  EXPECT_FALSE(control.is_current());
  bool is_current = false;
  control.run([&] { is_current = control.is_current(); });
  EXPECT_TRUE(is_current);
  ControlThread other{"other"};
  other.run([&] { is_current = control.is_current(); });
  EXPECT_FALSE(is_current);
}

TEST(ControlThread, PostsFromManyThreadsAllArriveAndEachInItsOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 500;
  std::array<std::vector<int>, kThreads> seen;
  {
    ControlThread control{"many"};
    std::vector<std::jthread> threads;
    for (std::size_t who = 0; who < kThreads; ++who)
      threads.emplace_back([&control, &list = seen[who]] {
        for (int i = 0; i < kPosts; ++i)
          control.post([&list, i] { list.push_back(i); });
      });
  }
  std::vector<int> expected(kPosts);
  std::iota(expected.begin(), expected.end(), 0);
  for (const auto& list : seen)
    EXPECT_EQ(list, expected);
}

TEST(ControlThread, EveryTicksAgainAndAgainOnTheThread) {
  constexpr int kEnough = 3;
  std::promise<bool> enough;
  ControlThread control{"every"};
  control.every(1, [&, count = 0]() mutable {
    if (++count == kEnough)
      enough.set_value(control.is_current());
  });
  EXPECT_TRUE(enough.get_future().get());
}

TEST(ControlThread, ATickNeitherHoldsUpTheEndNorOutlivesIt) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  {
    ControlThread control{"hour"};
    control.every(3'600'000, [token = std::move(token)] { ++*token; });
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(ControlThread, PostedWorkIsFreedOnceItHasRun) {
  ControlThread control{"freed"};
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  control.post([token = std::move(token)] { ++*token; });
  control.run([] {});
  control.run([] {});
  EXPECT_TRUE(watched.expired());
}

TEST(ControlThread, ItsContextIsTheDefaultOfTheThread) {
  ControlThread control{"context"};
  bool is_own = false;
  control.run([&] {
    GMainContext* context = g_main_context_get_thread_default();
    is_own = context && context != g_main_context_default() && g_main_context_is_owner(context);
  });
  EXPECT_TRUE(is_own);
}

TEST(ControlThread, ANameLongerThanLinuxAllowsIsCut) {
  const auto name_of = [](const std::string& given) {
    ControlThread control{given};
    std::array<char, 16> name{};
    control.run([&] { pthread_getname_np(pthread_self(), name.data(), name.size()); });
    return std::string{name.data()};
  };
  EXPECT_EQ(name_of("fifteen-letters"), "fifteen-letters");
  EXPECT_EQ(name_of("sixteen-letters!"), "sixteen-letters");
}

TEST(ControlThread, WhatIsPostedAfterTheStopIsDropped) {
  auto token = std::make_shared<int>(1);
  ControlThread thread{"stopped"};
  thread.stop();
  thread.post([token] { FAIL() << "nobody is there to run it"; });
  EXPECT_EQ(token.use_count(), 1) << "nor is it kept";
  thread.stop();  // twice does no harm
}

}  // namespace
}  // namespace onair
