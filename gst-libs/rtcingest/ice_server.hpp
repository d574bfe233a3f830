// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onair {

// What a publisher needs to know of a STUN or TURN server, as RTCIceServer has it.
struct IceServer {
  std::string url;       // stun:host:port, turn(s):host:port?transport=udp
  std::string username;  // without the escapes of the URI; empty when there is none
  std::string credential;
};

// From stun://host:port and turn(s)://user:password@host:port as webrtcbin takes them; empty ones are left out.
std::vector<IceServer> ice_servers(std::string_view stun_server, std::string_view turn_server);

}  // namespace onair
