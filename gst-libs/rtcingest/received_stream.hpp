// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/keyframe.hpp"
#include "rtcingest/negotiation.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/stream_monitor.hpp"

namespace onair {

// One stream of a publisher behind its jitter buffer: counts its packets, asks for key frames, and
// lets it out of the bin.
class ReceivedStream {
 public:
  struct Config {
    GstBin* bin = nullptr;  // gets the outlet
    GstPadTemplate* pad_template = nullptr;
    MediaKind kind = MediaKind::Audio;
    Duration keyframe_interval{};
    GstPtr<GstElement> jitterbuffer;  // before it; null if not known
    std::function<ClockTime()> now;
  };
  struct Stats {
    MediaKind kind;
    StreamMonitor::Stats received;
    guint keyframe_requests = 0;
    std::shared_ptr<GstStructure> jitterbuffer;  // its own statistics; null if it has none
  };

  // Begins with `source`, a pad that has caps and no data yet. Streaming thread. Null when an element
  // is missing.
  static std::shared_ptr<ReceivedStream> create(Config config, GstPad* source);

  [[nodiscard]] MediaKind kind() const { return config_.kind; }
  [[nodiscard]] const std::shared_ptr<Outlet>& outlet() const { return outlet_; }
  [[nodiscard]] Stats stats();  // any thread

 private:
  struct Shared {
    StreamMonitor monitor;
    KeyframeRequester requester;
    guint keyframe_requests = 0;
  };

  explicit ReceivedStream(Config config);
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void on_packet(GstPad* pad, GstBuffer* buffer);  // streaming thread

  const Config config_;
  std::shared_ptr<Outlet> outlet_;
  Guarded<Shared> shared_;
};

}  // namespace onair
