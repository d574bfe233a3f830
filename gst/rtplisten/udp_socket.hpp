// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <variant>

#include <gio/gio.h>

#include "glue/gstptr.hpp"
#include "learned_stream.hpp"

namespace onair::rtplisten {

// A UDP socket that is bound to this address and port (0: any free one), and has joined the group if it is one;
// or why there is none.
std::variant<GstPtr<GSocket>, std::string> bind_udp(const std::string& address, guint port);
// 0 when it is not bound.
guint local_port(GSocket* socket);

std::optional<Address> to_address(const std::string& text);
std::optional<Sender> to_sender(GSocketAddress* address);
// "192.0.2.1"; also of one that was mapped into IPv6.
std::string to_text(const Address& address);

}  // namespace onair::rtplisten
