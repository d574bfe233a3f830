// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <algorithm>
#include <array>

namespace onair {

using std::chrono::milliseconds;

namespace {

constexpr std::array<Property<JitterBufferSettings>, 32> kProperties{{
    {"latency", "Latency",
     "Latency to start with, in milliseconds, and the latency for good if not adaptive",
     &JitterBufferSettings::latency_ms},
    {"min-latency", "Least latency",
     "Milliseconds that the latency never falls below; more is calmer, later",
     &JitterBufferSettings::min_latency_ms},
    {"max-latency", "Largest latency",
     "Milliseconds that the latency never exceeds, and the answer to latency queries; packets that "
     "take longer come late or not at all",
     &JitterBufferSettings::max_latency_ms},
    {"adaptive", "Adaptive", "Let the latency follow the network; otherwise it stays at latency",
     &JitterBufferSettings::adaptive},
    {"late-target", "Late target",
     "Share of packets that may come after they were due (release=paced); less is calmer, later",
     &JitterBufferSettings::late_target},
    {"loss-target", "Loss target",
     "Share of packets that may come after they had been given up (release=eager); less waits "
     "longer for the missing",
     &JitterBufferSettings::loss_target},
    {"report-current-latency", "Report current latency",
     "Answer latency queries with the current latency rather than the largest, and post a latency "
     "message whenever it changes",
     &JitterBufferSettings::report_current_latency},
    {"group", "Group",
     "Streams of the same group, anywhere in the process, share the largest latency among them; "
     "unset, streams of one rtpbin and one CNAME do",
     &JitterBufferSettings::group},
    {"max-packets", "Most packets",
     "Packets that are held at most; the oldest are dropped beyond that",
     &JitterBufferSettings::max_packets, 1, 32'768},
    {"max-bytes", "Most bytes", "Bytes that are held at most; the oldest packets go beyond that",
     &JitterBufferSettings::max_bytes},
    {"drop-on-latency", "Drop on latency",
     "Never hold more media than the (largest) latency: drop the oldest packets",
     &JitterBufferSettings::drop_on_latency},
    {"ts-offset", "Timestamp offset", "Nanoseconds that are added to every timestamp",
     &JitterBufferSettings::ts_offset},
    {"max-ts-offset-adjustment", "Largest timestamp offset adjustment",
     "Nanoseconds by which a new ts-offset moves the timestamps per frame; 0 moves them at once",
     &JitterBufferSettings::max_ts_offset_adjustment},
    {"do-lost", "Do lost", "Send a GstRTPPacketLost event downstream for each packet given up",
     &JitterBufferSettings::do_lost},
    {"post-drop-messages", "Post drop messages",
     "Post an element message when packets are dropped because they came too late or because of "
     "drop-on-latency",
     &JitterBufferSettings::post_drop_messages},
    {"drop-messages-interval", "Drop message interval",
     "Least time between two such messages, in milliseconds",
     &JitterBufferSettings::drop_messages_interval_ms},
    {"do-retransmission", "Do retransmission",
     "Send GstRTPRetransmissionRequest events upstream for missing packets",
     &JitterBufferSettings::do_retransmission},
    {"rtx-next-seqnum", "RTX next sequence number",
     "Ask once for the next packet too, before a later one shows that it is missing, when it is "
     "later than any has lately been; repairs the ends of frames sooner, asks in vain when a "
     "sender pauses",
     &JitterBufferSettings::rtx_next_seqnum},
    {"rtx-delay", "RTX delay",
     "Milliseconds from noticing a hole to the first request; -1: none, or as long as reordered "
     "packets have lately taken",
     &JitterBufferSettings::rtx_delay_ms},
    {"rtx-min-delay", "RTX least delay",
     "Milliseconds from noticing a hole to the first request at least",
     &JitterBufferSettings::rtx_min_delay_ms},
    {"rtx-delay-reorder", "RTX delay reorder",
     "Later packets after which a missing one is asked for at once; 0 turns this off",
     &JitterBufferSettings::rtx_delay_reorder},
    {"rtx-retry-timeout", "RTX retry timeout",
     "Milliseconds from one request to the next; -1: 1.2 round trips as measured",
     &JitterBufferSettings::rtx_retry_timeout_ms},
    {"rtx-min-retry-timeout", "RTX least retry timeout",
     "Least milliseconds from one request to the next; -1: 10",
     &JitterBufferSettings::rtx_min_retry_timeout_ms},
    {"rtx-retry-period", "RTX retry period",
     "Milliseconds from noticing a hole to the last request; -1: as long as an answer can be in "
     "time",
     &JitterBufferSettings::rtx_retry_period_ms},
    {"rtx-max-retries", "RTX most requests",
     "Requests for one packet at most; -1: as many as can be in time",
     &JitterBufferSettings::rtx_max_retries},
    {"rtx-deadline", "RTX deadline",
     "Milliseconds from noticing a hole that an answer is of use; -1: as long as the hole is kept "
     "open",
     &JitterBufferSettings::rtx_deadline_ms},
    {"rtx-stats-timeout", "RTX statistics timeout",
     "Milliseconds after a packet has come by itself or has been given up in which an answer still "
     "tells the round trip; more learns longer ones",
     &JitterBufferSettings::rtx_stats_timeout_ms},
    {"max-rtcp-rtp-time-diff", "Largest RTCP-RTP time difference",
     "Milliseconds that the RTP time of a sender report may be ahead of the packets; -1: any",
     &JitterBufferSettings::max_rtcp_rtp_time_diff_ms},
    {"sync-interval", "Sync interval",
     "Least milliseconds between two sender reports that handle-sync tells of; 0: all",
     &JitterBufferSettings::sync_interval_ms},
    {"max-dropout-time", "Longest dropout",
     "Milliseconds of missing packets after which a stream counts as a new one",
     &JitterBufferSettings::max_dropout_time_ms, 0, G_MAXINT},
    {"max-misorder-time", "Longest misorder",
     "Milliseconds that a reordered packet can be behind; older ones count as a new stream",
     &JitterBufferSettings::max_misorder_time_ms},
    {"add-reference-timestamp-meta", "Add NTP metas",
     "Add the sender's NTP time to each buffer, once a sender report has told it",
     &JitterBufferSettings::add_reference_timestamp_meta},
}};

}  // namespace

std::span<const Property<JitterBufferSettings>> jitter_buffer_properties() {
  return kProperties;
}

JitterBuffer::Settings to_core(const JitterBufferSettings& settings) {
  const auto ms = [](auto value) { return Duration{milliseconds{value}}; };
  const auto optional_ms = [&](gint value) {
    return value < 0 ? std::optional<Duration>{} : ms(value);
  };
  const auto max_retries =
      settings.rtx_max_retries < 0 ? std::optional<int>{} : settings.rtx_max_retries;
  // Fixed, the latency is what was asked for, whatever the bounds of the adaptive one.
  const Duration fixed = ms(settings.latency_ms);
  const Duration least = settings.adaptive ? ms(settings.min_latency_ms) : fixed;
  const Duration most = settings.adaptive ? std::max(least, ms(settings.max_latency_ms)) : fixed;
  return {
      .latency = {.release = settings.release,
                  .min_latency = least,
                  .max_latency = most,
                  .initial_latency = std::clamp(ms(settings.latency_ms), least, most),
                  .late_target = settings.late_target,
                  .loss_target = settings.loss_target,
                  .adaptive = settings.adaptive,
                  .repair_hold = std::chrono::seconds{10}},
      .limits = {.max_dropout = ms(settings.max_dropout_time_ms),
                 .max_misorder = ms(settings.max_misorder_time_ms)},
      .retransmission = {.delay = optional_ms(settings.rtx_delay_ms),
                         .min_delay = ms(settings.rtx_min_delay_ms),
                         .delay_reorder = settings.rtx_delay_reorder,
                         .retry_timeout = optional_ms(settings.rtx_retry_timeout_ms),
                         .min_retry_timeout = optional_ms(settings.rtx_min_retry_timeout_ms),
                         .retry_period = optional_ms(settings.rtx_retry_period_ms),
                         .max_retries = max_retries,
                         .deadline = optional_ms(settings.rtx_deadline_ms),
                         .stats_timeout = ms(settings.rtx_stats_timeout_ms)},
      .do_retransmission = settings.do_retransmission,
      .request_next = settings.rtx_next_seqnum,
      .drop_on_latency = settings.drop_on_latency,
      .max_packets = settings.max_packets,
      .max_bytes = settings.max_bytes,
  };
}

}  // namespace onair
