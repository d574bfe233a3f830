// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// What tells RTP packets of one test apart.
struct RtpId {
  guint32 ssrc = 0;
  guint8 payload_type = 0;
  guint16 sequence = 0;
  auto operator<=>(const RtpId&) const = default;
};

// Reads what a packet is; false for what is no RTP, RTCP that shares the port included (RFC 5761).
// The header of SRTP is in the clear, so this reads it too.
bool read_rtp_id(GstBuffer* buffer, RtpId& id);

// Which packets of a stream get lost: a share of them, the same for each run with the same seed.
class SeededLoss {
 public:
  explicit SeededLoss(unsigned seed) : random_{seed} {}
  void set_share(double share) { share_ = share; }
  bool loses_next() { return share_ > 0 && uniform_(random_) < share_; }

 private:
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_{0, 1};
  double share_ = 0;
};

// One direction of a network between two live pipelines of this process: what comes into sink()
// leaves from src() after a constant delay, in order, stamped with its arrival as by udpsrc. Some of
// the RTP is lost if the test wants that.
class RtpLink {
 public:
  struct Config {
    const char* media_type = "application/x-rtp";
    std::chrono::milliseconds delay{10};
    unsigned seed = 1;
  };
  explicit RtpLink(Config config);
  ~RtpLink();  // as stop()
  RtpLink(const RtpLink&) = delete;
  RtpLink& operator=(const RtpLink&) = delete;

  // Between a source pad and a sink pad of `receiver`'s pipeline, whose running time is used.
  void connect(GstPad* from, GstElement* receiver, GstPad* to);
  // Nothing arrives any more.
  void stop();

  // From here on: this share of all packets is lost, first sendings and repetitions alike.
  void lose(double share);
  // From here on each n-th packet is overtaken by its successor. 0: none.
  void swap_every(unsigned n);
  void set_delay(std::chrono::milliseconds delay);
  // Between these two nothing arrives; what is just arriving has arrived when pause() returns.
  void pause();
  void resume();
  // As after a receiver that was stopped: the next packet comes as the first one did.
  void reopen();
  // As if a cable were pulled.
  void cut();

  [[nodiscard]] std::set<RtpId> lost();
  [[nodiscard]] guint64 sent();     // packets that came in
  [[nodiscard]] guint64 arrived();  // packets that were handed on
  bool wait_for_arrived(guint64 count);

 private:
  struct Travelling {
    std::chrono::steady_clock::time_point due;
    GstPtr<GstBuffer> buffer;
  };
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  void travel(GstPtr<GstBuffer> buffer);  // with the lock held
  void deliver();
  void send_opening_events();

  const char* const media_type_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::milliseconds delay_;
  SeededLoss loss_;
  std::deque<Travelling> travelling_;
  GstPtr<GstBuffer> overtaken_;
  unsigned swap_every_ = 0;
  std::set<RtpId> lost_;
  guint64 sent_ = 0;
  guint64 arrived_ = 0;
  bool is_cut_ = false;
  bool is_paused_ = false;
  bool is_opened_ = false;
  bool is_arriving_ = false;
  bool is_stopped_ = false;
  GstPtr<GstElement> receiver_;
  GstPtr<GstPad> sink_;
  GstPtr<GstPad> src_;
  std::thread courier_;
};

}  // namespace onair::test
