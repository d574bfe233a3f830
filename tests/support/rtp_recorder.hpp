// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "rtp_jitterbuffer.hpp"

namespace onair::test {

// The end of a stream of RTP packets: a sink pad that notes each of them.
class RtpRecorder {
 public:
  struct Packet {
    guint32 ssrc = 0;
    guint8 payload_type = 0;
    guint16 sequence = 0;
    guint32 rtp_time = 0;
    GstClockTime pts = GST_CLOCK_TIME_NONE;
    bool is_discont = false;
  };

  RtpRecorder();
  ~RtpRecorder();
  RtpRecorder(const RtpRecorder&) = delete;
  RtpRecorder& operator=(const RtpRecorder&) = delete;

  [[nodiscard]] GstPad* pad() const { return pad_.get(); }
  [[nodiscard]] std::vector<Packet> packets();
  // What GstRTPPacketLost events were made of; empty before the first.
  [[nodiscard]] FieldTypes lost_event_fields();
  [[nodiscard]] guint64 lost_events();
  bool wait_for_packets(std::size_t count);
  // For as many as there are, and so many more.
  bool wait_for_more(std::size_t count);
  bool wait_for_lost_events(guint64 count);

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  bool wait(const std::function<bool()>& is_true);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Packet> packets_;
  FieldTypes lost_event_fields_;
  guint64 lost_events_ = 0;
  GstPtr<GstPad> pad_;
};

}  // namespace onair::test
