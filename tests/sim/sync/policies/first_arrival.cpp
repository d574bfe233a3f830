// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/first_arrival.hpp"

#include <chrono>

namespace onair::sim::sync {

void FirstArrival::place(Medium medium, const Unit& unit, RunningTime) {
  constexpr Duration kLeap = std::chrono::seconds{5};
  auto& line = lines_[medium == Medium::Audio ? 0 : 1];
  const auto offset = transit(unit.arrival, unit.media);
  const auto is_break =
      !line || line->ssrc != unit.ssrc || std::chrono::abs(offset - line->offset) > kLeap;
  if (is_break)
    line = {offset, unit.ssrc};
  put(medium, {unit.id, RunningTime{unit.media.time_since_epoch() + line->offset}, is_break});
}

}  // namespace onair::sim::sync
