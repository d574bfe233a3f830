// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/ip_address.hpp"

namespace live {

// As a request came, with headers that whoever sent it has written: empty where there are none.
struct ReceivedRequest {
  std::optional<IpAddress> peer;  // none of a connection that is closing
  std::string_view scheme;        // "http" or "https"
  std::string_view host;          // Host
  std::string_view forwarded_for;
  std::string_view forwarded_proto;
  std::string_view forwarded_host;
};

// Who asks, and how he has reached us.
struct Client {
  std::optional<IpAddress> address;
  std::string scheme;
  std::string host;  // and port; empty if what was sent is none
};

// X-Forwarded-* are taken from proxies that are trusted, and from nobody else. Each of them has added to their right
// whom it heard; the client is the rightmost who is no proxy of ours, and what stands to his left he has made up.
Client client_of(const ReceivedRequest& request, const IpNetworks& trusted);

}  // namespace live
