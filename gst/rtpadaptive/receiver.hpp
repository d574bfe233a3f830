// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/deadline_wait.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "glue/rtp_metas.hpp"
#include "jitter_buffer.hpp"
#include "latency_group.hpp"
#include "rtp_input.hpp"
#include "sender_times.hpp"
#include "settings.hpp"
#include "structures.hpp"
#include "timestamp_offset.hpp"

namespace onair {

// Between the pads and the core: RTP and RTCP come in on upstream's threads, the source pad's task
// waits for the clock and pushes. One mutex; it is open whenever something is pushed, posted or
// emitted.
class Receiver {
 public:
  // The element and its pads, which outlive this.
  Receiver(GstElement* element, GstPad* sink, GstPad* src);
  ~Receiver();

  // Upstream's threads.
  GstFlowReturn on_packet(GstPtr<GstBuffer> buffer);
  GstFlowReturn on_rtcp(GstPtr<GstBuffer> buffer);
  bool on_event(GstPtr<GstEvent> event);  // serialized
  bool on_query(GstQuery* query);         // serialized: waits for its turn and the answer

  // The source pad's task: runs until stop().
  void run();
  void start();
  void stop();

  void set_playing(bool is_playing);
  // Stops or continues the output; `offset` is added to timestamps from then on. Returns the time of
  // the last packet that went out.
  GstClockTime set_active(bool is_active, GstClockTime offset);
  // Forgets the stream and all that waits.
  void reset();
  void forget_clock_rates();

  // Any thread.
  [[nodiscard]] JitterBufferSettings settings();
  template <typename Change>
  void change_settings(Change change) {
    Lock lock{mutex_};
    change(settings_);
    apply_settings(lock);
  }
  [[nodiscard]] guint current_latency_ms();
  // The answer to a latency query.
  [[nodiscard]] Duration reported_latency();
  [[nodiscard]] std::optional<GstClockTime> position();
  [[nodiscard]] GstStructure* stats();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // A serialized event or query, and the packets that it follows.
  struct Serialized {
    JitterBuffer::Position behind;
    GstPtr<GstEvent> event;
    GstQuery* query = nullptr;  // the sender waits, so that it lives long enough
  };

  // Without the mutex.
  [[nodiscard]] RunningTime running_time() const;
  void announce_latency(bool repost);
  void warn_of_invalid(const char* what);

  // With it. Those that are given the lock open it in between.
  void hand_on_settings();
  void apply_settings(Lock& lock);
  void stop_flow(GstFlowReturn flow);
  void drop_packets();
  [[nodiscard]] std::string find_group_name() const;
  void update_group();
  bool update_latency();
  std::uint32_t find_clock_rate(Lock& lock, std::uint8_t payload_type, std::uint32_t ssrc);
  void learn_caps(const GstCaps* caps);
  void learn_range(const PlayRange& range);
  void learn_cname(std::string cname);
  void tell_sync(Lock& lock, const StructurePtr& sync);  // null: nothing to tell
  GstMessage* drop_message(const char* reason, std::uint16_t sequence, GstClockTime timestamp);
  // For the answer to a request for retransmission.
  [[nodiscard]] Duration longest_wait() const;
  void send_requests(Lock& lock);

  std::optional<GstFlowReturn> do_next(Lock& lock);
  GstFlowReturn push_packet(Lock& lock, const JitterBuffer::Release& release);
  void push_lost(Lock& lock, const JitterBuffer::Lost& lost);
  GstFlowReturn push_serialized(Lock& lock);
  [[nodiscard]] std::optional<RunningTime> ends_at() const;
  void end_of_range(Lock& lock);
  [[nodiscard]] std::optional<RunningTime> next_work() const;
  [[nodiscard]] bool may_deliver() const { return is_playing_ && is_active_ && telling_ == 0; }
  void wait_for_work(Lock& lock);
  void wake_for_work();

  [[nodiscard]] GstClockTime with_offset(GstClockTime position) const;

  GstElement* const element_;
  GstPad* const sink_;
  GstPad* const src_;

  std::mutex mutex_;
  JitterBufferSettings settings_;
  JitterBuffer buffer_;
  std::deque<Serialized> serialized_;

  GstFlowReturn flow_ = GST_FLOW_FLUSHING;
  bool is_playing_ = false;
  bool is_active_ = true;
  unsigned telling_ = 0;  // handle-sync is out so many times
  bool got_eos_ = false;

  DeadlineWait wait_;                             // of the task
  RunningTime waits_until_ = RunningTime::min();  // min: it does not wait
  std::condition_variable answered_;              // serialized queries
  std::optional<bool> answer_;
  bool is_asking_ = false;  // the query is downstream right now

  GstSegment segment_;  // of what comes in
  guint32 segment_seqnum_ = GST_SEQNUM_INVALID;
  GstSegment out_segment_;  // of what goes out: the same, once its event has
  PayloadTypes payload_types_;
  bool is_first_packet_ = true;

  SenderTimes times_;
  std::uint64_t stream_ = 0;
  LatencyGroup group_;
  std::string group_name_;
  Duration announced_latency_{0};

  TimestampOffset offset_;
  GstClockTime last_pts_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_out_ = GST_CLOCK_TIME_NONE;

  std::uint64_t invalid_ = 0;  // packets that were no RTP or RTCP
  std::optional<RunningTime> warned_at_;
  DropCounts drops_;
  GstClockTime last_drop_message_ = GST_CLOCK_TIME_NONE;

  RtpMetas metas_;  // the task only
};

}  // namespace onair
