// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <optional>

#include <gst/gst.h>

#include "balancer.hpp"
#include "cut/cut_scheduler.hpp"
#include "glue/gstptr.hpp"
#include "glue/paired_pads.hpp"
#include "video_times.hpp"

namespace onair {

// One stream. Buffers go straight through, on upstream's thread; it waits where the scheduler does.
class Track : public PadPair {
 public:
  Track(Balancer& balancer, CutScheduler::Kind kind, GstPtr<GstPad> sink, GstPtr<GstPad> src);

  // Upstream's thread.
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer);
  bool on_event(GstPtr<GstEvent> event);
  // Any thread: what waits returns.
  void set_flushing(bool is_flushing);
  // The sink may be another one.
  void look_for_sink() { knows_sink_ = false; }

 private:
  friend class Balancer;
  using Lock = Balancer::Lock;

  void join(CutScheduler& scheduler);  // with the balancer's mutex
  void ask(const CutScheduler::Request& request);
  void meet_sink();
  [[nodiscard]] AudioFrames::Format format_of(GstBuffer* buffer);
  // Nothing when flushing.
  [[nodiscard]] std::optional<CutScheduler::Verdict> judge(const CutScheduler::Frame& frame);
  void announce(const CutScheduler::Boundary& boundary, RunningTime at);
  void begin_empty(const CutScheduler::Boundary& boundary);  // with the sink pad's stream lock
  bool on_gap(GstPtr<GstEvent> event);
  [[nodiscard]] GstPtr<GstBuffer> with_duration(GstPtr<GstBuffer> buffer) const;
  [[nodiscard]] GstPtr<GstBuffer> timed(GstPtr<GstBuffer> buffer, const CutScheduler::Cut* cut);
  void take_timeline(GstEvent* event);

  Balancer& balancer_;
  const CutScheduler::Kind kind_;

  // The balancer's mutex.
  CutScheduler::StreamId id_ = 0;
  bool is_flushing_ = false;

  std::atomic<bool> knows_sink_{false};
  // The sink pad's stream lock.
  GstSegment segment_;
  std::uint32_t rate_ = 0;
  std::int64_t coded_length_ = 0;  // samples of a frame, by the codec; 0: not known
  AudioFrames::Format format_{};
  std::optional<Duration> picture_length_;  // by the caps
  bool marks_boundaries_ = false;           // the writer follows this stream, which is sound
  VideoTimes times_;
};

}  // namespace onair
