// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>

#include <gst/gst.h>

#include "glue/properties.hpp"
#include "jitter_buffer.hpp"

namespace onair {

// What the properties set; the values here are their defaults. Those that stock rtpjitterbuffer has
// too have its names, types and, but for add-reference-timestamp-meta and rtx-next-seqnum, defaults.
struct JitterBufferSettings {
  guint latency_ms = 200;
  guint min_latency_ms = 0;
  guint max_latency_ms = 600;
  bool adaptive = true;
  double late_target = 0.001;
  double loss_target = 0.001;
  bool report_current_latency = false;
  std::string group;
  guint max_packets = 10'000;
  guint64 max_bytes = guint64{64} << 20;
  bool drop_on_latency = false;
  gint64 ts_offset = 0;
  guint64 max_ts_offset_adjustment = 0;
  bool do_lost = false;
  bool post_drop_messages = false;
  guint drop_messages_interval_ms = 200;
  bool do_retransmission = false;
  bool rtx_next_seqnum = false;
  gint rtx_delay_ms = -1;
  guint rtx_min_delay_ms = 0;
  gint rtx_delay_reorder = 3;
  gint rtx_retry_timeout_ms = -1;
  gint rtx_min_retry_timeout_ms = -1;
  gint rtx_retry_period_ms = -1;
  gint rtx_max_retries = -1;
  gint rtx_deadline_ms = -1;
  guint rtx_stats_timeout_ms = 1000;
  gint max_rtcp_rtp_time_diff_ms = 1000;
  guint sync_interval_ms = 0;
  guint max_dropout_time_ms = 60'000;
  guint max_misorder_time_ms = 2000;
  bool add_reference_timestamp_meta = true;
  LatencyController::Release release = LatencyController::Release::Eager;
};

// All but `release`, in the order of their ids from 1 on.
std::span<const Property<JitterBufferSettings>> jitter_buffer_properties();

JitterBuffer::Settings to_core(const JitterBufferSettings& settings);

}  // namespace onair
