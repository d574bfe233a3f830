// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/report_step.hpp"

#include <algorithm>
#include <chrono>

namespace onair::sim::sync {

namespace {

constexpr Duration kLeap = std::chrono::seconds{5};
constexpr Duration kMost = std::chrono::seconds{3};  // max-ts-offset
constexpr Duration kLeast = std::chrono::milliseconds{4};

}  // namespace

void ReportStep::place(Medium medium, const Unit& unit, RunningTime) {
  auto& line = lines_[medium == Medium::Audio ? 0 : 1];
  const auto offset = transit(unit.arrival, unit.media);
  const auto is_break =
      !line || line->ssrc != unit.ssrc || std::chrono::abs(offset - line->offset) > kLeap;
  if (is_break)
    line = {offset, unit.ssrc, std::nullopt, Duration{0}};
  if (unit.ntp) {
    const auto wall = unit.ntp->time_since_epoch() - unit.media.time_since_epoch();
    if (!line->wall || std::chrono::abs(*line->wall - wall) > std::chrono::microseconds{1}) {
      line->wall = wall;
      move();
    }
  }
  const auto time = unit.media.time_since_epoch() + line->offset + line->shift;
  put(medium, {unit.id, RunningTime{time}, is_break});
}

void ReportStep::move() {
  if (!lines_[0] || !lines_[1] || !lines_[0]->wall || !lines_[1]->wall)
    return;
  // Wall clock less output time.
  std::array<Duration, 2> ahead{*lines_[0]->wall - lines_[0]->offset,
                                *lines_[1]->wall - lines_[1]->offset};
  const auto least = std::min(ahead[0], ahead[1]);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto shift = ahead[i] - least;
    if (shift <= kMost && std::chrono::abs(shift - lines_[i]->shift) >= kLeast)
      lines_[i]->shift = shift;
  }
}

}  // namespace onair::sim::sync
