// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include <gst/gst.h>

#include "jitter_buffer.hpp"
#include "play_range.hpp"
#include "sender_report.hpp"

namespace onair {

// What others are told, in the names, types and units of stock rtpjitterbuffer. What is returned is the
// caller's.

GstStructure* make_stats(const JitterBuffer& buffer, std::uint64_t invalid,
                         std::uint64_t capture_times);

// GstRTPRetransmissionRequest, which rtprtxreceive or rtpsession turns into RTCP.
GstEvent* make_request_event(const JitterBuffer::Request& request, Duration deadline);

// GstRTPPacketLost, by which depayloaders and decoders know that something is missing.
GstEvent* make_lost_event(const JitterBuffer::Lost& lost, GstClockTime timestamp);

// What handle-sync hands to rtpbin. `report` is the packet that `said` is from.
GstStructure* make_sync(const Synchronisation& result, const SenderReport& said, GstBuffer* report,
                        std::uint32_t clock_rate, const PlayRange& range, const std::string& cname);

// Why packets were dropped since the last message about it.
struct DropCounts {
  guint too_late = 0;
  guint on_latency = 0;
};
GstMessage* make_drop_message(GstElement* element, const char* reason, std::uint16_t sequence,
                              GstClockTime timestamp, const DropCounts& drops);

}  // namespace onair
