// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

namespace onair::test {

// Runs `work` again and again until it is destroyed.
class Busy {
 public:
  explicit Busy(std::function<void(std::int64_t)> work)
      : thread_{[this, work = std::move(work)] {
          for (std::int64_t round = 0; !is_done_; ++round)
            work(round);
        }} {}
  ~Busy() {
    is_done_ = true;
    thread_.join();
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::atomic<bool> is_done_{false};
  std::thread thread_;
};

}  // namespace onair::test
