// SPDX-License-Identifier: LGPL-2.1-or-later
#include "score.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace onair::sim {

namespace {

using namespace std::chrono_literals;

constexpr Duration kAudible{1ms};  // smaller steps of L are drift being followed

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Counts steps of L, and gathers delays.
class Tally {
 public:
  explicit Tally(const Trace& trace) : trace_{trace} { delays_.reserve(trace.arrivals.size()); }

  void on_playout(Duration playout) {
    if (!delays_.empty() && std::chrono::abs(playout - playout_) >= kAudible)
      ++changes_;
    if (delays_.empty() || std::chrono::abs(playout - playout_) >= kAudible)
      playout_ = playout;
  }
  void add(const Arrival& arrival, RunningTime released) {
    delays_.push_back(seconds(released - arrival.sent - trace_.least_path));
  }
  Score finish() {
    Score score;
    if (delays_.empty())
      return score;
    for (const auto delay : delays_)
      score.mean_delay += delay / static_cast<double>(delays_.size());
    const auto p95 = delays_.begin() + static_cast<std::ptrdiff_t>(delays_.size() * 95 / 100);
    std::nth_element(delays_.begin(), p95, delays_.end());
    score.p95_delay = *p95;
    const auto length =
        seconds(trace_.arrivals.back().packet.arrival - trace_.arrivals.front().packet.arrival);
    score.changes = changes_ / std::max(1.0, length) * 60;
    return score;
  }

 private:
  const Trace& trace_;
  std::vector<double> delays_;
  Duration playout_{0};
  int changes_ = 0;
};

}  // namespace

namespace {

// What playout() was at each moment, to ask whether a packet's due instant passed before it came.
class PlayoutHistory {
 public:
  void add(RunningTime at, Duration playout) { changes_.push_back({at, playout}); }
  [[nodiscard]] bool has_passed(const Packet& packet, Duration quickest) const {
    const RunningTime earliest{packet.media.time_since_epoch() + quickest};
    RunningTime until = packet.arrival;
    for (auto change = changes_.rbegin(); change != changes_.rend() && until > earliest; ++change) {
      if (RunningTime{packet.media.time_since_epoch() + change->playout} < until)
        return true;
      until = change->at;
    }
    return false;
  }

 private:
  struct Change {
    RunningTime at;
    Duration playout;
  };
  std::vector<Change> changes_;
};

}  // namespace

Score score_paced(const Trace& trace, Policy& policy, const Observer& observer) {
  Tally tally{trace};
  PlayoutHistory history;
  Duration quickest = Duration::max();
  std::size_t missed = 0;
  std::unordered_set<Duration::rep> units;
  std::unordered_set<Duration::rep> late_units;
  std::size_t late = 0;
  for (const auto& arrival : trace.arrivals) {
    const auto& packet = arrival.packet;
    const auto playout = policy.playout();
    if (packet.media == trace.arrivals.front().packet.media || playout == Duration{0}) {
      policy.on_packet(packet);
      history.add(packet.arrival, policy.playout());
      continue;
    }
    quickest = std::min(quickest, transit(packet.arrival, packet.media));
    missed += history.has_passed(packet, quickest) ? 1 : 0;
    const RunningTime due{packet.media.time_since_epoch() + playout};
    const auto is_late = packet.arrival > due;
    const auto unit = packet.media.time_since_epoch().count();
    units.insert(unit);
    if (is_late) {
      ++late;
      late_units.insert(unit);
    }
    tally.on_playout(playout);
    tally.add(arrival, std::max(packet.arrival, due));
    if (observer)
      observer(arrival, playout, is_late);
    policy.on_packet(packet);
    history.add(packet.arrival, policy.playout());
  }
  auto score = tally.finish();
  score.missed_packets = static_cast<double>(missed) /
                         static_cast<double>(std::max<std::size_t>(1, trace.arrivals.size()));
  score.late_packets = static_cast<double>(late) /
                       static_cast<double>(std::max<std::size_t>(1, trace.arrivals.size()));
  score.late_units = static_cast<double>(late_units.size()) /
                     static_cast<double>(std::max<std::size_t>(1, units.size()));
  return score;
}

Score score_eager(const Trace& trace, Policy& policy) {
  Tally tally{trace};
  std::map<std::int64_t, const Arrival*> waiting;
  std::int64_t next = trace.arrivals.empty() ? 0 : trace.arrivals.front().packet.sequence;
  for (const auto& arrival : trace.arrivals)  // a reordered start is no loss
    next = std::min(next, arrival.packet.sequence);
  std::unordered_map<std::int64_t, MediaTime> media;
  for (const auto& arrival : trace.arrivals)
    media[arrival.packet.sequence] = arrival.packet.media;
  std::size_t given_up = 0;
  std::unordered_set<Duration::rep> units;
  std::unordered_set<Duration::rep> given_up_units;
  RunningTime released{Duration::min() / 2};
  const auto release = [&](RunningTime now) {
    for (; !waiting.empty() && waiting.begin()->first == next; ++next) {
      released = std::max(released, now);
      tally.add(*waiting.begin()->second, released);
      waiting.erase(waiting.begin());
    }
  };
  const auto give_up_until = [&](RunningTime now, Duration playout) {
    while (!waiting.empty()) {
      const auto& behind = *waiting.begin()->second;
      const auto known = media.find(next);
      const auto missing = known != media.end() ? known->second : behind.packet.media;
      const auto deadline =
          std::max(RunningTime{missing.time_since_epoch() + playout}, behind.packet.arrival);
      if (deadline >= now)
        return;
      // All that are missing before `behind` share its fate only when their time has come too.
      ++next;
      release(deadline);
    }
  };
  for (const auto& arrival : trace.arrivals) {
    const auto& packet = arrival.packet;
    if (&arrival == &trace.arrivals.front() && packet.sequence == next) {
      policy.on_packet(packet);
      ++next;
      continue;
    }
    const auto playout = policy.playout();
    tally.on_playout(playout);
    give_up_until(packet.arrival, playout);
    units.insert(packet.media.time_since_epoch().count());
    if (packet.sequence < next) {
      ++given_up;
      given_up_units.insert(packet.media.time_since_epoch().count());
    } else {
      waiting.emplace(packet.sequence, &arrival);
      release(packet.arrival);
    }
    policy.on_packet(packet);
  }
  give_up_until(RunningTime{Duration::max() / 2}, policy.playout());
  auto score = tally.finish();
  score.late_packets = static_cast<double>(given_up) /
                       static_cast<double>(std::max<std::size_t>(1, trace.arrivals.size()));
  score.late_units = static_cast<double>(given_up_units.size()) /
                     static_cast<double>(std::max<std::size_t>(1, units.size()));
  return score;
}

}  // namespace onair::sim
