// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "patience.hpp"

namespace onair::test {

// A consumer that is nothing but a sink pad: it notes what arrives and does with a buffer what the
// test wants.
class PadSink {
 public:
  enum class Manner {
    Takes,    // every buffer, at once
    Fails,    // GST_FLOW_ERROR for every buffer
    Blocks,   // keeps the first buffer's thread until release()
    Settles,  // every buffer, with the caps of the first and no others
    Ponders   // the same with the segment, as one does that sets a decoder up
  };
  struct Seen {
    guint64 buffers = 0;
    guint64 idrs = 0;  // H.264 RTP packets with (the start of) an IDR slice
    guint64 packets_before_idr = 0;
    std::string caps;
    bool has_stream_start = false;
    bool has_segment = false;
    bool has_eos = false;
    bool has_buffer_after_eos = false;
    bool is_blocking = false;
    gint64 missing = 0;  // sequence numbers that were passed over
    std::optional<guint16> last_sequence;
  };

  explicit PadSink(Manner manner = Manner::Takes);
  ~PadSink();  // releases a blocked thread
  PadSink(const PadSink&) = delete;
  PadSink& operator=(const PadSink&) = delete;

  [[nodiscard]] GstPad* pad() const { return pad_.get(); }
  [[nodiscard]] Seen seen();
  // Waits until `is_true` of what was seen; false when it does not come to that.
  bool wait(const std::function<bool(const Seen&)>& is_true, std::chrono::milliseconds = kPatience);
  // Waits for `count` buffers more than there are now.
  bool wait_for_more(guint64 count);
  void release();
  // Like the pad of an element that goes to READY.
  void stop();

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);

  const Manner manner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Seen seen_;
  bool is_released_ = false;
  GstPtr<GstPad> pad_;
};

}  // namespace onair::test
