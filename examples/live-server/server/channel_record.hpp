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
  // That this is a connection of, whose id begins with it; empty: it is a channel itself.
  std::string channel;
  std::chrono::system_clock::time_point created;
  std::string publish_token;
  ChannelRequest request;
  RtpPorts rtp;            // that it has, where an SFU feeds it
  bool is_on_air = false;  // viewers expect more of its playlist
  bool is_paused = false;  // nobody can publish until it is resumed
  bool has_ended = false;
  unsigned broadcasts = 0;  // that have begun, so far

  [[nodiscard]] bool is_connection() const { return !channel.empty(); }
  // A channel of which each publisher has a connection.
  [[nodiscard]] bool takes_several() const { return request.is_multi && !is_connection(); }
  // What the API calls them.
  [[nodiscard]] const std::string& channel_id() const { return channel.empty() ? id : channel; }
  [[nodiscard]] std::string connection_id() const;

  friend bool operator==(const ChannelRecord&, const ChannelRecord&) = default;
};

// The id of a record of a connection.
std::string id_of_connection(const std::string& channel, const std::string& connection_id);

// By id, where somebody who may publish goes: to the channel or, where it takes several, to a connection of his own.
std::string place_of(const ChannelRecord& channel, const std::string& connection_id);

std::string to_text(const ChannelRecord& record);
// An error is a sentence for the log.
std::variant<ChannelRecord, std::string> read_channel_record(std::string_view text);

}  // namespace live
