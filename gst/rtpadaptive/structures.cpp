// SPDX-License-Identifier: LGPL-2.1-or-later
#include "structures.hpp"

#include <algorithm>
#include <chrono>

#include "glue/gsttime.hpp"

namespace onair {

namespace {

guint whole_ms(Duration duration) {
  return static_cast<guint>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
}

}  // namespace

GstStructure* make_stats(const JitterBuffer& buffer, std::uint64_t invalid,
                         std::uint64_t capture_times) {
  const auto& stats = buffer.stats();
  const auto& rtx = buffer.retransmission_stats();
  const auto& latency = buffer.latency_stats();
  return gst_structure_new(
      // Stock's fields, in its units (times in nanoseconds).
      "application/x-rtp-jitterbuffer-stats", "num-pushed", G_TYPE_UINT64, stats.pushed, "num-lost",
      G_TYPE_UINT64, stats.lost, "num-late", G_TYPE_UINT64, stats.late, "num-duplicates",
      G_TYPE_UINT64, stats.duplicates, "avg-jitter", G_TYPE_UINT64, to_gst(stats.jitter),
      "rtx-count", G_TYPE_UINT64, rtx.requests, "rtx-success-count", G_TYPE_UINT64, rtx.successes,
      "rtx-per-packet", G_TYPE_DOUBLE, rtx.per_packet, "rtx-rtt", G_TYPE_UINT64,
      to_gst(buffer.round_trip().value_or(Duration{0})),
      // Ours.
      "latency", G_TYPE_UINT64, to_gst(buffer.latency()), "late-packets", G_TYPE_UINT64,
      latency.late_packets, "late-units", G_TYPE_UINT64, latency.late_units, "units", G_TYPE_UINT64,
      latency.units, "num-empty", G_TYPE_UINT64, stats.empty, "num-invalid", G_TYPE_UINT64, invalid,
      "num-capture-times", G_TYPE_UINT64, capture_times, "num-refused", G_TYPE_UINT64,
      stats.refused, "num-overflowed", G_TYPE_UINT64, stats.overflowed, "num-restarts",
      G_TYPE_UINT64, stats.restarts, "packets", G_TYPE_UINT64, guint64{buffer.packets()}, "bytes",
      G_TYPE_UINT64, guint64{buffer.bytes()}, "drift-ppm", G_TYPE_DOUBLE, buffer.drift().ppm(),
      nullptr);
}

GstEvent* make_request_event(const JitterBuffer::Request& request, Duration deadline) {
  const auto& core = request.request;
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT, guint{request.number},
                        "running-time", G_TYPE_UINT64, to_gst(core.expected), "delay", G_TYPE_UINT,
                        whole_ms(core.delay), "retry", G_TYPE_UINT, static_cast<guint>(core.retry),
                        "frequency", G_TYPE_UINT, whole_ms(core.retry_timeout), "period",
                        G_TYPE_UINT, whole_ms(core.retry_period), "deadline", G_TYPE_UINT,
                        whole_ms(deadline), "packet-spacing", G_TYPE_UINT64,
                        to_gst(request.packet_spacing), "avg-rtt", G_TYPE_UINT,
                        whole_ms(core.round_trip), nullptr));
}

GstEvent* make_lost_event(const JitterBuffer::Lost& lost, GstClockTime timestamp) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("GstRTPPacketLost", "seqnum", G_TYPE_UINT, guint{lost.sequence},
                        "timestamp", G_TYPE_UINT64, timestamp, "duration", G_TYPE_UINT64,
                        to_gst(lost.duration), "retry", G_TYPE_UINT,
                        static_cast<guint>(lost.requests), nullptr));
}

GstStructure* make_sync(std::uint32_t ssrc, const MediaClock& clock, RunningTime base_time,
                        const PlayRange& range, const std::string& cname) {
  GstStructure* sync = gst_structure_new(
      "application/x-rtp-sync", "base-rtptime", G_TYPE_UINT64,
      static_cast<guint64>(clock.anchor_ticks()), "base-time", G_TYPE_UINT64, to_gst(base_time),
      "clock-rate", G_TYPE_UINT, clock.rate(),
      // None is the largest of 32 bits, as later versions of stock write it.
      "clock-base", G_TYPE_UINT64, guint64{range.first_rtp_time.value_or(G_MAXUINT32)}, "npt-start",
      G_TYPE_UINT64, to_gst(range.npt_start), "ssrc", G_TYPE_UINT, ssrc, nullptr);
  if (!cname.empty())
    gst_structure_set(sync, "cname", G_TYPE_STRING, cname.c_str(), nullptr);
  return sync;
}

void add_report(GstStructure* sync, std::optional<std::int64_t> ticks, NtpTime ntp,
                GstBuffer* report) {
  gst_structure_set(sync, "sr-ext-rtptime", G_TYPE_UINT64, static_cast<guint64>(ticks.value_or(-1)),
                    "sr-ntpnstime", G_TYPE_UINT64, to_gst(ntp.time_since_epoch()), "sr-buffer",
                    GST_TYPE_BUFFER, report, nullptr);
}

void add_packet_time(GstStructure* sync, std::int64_t ticks, NtpTime ntp) {
  gst_structure_set(sync, "inband-ext-rtptime", G_TYPE_UINT64, static_cast<guint64>(ticks),
                    "inband-ntpnstime", G_TYPE_UINT64, to_gst(ntp.time_since_epoch()), nullptr);
}

GstMessage* make_drop_message(GstElement* element, const char* reason, std::uint16_t sequence,
                              GstClockTime timestamp, const DropCounts& drops) {
  return gst_message_new_element(
      GST_OBJECT(element),
      gst_structure_new("drop-msg", "seqnum", G_TYPE_UINT, guint{sequence}, "timestamp",
                        GST_TYPE_CLOCK_TIME, timestamp, "reason", G_TYPE_STRING, reason,
                        "num-too-late", G_TYPE_UINT, drops.too_late, "num-drop-on-latency",
                        G_TYPE_UINT, drops.on_latency, nullptr));
}

}  // namespace onair
