// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/keyframe.hpp"
#include "rtcingest/negotiation.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/stream_monitor.hpp"

namespace onair {

// One stream of a publisher behind its jitter buffer: counts its packets and asks for key frames. It may go
// on with another SSRC, which is asked for its first key frame, too.
class ReceivedStream {
 public:
  struct Config {
    MediaKind kind = MediaKind::Audio;
    std::shared_ptr<Outlet> outlet;  // of this stream, and of those whose layer it goes on with
    Duration keyframe_interval{};
    GstPtr<GstElement> jitterbuffer;  // before it; null if not known
    std::function<ClockTime()> now;
  };
  struct Stats {
    MediaKind kind;
    std::string pad_name;
    std::string rid;  // of a layer
    StreamMonitor::Stats received;
    guint keyframe_requests = 0;                 // that somebody has taken
    std::shared_ptr<GstStructure> jitterbuffer;  // its own statistics; null if it has none
  };

  // Begins with `source`, a pad that has no data yet, and that leads to the outlet. Streaming thread.
  static std::shared_ptr<ReceivedStream> create(Config config, GstPad* source);

  [[nodiscard]] MediaKind kind() const { return config_.kind; }
  [[nodiscard]] const std::shared_ptr<Outlet>& outlet() const { return config_.outlet; }
  [[nodiscard]] Stats stats();  // any thread
  // To be called by whoever has given it a jitter buffer whose own pad is `source`: each keeps the other.
  void forget_jitterbuffer() { jitterbuffer_.set({}); }

 private:
  struct Shared {
    std::optional<guint32> ssrc;
    StreamMonitor::Stats former;  // of the SSRCs before
    StreamMonitor monitor;
    KeyframeRequester requester;
    guint keyframe_requests = 0;
  };

  explicit ReceivedStream(Config config);
  [[nodiscard]] Shared fresh() const;
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void on_packet(GstPad* pad, GstBuffer* buffer);  // streaming thread

  Config config_;  // as it was given, but for the jitter buffer
  Guarded<GstPtr<GstElement>> jitterbuffer_;
  Guarded<Shared> shared_;
};

}  // namespace onair
