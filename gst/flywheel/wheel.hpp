// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include <gst/gst.h>

#include "glue/deadline_wait.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "lane.hpp"
#include "settings.hpp"

namespace onair {

// Between the pads and a lane: upstream's thread queues what comes, the source pad's task takes it
// from there in order, and makes filler when the clock says that the wait is over. The mutex is open
// whenever something is pushed, posted or asked.
class Wheel {
 public:
  // The element and its pads, which outlive this.
  Wheel(GstElement* element, GstPad* sink, GstPad* src);

  // Upstream's thread.
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer);
  bool on_event(GstPtr<GstEvent> event);  // serialized
  bool on_query(GstQuery* query);         // serialized: waits for its turn and the answer
  // After EOS, until that has gone out. False: it was not EOS that ended the stream.
  bool wait_for_end();

  // The source pad's task: runs until stop().
  void run();
  void start();
  void stop();

  void set_playing(bool is_playing);
  void set_picture(GstPtr<GstSample> picture);  // of the slate
  // Forgets the stream and all that waits, while the task does not run.
  void reset();
  void reset_stats();

  // Any thread.
  [[nodiscard]] FlywheelSettings settings();
  template <typename Change>
  void change_settings(Change change) {
    const Lock lock{mutex_};
    change(settings_);
    wait_.wake();
  }
  bool answer_latency(GstQuery* query);
  [[nodiscard]] GstStructure* stats();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // What waits for its turn: one of the three.
  struct Item {
    GstPtr<GstBuffer> buffer;
    GstPtr<GstEvent> event;
    GstQuery* query = nullptr;           // the sender waits, so that it lives long enough
    std::optional<RunningTime> start{};  // of a buffer or a gap
    Duration length{0};                  // of a gap
    std::optional<RunningTime> now{};    // when a buffer or a gap came
  };

  // Without the mutex.
  [[nodiscard]] RunningTime running_time() const;
  // `must_know`: input has come, so that the answer is final.
  void find_liveness(bool must_know);

  // With it.
  [[nodiscard]] bool has_clock() const;
  [[nodiscard]] bool is_full() const;
  void stop_flow(GstFlowReturn flow);

  // The task, without the mutex.
  GstFlowReturn handle(Item item);
  GstFlowReturn handle_event(GstPtr<GstEvent> event, const Item& item);
  void set_away();
  GstFlowReturn apply_caps(GstPtr<GstEvent> event);
  // Of a line without input, as downstream has it now.
  GstFlowReturn apply_first_caps();
  bool make_lane(GstCaps* caps);
  void open_output();
  GstFlowReturn fill();
  // The task, with the mutex, which is open in between.
  GstFlowReturn ask(Lock& lock, GstQuery* query);
  GstFlowReturn begin_without_input(Lock& lock);
  std::optional<RunningTime> deadline() const;

  GstElement* const element_;
  GstPad* const sink_;
  GstPad* const src_;

  std::mutex mutex_;
  FlywheelSettings settings_;
  std::deque<Item> queue_;
  guint queued_buffers_ = 0;
  std::condition_variable changed_;  // room in the queue, an answer, the end

  GstFlowReturn flow_ = GST_FLOW_FLUSHING;
  bool is_playing_ = false;
  std::optional<bool> is_live_;  // as upstream says
  bool asks_again_ = true;       // with the next buffer
  bool got_eos_ = false;
  DeadlineWait wait_;  // of the task
  std::optional<bool> answer_;
  bool is_asking_ = false;  // the query is downstream right now
  GstSegment segment_;      // of what comes in
  LaneStats stats_;         // as of the task's last step
  GstPtr<GstSample> picture_;

  // The task only, or while there is none.
  std::unique_ptr<Lane> lane_;
  bool is_away_ = false;  // said before there was a lane
  LaneStats lane_stats_;
  bool has_stream_start_ = false;
  bool has_segment_ = false;
  guint32 segment_seqnum_ = GST_SEQNUM_INVALID;
  GstPtr<GstCaps> caps_;    // that were pushed
  GstPtr<GstCaps> wanted_;  // where the line has begun without input, until input has caps
};

}  // namespace onair
