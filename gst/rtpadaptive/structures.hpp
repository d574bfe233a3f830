// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "jitter_buffer.hpp"
#include "media_clock.hpp"
#include "play_range.hpp"

namespace onair {

// What others are told, in the names, types and units of stock rtpjitterbuffer. What is returned is the
// caller's.

GstStructure* make_stats(const JitterBuffer& buffer, std::uint64_t invalid,
                         std::uint64_t capture_times);

// GstRTPRetransmissionRequest, which rtprtxreceive or rtpsession turns into RTCP.
GstEvent* make_request_event(const JitterBuffer::Request& request, Duration deadline);

// GstRTPPacketLost, by which depayloaders and decoders know that something is missing.
GstEvent* make_lost_event(const JitterBuffer::Lost& lost, GstClockTime timestamp);

// What handle-sync hands to rtpbin: how RTP times of a stream become PTS, what RTSP said of it ...
GstStructure* make_sync(std::uint32_t ssrc, const MediaClock& clock, RunningTime base_time,
                        const PlayRange& range, const std::string& cname);
// ... and the wall clock at some RTP time, as a report said it, or a packet. No ticks: the report is
// further ahead of the packets than is plausible.
void add_report(GstStructure* sync, std::optional<std::int64_t> ticks, NtpTime ntp,
                GstBuffer* report);
void add_packet_time(GstStructure* sync, std::int64_t ticks, NtpTime ntp);

// Why packets were dropped since the last message about it.
struct DropCounts {
  guint too_late = 0;
  guint on_latency = 0;
};
GstMessage* make_drop_message(GstElement* element, const char* reason, std::uint16_t sequence,
                              GstClockTime timestamp, const DropCounts& drops);

}  // namespace onair
