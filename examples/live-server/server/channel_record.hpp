// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "api/channel_request.hpp"

namespace live {

// What outlives the server of a channel: its state file.
struct ChannelRecord {
  std::string id;
  std::chrono::system_clock::time_point created;
  std::string publish_token;
  ChannelRequest request;
  RtpPorts rtp;            // that it has, where an SFU feeds it
  bool is_on_air = false;  // viewers expect more of its playlist
  bool has_ended = false;
  unsigned broadcasts = 0;  // that have begun, so far

  friend bool operator==(const ChannelRecord&, const ChannelRecord&) = default;
};

std::string to_text(const ChannelRecord& record);
// An error is a sentence for the log.
std::variant<ChannelRecord, std::string> read_channel_record(std::string_view text);

}  // namespace live
