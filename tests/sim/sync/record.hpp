// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "scenario.hpp"
#include "synchroniser.hpp"

// What came out of a run: enough to score it.
namespace onair::sim::sync {

struct Output {
  RunningTime captured;  // the truth
  MediaTime media;
  RunningTime arrival;
  RunningTime time;      // what the unit was given
  RunningTime released;  // by the jitter buffer
  RunningTime left;      // the synchroniser; the difference is how long it was held
};

struct Record {
  std::array<std::vector<Output>, 2> outputs;            // in order, by index(Medium)
  std::array<std::size_t, 2> missing{};                  // went in and did not come out
  std::array<std::size_t, 2> dropped{};                  // by the synchroniser
  std::array<std::optional<RunningTime>, 2> reported{};  // when the first report had come
  std::size_t idle_deadlines = 0;                        // deadlines that were over and stayed
};

Record run(const Scenario& scenario, std::uint64_t seed, Synchroniser& synchroniser);

}  // namespace onair::sim::sync
