// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rtcingest/negotiation.hpp"
#include "rtcingest/sdpfrag.hpp"

// WHIP (RFC 9725) without a network: a request and what the endpoint is doing go in, what to do
// comes out. Section numbers below are of RFC 9725.
namespace onair::whip {

struct Request {
  std::string method;
  std::string path;
  std::string content_type;   // without parameters, lower case
  std::string accept;         // as sent; empty when absent
  std::string authorization;  // as sent; empty when absent
  std::string if_match;       // as sent; empty when absent
  std::string body;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  unsigned status = 500;
  Headers headers;
  std::string content_type;
  std::string body;
};

// An RFC 9457 problem document. `detail` is a sentence for the publisher's developer.
Response problem(unsigned status, std::string_view detail, Headers headers = {});

// The session that holds the endpoint, if one does.
struct SessionState {
  std::string id;
  std::string etag;  // with its quotes
  IceCredentials remote;
  // It had been sending and has been silent for so long that a newcomer may have its place.
  bool is_replaceable = false;
};

struct EndpointState {
  std::string path = "/whip";
  std::string token;  // empty: everybody may publish
  bool is_ready = false;
  bool takes_simulcast = false;
  std::optional<SessionState> session;
  Headers ice_servers;  // Link headers, section 4.6
};

// What a request asks for, when it is in order.
struct Publish {
  Plan plan;
};
struct Trickle {
  SdpFragment fragment;
};
struct RestartIce {
  SdpFragment fragment;
};
struct Terminate {};
using Action = std::variant<Response, Publish, Trickle, RestartIce, Terminate>;

Action handle(const Request& request, const EndpointState& endpoint);

// Answers to the actions, when they have succeeded.
Response published(const EndpointState& endpoint, const SessionState& session, std::string answer);
Response trickled();
Response restarted(const SessionState& session, const Plan& plan, const SdpFragment& ours);
Response terminated();

// On every response of ours, so that a page from another origin can publish (section 4.7).
Headers cors_headers();

// "Link" headers from stun://host:port and turn(s)://user:password@host:port; empty ones are left
// out (section 4.6).
Headers ice_server_links(std::string_view stun_server, std::string_view turn_server);

}  // namespace onair::whip
