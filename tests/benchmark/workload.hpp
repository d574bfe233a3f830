// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// What arrives at the jitter buffer, and what must have left it by when. The same in each run: no
// random numbers.
namespace onair::benchmark {

using Time = std::chrono::nanoseconds;

enum class Medium {
  Audio,  // 100 bytes each 20 ms
  Video,  // frames of 8 packets of 1100 bytes, 30 a second, a packet each 0.2 ms
};
enum class Disorder {
  None,
  Reordered,  // one in 20 comes behind the 1, 2 or 3 packets after it
  Lost,       // one in 50 never comes
  Repaired,   // one in 50 comes 60 ms late, as a retransmission (stock wants do-retransmission)
};

// No multiple of 20 ms or a frame: a hole is given up between two arrivals, never together with
// one, or the order of the two would depend on the threads' luck.
constexpr Time kLatency = std::chrono::milliseconds{190};

// When packets that can go leave the element under test.
enum class Release {
  Eager,  // at once; what stock does
  Paced,  // when they are `kLatency` old
};

struct Arrival {
  Time arrival;
  Time media;
  std::uint16_t sequence;
  bool marker;
  bool retransmitted;
  // Packets that must have left by then, with nothing else left to be done: when the clock shows
  // `arrival`, and after the packet itself was taken.
  std::size_t out_before;
  std::size_t out_after;
};

struct Workload {
  Medium medium;
  Disorder disorder;

  [[nodiscard]] std::size_t packet_size() const;
  [[nodiscard]] std::uint32_t clock_rate() const;
  // `count` packets that arrive.
  [[nodiscard]] std::vector<Arrival> arrivals(std::size_t count, Release release) const;
};

std::string_view name(Medium medium);
std::string_view name(Disorder disorder);
// "audio-in-order", "video-lost" …
std::optional<Workload> find_workload(std::string_view name);
std::vector<Workload> all_workloads();

}  // namespace onair::benchmark
