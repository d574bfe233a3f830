// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "jitter_buffer.hpp"
#include "play_range.hpp"
#include "rtp_input.hpp"
#include "sender_clock.hpp"
#include "synchroniser.hpp"

namespace onair {

// What the sender of a stream says of time, by reports, in packets and by RTSP: kept for the packets onto
// which it is written, and made into what handle-sync tells rtpbin.
class SenderTimes {
 public:
  struct Settings {
    Duration interval{0};               // between two handle-syncs, of the sender's wall clock
    std::optional<Duration> max_ahead;  // of a report, before the newest packet; no value: any
  };
  void set_settings(const Settings& settings);

  void on_report(const ParsedReport& report, GstPtr<GstBuffer> packet);
  // Of a report or of RTP-Info that waits for a packet.
  [[nodiscard]] bool has_news() const { return pending_ || synchroniser_.expects_rtp_info(); }
  // What handle-sync is to tell, or null. By a report, once a packet has come:
  StructurePtr take_report(const MediaClock& clock);
  // by a packet of the stream that says its NTP time (RFC 6051):
  StructurePtr take_packet_time(const JitterBuffer::Packet& packet, NtpTime ntp,
                                const MediaClock& clock);
  // by RTP-Info, until one of the others tells more.
  StructurePtr take_rtp_info(std::uint32_t ssrc, const JitterBuffer& buffer);

  // As the packet goes out.
  void on_capture_time(const JitterBuffer::Release& release, NtpTime ntp);
  void on_resync() { clock_.forget_capture_time(); }
  [[nodiscard]] std::optional<SenderClock::Statement> at(
      const JitterBuffer::Release& release) const {
    return clock_.at(release.ssrc, release.ticks, release.clock_rate);
  }

  // False: that is nothing new.
  bool learn_cname(std::string cname);
  bool learn_range(const PlayRange& range);
  // What was said until now spoke of another time line.
  void on_new_stream();
  // Forgets all but CNAME and range.
  void reset();

  [[nodiscard]] const std::string& cname() const { return cname_; }
  [[nodiscard]] const PlayRange& range() const { return range_; }
  [[nodiscard]] std::uint64_t capture_times() const { return capture_times_; }

 private:
  struct Pending {
    ParsedReport report;
    GstPtr<GstBuffer> packet;
  };
  [[nodiscard]] StructurePtr make(std::uint32_t ssrc, std::int64_t ticks,
                                  const MediaClock& clock) const;

  Settings settings_;
  SenderClock clock_;
  Synchroniser synchroniser_;
  std::optional<Pending> pending_;
  std::string cname_;
  PlayRange range_;
  std::uint64_t capture_times_ = 0;  // packets that told one
};

}  // namespace onair
