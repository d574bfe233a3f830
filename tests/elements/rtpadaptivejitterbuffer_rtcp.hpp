// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gst/rtp/gstrtcpbuffer.h>

#include "glue/gstptr.hpp"
#include "reference_timestamp.hpp"
#include "rtpadaptivejitterbuffer_bench.hpp"

namespace onair::test {

constexpr guint64 kRange32 = guint64{1} << 32;
constexpr guint64 kNtpSeconds = 3'900'000'000;  // since 1900

// A sender report: the stream's RTP time at NTP second kNtpSeconds + `after`.
struct Report {
  guint32 rtp_time = RtpPacket{0}.rtp_time;
  guint32 ssrc = kSsrc;
  guint64 after = 0;
  std::string cname;
  [[nodiscard]] GstPtr<GstBuffer> make() const {
    auto buffer = GstPtr<GstBuffer>::adopt(gst_rtcp_buffer_new(1400));
    GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
    gst_rtcp_buffer_map(buffer.get(), GST_MAP_READWRITE, &rtcp);
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SR, &packet);
    gst_rtcp_packet_sr_set_sender_info(&packet, ssrc, (kNtpSeconds + after) << 32, rtp_time, 0, 0);
    if (!cname.empty()) {
      gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SDES, &packet);
      gst_rtcp_packet_sdes_add_item(&packet, ssrc);
      gst_rtcp_packet_sdes_add_entry(&packet, GST_RTCP_SDES_CNAME,
                                     static_cast<guint8>(cname.size()),
                                     reinterpret_cast<const guint8*>(cname.data()));
    }
    gst_rtcp_buffer_unmap(&rtcp);
    return buffer;
  }
};

// The element's sink_rtcp, and what handle-sync says.
class Rtcp {
 public:
  explicit Rtcp(JitterBufferBench& bench)
      : bench_{bench},
        pad_{GstPtr<GstPad>::adopt(gst_element_request_pad_simple(bench.element(), "sink_rtcp"))} {
    g_signal_connect(bench.element(), "handle-sync", G_CALLBACK(on_sync), this);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_send_event(pad(), gst_event_new_stream_start("rtcp"));
    gst_pad_send_event(pad(), gst_event_new_segment(&segment));
  }
  ~Rtcp() {
    g_signal_handlers_disconnect_by_data(bench_.element(), this);
    gst_element_release_request_pad(bench_.element(), pad_.get());
  }
  Rtcp(const Rtcp&) = delete;
  Rtcp& operator=(const Rtcp&) = delete;

  [[nodiscard]] GstPad* pad() const { return pad_.get(); }
  GstFlowReturn receive(const Report& report) { return receive(report.make()); }
  GstFlowReturn receive(GstPtr<GstBuffer> buffer) { return gst_pad_chain(pad(), buffer.release()); }
  [[nodiscard]] std::size_t syncs() const { return syncs_.size(); }
  [[nodiscard]] const GstStructure* last() const { return syncs_.back().get(); }

 private:
  static void on_sync(GstElement*, GstStructure* sync, gpointer data) {
    static_cast<Rtcp*>(data)->syncs_.emplace_back(gst_structure_copy(sync));
  }
  JitterBufferBench& bench_;
  GstPtr<GstPad> pad_;
  std::vector<StructurePtr> syncs_;
};

inline std::optional<GstClockTime> ntp_of(const JitterBufferBench::Item& packet) {
  return reference_timestamp(packet.buffer.get(), "timestamp/x-ntp");
}

}  // namespace onair::test
