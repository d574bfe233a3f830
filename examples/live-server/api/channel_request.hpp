// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "api/rtp_request.hpp"
#include "json_fields.hpp"
#include "renditions.hpp"

namespace live {

// What a new channel shall be, as both faces of the API and the state file have it. What is left
// out is as the server's settings say.
struct ChannelRequest {
  HlsList hls;
  std::optional<std::string>
      encrypt_key_uri;  // whom players ask for keys; none: nothing is encrypted
  std::optional<std::string> auth_webhook_url;   // who decides on publishers; none: the token does
  std::optional<std::string> event_webhook_url;  // who is told; none: nobody
  std::optional<double> hold_seconds;  // how long a publisher who is away is waited for, 0 to 3600
  std::optional<double> time_shift_hours;  // how far viewers can go back, 0 to 168
  std::optional<bool> low_latency;
  std::optional<RtpRequest> rtp;  // none: publishers come by themselves
  bool is_multi = false;          // any number of publishers, each with a playlist
  friend bool operator==(const ChannelRequest&, const ChannelRequest&) = default;
};

// Reads it from the body of a request, or from a state file. Never throws.
std::variant<ChannelRequest, FieldError> read_channel_request(std::string_view body);
// What reads as the same again.
Json to_json(const ChannelRequest& request);

}  // namespace live
