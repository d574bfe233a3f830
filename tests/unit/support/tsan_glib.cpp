// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes ThreadSanitizer quiet about GLib must not make it blind: with tsan_glib.cpp in front of
// GLib and tsan.supp in force it reports what it should, and nothing that a lock puts in order.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace onair {
namespace {

// In a program of its own, whose end is ThreadSanitizer's verdict.
class ThreadSanitizer : public testing::Test {
 protected:
  ThreadSanitizer() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static void expect_report(const char* report, const std::function<void()>& first,
                            const std::function<void()>& second) {
    constexpr int kReported = 66;
    EXPECT_EXIT(run(first, second), testing::ExitedWithCode(kReported), report);
  }
  static void expect_quiet(const std::function<void()>& first,
                           const std::function<void()>& second) {
    EXPECT_EXIT(run(first, second), testing::ExitedWithCode(0), "^$");
  }

  int number_ = 0;

 private:
  [[noreturn]] static void run(const std::function<void()>& first,
                               const std::function<void()>& second) {
    std::thread one{first};
    std::thread other{second};
    one.join();
    other.join();
    std::exit(0);
  }
};

TEST_F(ThreadSanitizer, ReportsARace) {
  const auto count = [this] { ++number_; };
  expect_report("data race", count, count);
}

TEST_F(ThreadSanitizer, ReportsARaceOfCopies) {
  const std::size_t size = sizeof number_;  // captured: of a constant no call would be left
  const auto copy = [this, size] {
    const int one = 1;
    std::memcpy(&number_, &one, size);
  };
  expect_report("data race", copy, copy);
}

TEST_F(ThreadSanitizer, ReportsARaceBehindTwoLocks) {
  GMutex a;
  GMutex b;
  g_mutex_init(&a);
  g_mutex_init(&b);
  const auto count = [this](GMutex* mutex) {
    g_mutex_lock(mutex);
    ++number_;
    g_mutex_unlock(mutex);
  };
  expect_report(
      "data race", [&] { count(&a); }, [&] { count(&b); });
}

TEST_F(ThreadSanitizer, ReportsWhoWritesAsAReader) {
  GRWLock lock;
  g_rw_lock_init(&lock);
  const auto count = [&] {
    g_rw_lock_reader_lock(&lock);
    ++number_;
    g_rw_lock_reader_unlock(&lock);
  };
  expect_report("data race", count, count);
}

TEST_F(ThreadSanitizer, ReportsLocksInBothOrders) {
  GMutex a;
  GMutex b;
  g_mutex_init(&a);
  g_mutex_init(&b);
  const auto lock = [](GMutex* outer, GMutex* inner) {
    g_mutex_lock(outer);
    g_mutex_lock(inner);
    g_mutex_unlock(inner);
    g_mutex_unlock(outer);
  };
  // On one thread, which cannot block itself.
  const auto in_both_orders = [&] {
    lock(&a, &b);
    lock(&b, &a);
  };
  expect_report("lock-order-inversion", in_both_orders, [] {});
}

TEST_F(ThreadSanitizer, IsQuietBehindAMutex) {
  GMutex mutex;
  g_mutex_init(&mutex);
  const auto count = [&] {
    g_mutex_lock(&mutex);
    ++number_;
    g_mutex_unlock(&mutex);
  };
  expect_quiet(count, count);
}

TEST_F(ThreadSanitizer, IsQuietBehindARecursiveMutex) {
  GRecMutex mutex;
  g_rec_mutex_init(&mutex);
  const auto count = [&] {
    g_rec_mutex_lock(&mutex);
    g_rec_mutex_lock(&mutex);
    g_rec_mutex_unlock(&mutex);
    ++number_;
    g_rec_mutex_unlock(&mutex);
  };
  expect_quiet(count, count);
}

TEST_F(ThreadSanitizer, IsQuietBehindAReadersLock) {
  GRWLock lock;
  g_rw_lock_init(&lock);
  int seen = 0;
  const auto write = [&] {
    g_rw_lock_writer_lock(&lock);
    ++number_;
    g_rw_lock_writer_unlock(&lock);
  };
  const auto read = [&] {
    g_rw_lock_reader_lock(&lock);
    seen = number_;
    g_rw_lock_reader_unlock(&lock);
  };
  expect_quiet(write, read);
}

TEST_F(ThreadSanitizer, IsQuietAfterACondition) {
  GMutex mutex;
  GCond cond;
  g_mutex_init(&mutex);
  g_cond_init(&cond);
  bool is_given = false;
  const auto give = [&] {
    ++number_;
    g_mutex_lock(&mutex);
    is_given = true;
    g_cond_signal(&cond);
    g_mutex_unlock(&mutex);
  };
  const auto take = [&] {
    g_mutex_lock(&mutex);
    while (!is_given)
      g_cond_wait(&cond, &mutex);
    g_mutex_unlock(&mutex);
    ++number_;
  };
  expect_quiet(give, take);
}

TEST_F(ThreadSanitizer, IsQuietAboutWhatIsMadeOnce) {
  gsize is_made = 0;
  const auto make = [&] {
    if (g_once_init_enter(&is_made)) {
      ++number_;
      g_once_init_leave(&is_made, 1);
    }
    return number_;  // what was made
  };
  expect_quiet(make, make);
}

}  // namespace
}  // namespace onair
