// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "cut/cut_scheduler.hpp"

namespace onair::test {

using namespace std::chrono_literals;

inline RunningTime at(Duration time) {
  return RunningTime{time};
}

// An encoder: key frames where they were asked for, where it likes, or not at all.
struct Encoder {
  std::function<RunningTime(std::int64_t)> frame_time;  // of frame n, rising
  int gop = 0;                                          // a key frame each so many frames; 0: none
  bool obeys = true;
  Duration response{0};  // how much later the key frame comes
  Duration deaf{0};      // behind a request; further ones are nothing then
  // Its state.
  std::int64_t next = 0;
  std::multiset<RunningTime> asked{};
  std::optional<RunningTime> heard_at{};

  // At that time of its frames.
  void hear(RunningTime time, std::optional<RunningTime> wanted) {
    if (!obeys || (heard_at && time - *heard_at < deaf))
      return;
    heard_at = time;
    asked.insert(wanted.value_or(time) + response);
  }
  [[nodiscard]] bool is_key(RunningTime time) {
    bool is = next == 0 || (gop > 0 && next % gop == 0);
    while (!asked.empty() && *asked.begin() <= time) {
      asked.erase(asked.begin());
      is = true;
    }
    return is;
  }
};

// Streams through a scheduler, in the order of their times, as encoders without delay would make
// them; with what came out of it.
class Programme {
 public:
  struct Out {
    RunningTime time;  // as it came
    CutScheduler::Verdict verdict;
  };
  struct Stream {
    CutScheduler::Kind kind;
    AudioFrames::Format format{};
    RunningTime begin{};
    std::optional<Encoder> encoder;
    Duration lag{0};  // how much later than its time it arrives
    std::function<bool(std::int64_t)> is_lost = [](std::int64_t) { return false; };
    // Its state.
    std::int64_t next = 0;
    std::optional<RunningTime> waits;
    std::vector<Out> out{};
    std::vector<CutScheduler::Fill> fills{};
  };

  explicit Programme(CutScheduler::Config config) : scheduler{config} {}

  CutScheduler::StreamId add_audio(AudioFrames::Format format, RunningTime begin = {}) {
    streams.push_back({.kind = CutScheduler::Kind::Audio, .format = format, .begin = begin});
    return scheduler.add_stream(CutScheduler::Kind::Audio);
  }
  CutScheduler::StreamId add_video(Encoder encoder) {
    streams.push_back({.kind = CutScheduler::Kind::Video, .encoder = std::move(encoder)});
    return scheduler.add_stream(CutScheduler::Kind::Video);
  }

  // Each stream up to `end`, whoever is first in arrival.
  void run_to(RunningTime end) {
    for (;;) {
      std::optional<std::size_t> first;
      for (std::size_t id = 0; id < streams.size(); ++id)
        if (!streams[id].waits && time_of(id) < end &&
            (!first || time_of(id) + streams[id].lag < time_of(*first) + streams[*first].lag))
          first = id;
      const auto due = scheduler.deadline();
      if (due && (!first || *due <= arrival(*first)) &&
          due->time_since_epoch() < end_of_clock(end)) {
        scheduler.on_time(now = std::max(now, *due));
        settle();
        continue;
      }
      if (!first)
        return;
      step(*first);
    }
  }

  // The times of the cuts of a stream: in its own frames, moved.
  [[nodiscard]] std::vector<RunningTime> cut_times(CutScheduler::StreamId id) const {
    std::vector<RunningTime> times;
    for (const auto& out : streams[id].out)
      if (const auto* cut = std::get_if<CutScheduler::Cut>(&out.verdict))
        times.push_back(out.time + cut->shift);
    return times;
  }
  template <typename Verdict>
  [[nodiscard]] std::size_t count(CutScheduler::StreamId id) const {
    return static_cast<std::size_t>(
        std::count_if(streams[id].out.begin(), streams[id].out.end(),
                      [](const Out& out) { return std::holds_alternative<Verdict>(out.verdict); }));
  }

  CutScheduler scheduler;
  std::vector<Stream> streams;
  std::vector<CutScheduler::Decision> decisions;
  std::vector<CutScheduler::Request> requests;
  ClockTime now{};

 private:
  [[nodiscard]] static Duration end_of_clock(RunningTime end) {
    return end.time_since_epoch() + 1h;
  }
  [[nodiscard]] RunningTime time_of(CutScheduler::StreamId id) const {
    const auto& stream = streams[id];
    if (stream.encoder)
      return stream.encoder->frame_time(stream.encoder->next);
    return stream.begin + to_duration(stream.next * stream.format.length, stream.format.rate);
  }
  [[nodiscard]] ClockTime arrival(CutScheduler::StreamId id) const {
    return ClockTime{(time_of(id) + streams[id].lag).time_since_epoch() + 1h};
  }

  void step(CutScheduler::StreamId id) {
    auto& stream = streams[id];
    const auto time = time_of(id);
    now = std::max(now, arrival(id));
    CutScheduler::Frame frame{.time = time, .format = stream.format};
    bool is_lost = false;
    if (stream.encoder) {
      frame.is_key = stream.encoder->is_key(time);
      is_lost = stream.is_lost(stream.encoder->next++);
    } else {
      is_lost = stream.is_lost(stream.next++);
    }
    if (is_lost)
      return;
    scheduler.arrive(id, frame, now);
    stream.waits = time;
    judge(id);
    settle();
  }
  void judge(CutScheduler::StreamId id) {
    auto& stream = streams[id];
    const auto verdict = scheduler.judge(id);
    if (std::holds_alternative<CutScheduler::Wait>(verdict))
      return;
    stream.out.push_back({.time = *stream.waits, .verdict = verdict});
    stream.waits.reset();
  }
  void settle() {
    while (scheduler.take_change())
      for (CutScheduler::StreamId id = 0; id < streams.size(); ++id)
        if (streams[id].waits)
          judge(id);
    while (const auto decision = scheduler.take_decision())
      decisions.push_back(*decision);
    while (const auto fill = scheduler.take_fill())
      streams[fill->stream].fills.push_back(*fill);
    while (const auto request = scheduler.take_request()) {
      requests.push_back(*request);
      streams[request->stream].encoder->hear(time_of(request->stream), request->at);
    }
  }
};

inline std::vector<Duration> lengths(const std::vector<RunningTime>& times) {
  std::vector<Duration> lengths;
  for (std::size_t n = 1; n < times.size(); ++n)
    lengths.push_back(times[n] - times[n - 1]);
  return lengths;
}

inline std::vector<RunningTime> boundaries(const Programme& programme) {
  std::vector<RunningTime> times;
  for (const auto& decision : programme.decisions)
    times.push_back(decision.boundary.at);
  return times;
}

// A frame each 1/fps of a second, `jitter` of it late by chance.
inline std::function<RunningTime(std::int64_t)> frames_at(int num, int den = 1,
                                                          Duration begin = 0s) {
  return [=](std::int64_t n) { return at(begin + Duration{n * 1'000'000'000 * den / num}); };
}

inline constexpr AudioFrames::Format kMp3{.length = 1152, .rate = 48'000};
inline constexpr AudioFrames::Format kMp3At44{.length = 1152, .rate = 44'100};
inline constexpr AudioFrames::Format kAac{.length = 1024, .rate = 48'000};
inline constexpr AudioFrames::Format kOpus{.length = 960, .rate = 48'000};

}  // namespace onair::test
