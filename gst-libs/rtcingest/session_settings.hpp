// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

#include "rtcingest/listen_element.hpp"
#include "rtcingest/publisher_place.hpp"

namespace onair {

// What properties say of the sessions of publishers; the values here are their defaults.
struct SessionSettings {
  std::string jitterbuffer = "rtpadaptivejitterbuffer";
  guint latency_ms = 600;
  std::string stun_server;
  std::string turn_server;
  guint min_rtp_port = 0;
  guint max_rtp_port = 65535;
  guint64 idle_timeout = 10 * GST_SECOND;
  guint64 connect_timeout = 15 * GST_SECOND;
  guint64 takeover_time = 2 * GST_SECOND;
  guint64 silence_time = 0;
  guint64 gathering_timeout = 2 * GST_SECOND;
  guint64 keyframe_interval = 0;
  bool send_eos = false;
  bool simulcast = false;
};

// For sessions in a bin that has the pads of add_publisher_pads().
[[nodiscard]] PublisherPlace::Config make_config(GstBin* bin, const SessionSettings& settings);
// Everything that a session will need, to be asked for before the first publisher comes.
[[nodiscard]] std::vector<RequiredElement> required_elements(const SessionSettings& settings);

}  // namespace onair
