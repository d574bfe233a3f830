// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// What feeds one sink pad of an element: a source pad that the test pushes by hand. It notes what
// comes upstream, and answers a latency query as a source with 7 to 8 ms would.
class PadFeeder {
 public:
  PadFeeder();
  ~PadFeeder();
  PadFeeder(const PadFeeder&) = delete;
  PadFeeder& operator=(const PadFeeder&) = delete;

  [[nodiscard]] GstPad* feeder() const { return pad_.get(); }
  void feed(GstPad* sink);  // links them
  // Nothing can be pushed any more, and nobody is at it.
  void stop_feeding() { gst_pad_set_active(feeder(), FALSE); }

  // stream-start, caps and segment, as at the start of each stream. Empty: without caps.
  void open_stream(const std::string& caps, const std::string& stream_id = "stream");
  void push_caps(const std::string& caps);
  void push_segment(GstClockTime start = 0, GstClockTime base = 0);
  bool push_event(GstEvent* event) { return gst_pad_push_event(feeder(), event) != FALSE; }
  bool push_custom(const char* name);  // a serialized event
  GstFlowReturn push_buffer(GstPtr<GstBuffer> buffer) {
    return gst_pad_push(feeder(), buffer.release());
  }

  // What went upstream, by what event_name() calls it.
  bool wait_for_upstream(const std::string& name, std::size_t count = 1);
  [[nodiscard]] std::vector<GstPtr<GstEvent>> upstream(const std::string& name);

  bool is_live = true;  // to be set before anybody asks

 private:
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);

  GstPtr<GstPad> pad_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GstPtr<GstEvent>> upstream_;
};

}  // namespace onair::test
