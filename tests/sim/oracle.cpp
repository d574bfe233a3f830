// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "score.hpp"

namespace onair::sim {

namespace {

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// One second of the trace. With the playout at the transit of its i-th latest packet, the i packets
// above are late, and the delays of all sum up to `delay`.
struct Second {
  struct Level {
    Duration playout;
    double late;
    double delay;
  };
  std::vector<Level> levels;  // by rising late count

  // The level with the least delay + price * late.
  [[nodiscard]] const Level& best(double price) const {
    const auto* best = &levels.front();
    for (const auto& level : levels)
      if (level.delay + price * level.late < best->delay + price * best->late)
        best = &level;
    return *best;
  }
};

std::vector<Second> seconds_of(const Trace& trace) {
  std::vector<Second> seconds;
  const auto& all = trace.arrivals;
  const auto start = all.front().packet.arrival;
  std::size_t begin = 0;
  while (begin < all.size()) {
    const auto end_time =
        start + std::chrono::seconds{static_cast<std::int64_t>(seconds.size()) + 1};
    auto end = begin;
    while (end < all.size() && all[end].packet.arrival < end_time)
      ++end;
    auto& second = seconds.emplace_back();
    // A packet that waits leaves at media + playout, one that is late at media + its own transit.
    std::vector<Duration> transits;
    auto media_delay = 0.0;  // media - sent - least path, of all
    for (auto i = begin; i < end; ++i) {
      const auto& packet = all[i].packet;
      transits.push_back(transit(packet.arrival, packet.media));
      media_delay += in_seconds(packet.media.time_since_epoch() - all[i].sent.time_since_epoch() -
                                trace.least_path);
    }
    std::sort(transits.begin(), transits.end(), std::greater{});
    auto late_transits = 0.0;
    for (std::size_t late = 0; late < transits.size(); ++late) {
      if (late == 0 || transits[late] != transits[late - 1]) {
        const auto waiting = static_cast<double>(transits.size() - late);
        second.levels.push_back(
            {transits[late], static_cast<double>(late),
             media_delay + late_transits + waiting * in_seconds(transits[late])});
      }
      late_transits += in_seconds(transits[late]);
    }
    if (transits.empty())
      second.levels.push_back({Duration{0}, 0, 0});
    begin = end;
  }
  return seconds;
}

}  // namespace

Oracle consult_oracle(const Trace& trace, double late_target) {
  Oracle oracle;
  if (trace.arrivals.empty())
    return oracle;
  const auto seconds = seconds_of(trace);
  const auto count = static_cast<double>(trace.arrivals.size());
  const auto budget = std::floor(late_target * count);
  // The Lagrangian's price of a late packet: the lowest one that keeps the budget. Between two
  // prices lie fewer packets than one level of one second has, which is as near as hulls can get;
  // what is left of the budget is then spent by the best single steps.
  auto low = 0.0;
  auto high = 1e6;
  const auto late_at = [&](double price) {
    auto late = 0.0;
    for (const auto& second : seconds)
      late += second.best(price).late;
    return late;
  };
  for (auto round = 0; round < 60; ++round) {
    const auto middle = low == 0 ? high / 2 : std::sqrt(low * high);
    (late_at(middle) > budget ? low : high) = middle;
    if (low == 0 && high < 1e-9)
      break;
  }
  std::vector<Second::Level> chosen;
  auto left = budget;
  for (const auto& second : seconds) {
    chosen.push_back(second.best(high));
    left -= chosen.back().late;
  }
  while (left > 0) {
    auto best_gain = 0.0;
    std::size_t best_second = 0;
    const Second::Level* best_level = nullptr;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      for (const auto& level : seconds[i].levels) {
        const auto more = level.late - chosen[i].late;
        if (more <= 0 || more > left)
          continue;
        const auto gain = (chosen[i].delay - level.delay) / more;
        if (gain > best_gain) {
          best_gain = gain;
          best_second = i;
          best_level = &level;
        }
      }
    }
    if (best_level == nullptr)
      break;
    left -= best_level->late - chosen[best_second].late;
    chosen[best_second] = *best_level;
  }
  for (const auto& level : chosen) {
    oracle.mean_delay += level.delay / count;
    oracle.late_packets += level.late / count;
    oracle.playouts.push_back(level.playout);
  }
  std::vector<double> delays;
  const auto start = trace.arrivals.front().packet.arrival;
  for (const auto& arrival : trace.arrivals) {
    const auto second = std::chrono::floor<std::chrono::seconds>(arrival.packet.arrival - start);
    const RunningTime due{arrival.packet.media.time_since_epoch() +
                          oracle.playouts[static_cast<std::size_t>(second.count())]};
    delays.push_back(
        in_seconds(std::max(arrival.packet.arrival, due) - arrival.sent - trace.least_path));
  }
  const auto p95 = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() * 95 / 100);
  std::nth_element(delays.begin(), p95, delays.end());
  oracle.p95_delay = *p95;
  return oracle;
}

}  // namespace onair::sim
