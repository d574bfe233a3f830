// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <utility>

namespace onair {

// State that several threads share. The value is reachable only through lock(), and the lock lives
// as long as what lock() returned: `guarded.lock()->field = 1;` holds it for that one sentence.
// Decide under the lock; push, emit, post and log after it.
template <typename T>
class Guarded {
 public:
  class Access {
   public:
    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }

   private:
    friend class Guarded;
    Access(std::mutex& mutex, T& value) : lock_{mutex}, value_{&value} {}
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };

  Guarded() = default;
  explicit Guarded(T value) : value_{std::move(value)} {}

  [[nodiscard]] Access lock() { return Access{mutex_, value_}; }
  // A copy taken under the lock.
  [[nodiscard]] T get() {
    const std::lock_guard lock{mutex_};
    return value_;
  }
  void set(T value) {
    const std::lock_guard lock{mutex_};
    value_ = std::move(value);
  }

 private:
  std::mutex mutex_;
  T value_{};
};

}  // namespace onair
