// SPDX-License-Identifier: LGPL-2.1-or-later
#include "workload.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace onair::benchmark {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kPacketsPerFrame = 8;
constexpr Time kTransit = 10ms;
constexpr Time kRepair = 60ms;
// What is due less than this ago needn't have left yet.
constexpr Time kSlack = 5ms;

struct Sent {
  std::int64_t sequence;
  Time media;
  Time arrival;
  bool marker;
  bool retransmitted = false;
};

Sent send(Medium medium, std::int64_t index) {
  if (medium == Medium::Audio)
    return {index, index * 20ms, index * 20ms + kTransit, false};
  const auto frame = index / kPacketsPerFrame;
  const auto place = index % kPacketsPerFrame;
  const Time media = frame * Time{1s} / 30;
  return {index, media, media + kTransit + place * 200us, place + 1 == kPacketsPerFrame};
}

// An element that hands on what can go. It holds the first packet for the whole latency, because an
// earlier one might come.
class EagerModel {
 public:
  explicit EagerModel(Medium medium) : medium_{medium} {}
  void take(const Sent& packet) {
    if (waiting_.empty() && out_ == 0)
      start_ = packet.arrival;
    waiting_.insert(packet.sequence);
  }
  std::size_t out(Time now) {
    if (out_ == 0 && now < start_ + kLatency + kSlack)
      return 0;
    while (!waiting_.empty()) {
      if (*waiting_.begin() == next_) {
        waiting_.erase(waiting_.begin());
        ++out_;
      } else if (given_up_at(next_) > now) {
        break;
      }
      ++next_;
    }
    return out_;
  }

 private:
  // What ends a frame and is missing may be taken for the next frame's: its media time is unknown.
  [[nodiscard]] Time given_up_at(std::int64_t sequence) const {
    const auto like = medium_ == Medium::Video ? sequence + 1 : sequence;
    return send(medium_, like).arrival + kLatency + kSlack;
  }

  Medium medium_;
  std::set<std::int64_t> waiting_;
  Time start_{0};
  std::int64_t next_ = 0;
  std::size_t out_ = 0;
};

class PacedModel {
 public:
  void take(const Sent& packet) { due_.push_back(packet.media + kTransit + kLatency); }
  std::size_t out(Time now) {
    // Those that overtook a packet go after it: the longest disorder is allowed for.
    while (out_ < due_.size() && due_[out_] + kRepair + kSlack <= now)
      ++out_;
    return out_;
  }

 private:
  std::vector<Time> due_;
  std::size_t out_ = 0;
};

template <typename Model>
std::vector<Arrival> with_model(const std::vector<Sent>& packets, Model model) {
  std::vector<Arrival> arrivals;
  arrivals.reserve(packets.size());
  for (const auto& packet : packets) {
    const auto before = model.out(packet.arrival);
    model.take(packet);
    arrivals.push_back({packet.arrival, packet.media, static_cast<std::uint16_t>(packet.sequence),
                        packet.marker, packet.retransmitted, before, model.out(packet.arrival)});
  }
  return arrivals;
}

}  // namespace

std::size_t Workload::packet_size() const {
  return medium == Medium::Audio ? 100 : 1100;
}

std::uint32_t Workload::clock_rate() const {
  return medium == Medium::Audio ? 48'000 : 90'000;
}

std::vector<Arrival> Workload::arrivals(std::size_t count, Release release) const {
  std::vector<Sent> packets;
  for (std::int64_t index = 0; packets.size() < count; ++index) {
    auto packet = send(medium, index);
    if (disorder == Disorder::Reordered && index % 20 == 7) {
      // Just behind the last packet that overtakes it.
      packet.arrival = send(medium, index + 1 + index / 20 % 3).arrival + 50us;
    } else if (disorder == Disorder::Lost && index % 50 == 25) {
      continue;
    } else if (disorder == Disorder::Repaired && index % 50 == 25) {
      packet.arrival += kRepair + 50us;
      packet.retransmitted = true;
    }
    packets.push_back(packet);
  }
  std::stable_sort(packets.begin(), packets.end(),
                   [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  return release == Release::Eager ? with_model(packets, EagerModel{medium})
                                   : with_model(packets, PacedModel{});
}

std::string_view name(Medium medium) {
  return medium == Medium::Audio ? "audio" : "video";
}

std::string_view name(Disorder disorder) {
  switch (disorder) {
    case Disorder::None:
      return "in-order";
    case Disorder::Reordered:
      return "reordered";
    case Disorder::Lost:
      return "lost";
    case Disorder::Repaired:
      return "repaired";
  }
  return "";
}

std::optional<Workload> find_workload(std::string_view name_of_both) {
  for (const auto& workload : all_workloads()) {
    if (name_of_both ==
        std::string{name(workload.medium)} + "-" + std::string{name(workload.disorder)})
      return workload;
  }
  return std::nullopt;
}

std::vector<Workload> all_workloads() {
  std::vector<Workload> workloads;
  for (const auto medium : {Medium::Audio, Medium::Video}) {
    for (const auto disorder :
         {Disorder::None, Disorder::Reordered, Disorder::Lost, Disorder::Repaired})
      workloads.push_back({medium, disorder});
  }
  return workloads;
}

}  // namespace onair::benchmark
