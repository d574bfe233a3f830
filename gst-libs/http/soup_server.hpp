// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>
#include <libsoup/soup.h>

// What plain servers on libsoup have in common.
namespace onair {

// Listens on an IP address; port 0: any free one. Empty, or why it cannot.
[[nodiscard]] std::string listen_on(SoupServer* server, const std::string& address, guint port);
// Where it listens; 0: nowhere.
[[nodiscard]] guint port_of(SoupServer* server);
// Who has sent it: an IP address.
[[nodiscard]] std::string host_of(SoupServerMessage* message);

}  // namespace onair
