// SPDX-License-Identifier: LGPL-2.1-or-later
#include "record.hpp"

#include <deque>

#include "receiver.hpp"

namespace onair::sim::sync {

namespace {

class Run {
 public:
  explicit Run(Synchroniser& synchroniser) : synchroniser_{synchroniser} {}

  void on_unit(const Released& released) {
    pass_deadlines(released.now);
    waiting_[index(released.medium)].push_back(released);
    auto& reported = record_.reported[index(released.medium)];
    if (released.unit.ntp && !reported)
      reported = released.now;
    synchroniser_.on_unit(released.medium, released.unit, released.now);
    drain(released.now);
    now_ = released.now;
  }

  Record finish() {
    for (const auto medium : kMedia) {
      synchroniser_.end(medium, now_);
      drain(now_);
    }
    pass_deadlines(now_ + std::chrono::seconds{10});
    for (const auto medium : kMedia)
      record_.missing[index(medium)] += waiting_[index(medium)].size();
    return std::move(record_);
  }

 private:
  void pass_deadlines(RunningTime until) {
    for (auto deadline = synchroniser_.next_deadline(); deadline && *deadline <= until;) {
      const auto now = std::max(*deadline, now_);
      synchroniser_.on_time(now);
      drain(now);
      const auto next = synchroniser_.next_deadline();
      if (next && *next <= now) {
        ++record_.idle_deadlines;
        return;
      }
      deadline = next;
    }
  }

  void drain(RunningTime now) {
    for (const auto medium : kMedia)
      while (const auto placed = synchroniser_.take(medium))
        put(medium, *placed, now);
  }

  void put(Medium medium, const Placed& placed, RunningTime now) {
    auto& waiting = waiting_[index(medium)];
    while (!waiting.empty() && waiting.front().unit.id != placed.id) {
      ++record_.missing[index(medium)];
      waiting.pop_front();
    }
    if (waiting.empty())
      return;
    const auto released = waiting.front();
    waiting.pop_front();
    if (placed.is_dropped) {
      ++record_.dropped[index(medium)];
      return;
    }
    record_.outputs[index(medium)].push_back({released.captured, released.unit.media,
                                              released.unit.arrival, placed.time, released.now,
                                              now});
  }

  Synchroniser& synchroniser_;
  std::array<std::deque<Released>, 2> waiting_;
  Record record_;
  RunningTime now_{};
};

}  // namespace

Record run(const Scenario& scenario, std::uint64_t seed, Synchroniser& synchroniser) {
  Receiver receiver{scenario, seed};
  Run run{synchroniser};
  while (const auto released = receiver.next())
    run.on_unit(*released);
  return run.finish();
}

}  // namespace onair::sim::sync
