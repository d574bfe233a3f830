// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "json_fields.hpp"

namespace live {

// Of a channel that an SFU feeds: plain RTP, forwarded to UDP ports of ours.
struct RtpRequest {
  struct Stream {
    unsigned port = 0;                     // 0: any free one
    std::optional<unsigned> rtcp_port;     // none: there is no RTCP; 0: any free one
    std::optional<unsigned> payload_type;  // none: learned, as the SSRC is
    std::optional<unsigned> ssrc;
    friend bool operator==(const Stream&, const Stream&) = default;
  };

  std::optional<Stream> audio;  // one of them is there
  std::optional<Stream> video;
  std::string from;  // IP address of who may send; empty: everybody who reaches the ports
  friend bool operator==(const RtpRequest&, const RtpRequest&) = default;
};

RtpRequest read_rtp_request(const Json& json, const std::string& path, FieldError& error);
// What reads as the same again.
Json to_json(const RtpRequest& request);

// Where it is taken.
struct RtpPorts {
  unsigned audio = 0;  // 0: there is none
  unsigned audio_rtcp = 0;
  unsigned video = 0;
  unsigned video_rtcp = 0;
  friend bool operator==(const RtpPorts&, const RtpPorts&) = default;
};
// {"audio":{"port","rtcp_port"},"video":{…}}, without what is not there.
Json to_json(const RtpPorts& ports);
RtpPorts read_rtp_ports(const Json& json);

}  // namespace live
