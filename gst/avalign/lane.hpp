// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include <gst/gst.h>

#include "aligner.hpp"
#include "alignment.hpp"
#include "glue/deadline_wait.hpp"
#include "glue/gstptr.hpp"
#include "glue/paired_pads.hpp"
#include "glue/rtp_metas.hpp"
#include "rtp_tap.hpp"

namespace onair {

// One stream: a queue between upstream's thread and the source pad's task. What the core has not
// placed yet stays in it; events keep their places between buffers.
class Lane : public PadPair {
 public:
  Lane(Alignment& alignment, Aligner::Kind kind, GstPtr<GstPad> sink, GstPtr<GstPad> src);
  ~Lane();

  // Upstream's threads.
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer);
  bool on_event(GstPtr<GstEvent> event);  // serialized
  bool on_query(GstQuery* query);         // serialized
  // Looks for a stock jitter buffer in front, which may be another one than before.
  void find_tap();

  // The source pad's task: runs until stop(), or what downstream answers, and pauses.
  void run();
  [[nodiscard]] bool is_unlinked();  // that is why it has paused
  void start();
  void stop();
  // Forgets the stream and what waits of it. A flush keeps the sticky events, which upstream does not
  // send again.
  enum class Reset { All, Flush };
  void reset(Reset what);
  // An event from downstream, on upstream's time line. Any thread.
  [[nodiscard]] GstPtr<GstEvent> moved_back(GstPtr<GstEvent> event);

 private:
  friend class Alignment;
  using Lock = Alignment::Lock;

  struct Item {
    std::uint64_t id = 0;
    GstPtr<GstBuffer> buffer;
    std::optional<RunningTime> time;  // as it came
    bool is_untold = false;           // the core does not know of it yet
    std::optional<Aligner::Placed> placed;
    GstPtr<GstEvent> event;  // instead of a buffer
  };

  [[nodiscard]] Aligner::Unit describe(GstBuffer* buffer, std::optional<RunningTime> pts);
  [[nodiscard]] bool waits_for_tap();
  void tell(Item& item, Aligner::Unit unit);
  void tell_newest();
  void tell_others();
  void say_fallback();
  void place(const Aligner::Placed& placed);
  [[nodiscard]] bool is_ready() const;
  [[nodiscard]] bool is_full() const;
  void wait_for_work(Lock& lock);
  GstFlowReturn push(Lock& lock);
  GstFlowReturn push_buffer(Lock& lock, Item item);
  void push_event(Lock& lock, Item item);
  // Without the mutex.
  void push_segment();
  GstFlowReturn push_repeats(const Aligner::Placed& placed);
  [[nodiscard]] GstPtr<GstEvent> moved(Item item) const;

  Alignment& alignment_;
  const Aligner::Kind kind_;

  // The alignment's mutex.
  Aligner::StreamId stream_;
  std::deque<Item> items_;
  std::size_t ready_ = 0;  // placed buffers in items_
  DeadlineWait wait_;
  std::condition_variable drained_;
  GstFlowReturn flow_ = GST_FLOW_FLUSHING;
  bool is_pushing_event_ = false;
  bool is_pushing_buffer_ = false;
  bool got_eos_ = false;
  bool is_idle_ = true;  // no buffer since reset()
  GstSegment segment_;   // of what comes in
  bool has_rtp_times_ = false;
  RtpTimes newest_times_;  // once it has
  std::optional<RunningTime> newest_pts_;
  std::size_t untold_ = 0;
  RunningTime untold_since_{};
  bool has_told_fallback_ = false;
  std::unique_ptr<RtpTap> tap_;
  Duration shift_{0};  // output less input timestamps, of the newest buffer; written by the task

  // The task.
  GstClockTime last_out_ = GST_CLOCK_TIME_NONE;
  bool is_raw_ = false;  // frames
  bool needs_segment_ = true;
  std::optional<RunningTime> timeline_sent_;
  GstPtr<GstBuffer> last_frame_;
  Duration frame_interval_{0};
};

}  // namespace onair
