// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "workload.hpp"

namespace onair::benchmark {

// The path without a jitter buffer: what the rig itself costs.
constexpr const char* kNoElement = "none";

struct Property {
  std::string name;
  std::string value;
};

// One element between a pad that is pushed into and a pad that counts, with a clock that steps from
// arrival to arrival. Buffers are made beforehand.
class JitterBufferRig {
 public:
  struct Config {
    std::string factory = "rtpjitterbuffer";
    std::vector<Property> properties;  // those the element lacks are left out
    // How many packets may arrive before those that can leave must have left. With 1 the threads
    // alternate as they do on a slow network, and instructions hardly vary.
    std::size_t stride = 1;
    // See stepped_clock_advance(). Under valgrind a thread takes its time.
    std::chrono::milliseconds patience{20};
  };
  JitterBufferRig(const Config& config, const Workload& workload, std::size_t packets);
  ~JitterBufferRig();
  JitterBufferRig(const JitterBufferRig&) = delete;
  JitterBufferRig& operator=(const JitterBufferRig&) = delete;

  // The next `count` packets.
  void push(std::size_t count);
  // Until everything pushed so far has left or was given up.
  void drain();

  [[nodiscard]] std::size_t buffers_out();
  [[nodiscard]] std::size_t lost_events() const { return lost_events_; }
  [[nodiscard]] std::size_t retransmission_requests() const { return requests_; }

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer) noexcept;
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event) noexcept;
  static gboolean on_upstream_event(GstPad* pad, GstObject* parent, GstEvent* event) noexcept;
  void send_opening_events(const Workload& workload);
  void wait_for(std::size_t buffers);

  const std::size_t stride_;
  const std::chrono::milliseconds patience_;
  GstPtr<GstElement> element_;
  std::vector<Arrival> arrivals_;
  std::vector<GstPtr<GstBuffer>> buffers_;
  std::size_t next_ = 0;
  GstPtr<GstClock> clock_;
  GstPtr<GstPad> source_;
  GstPtr<GstPad> sink_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t buffers_out_ = 0;
  std::size_t waited_for_ = 0;

  std::atomic<std::size_t> lost_events_ = 0;
  std::atomic<std::size_t> requests_ = 0;
};

}  // namespace onair::benchmark
