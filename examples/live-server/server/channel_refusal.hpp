// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "api/channels.hpp"

namespace live {

// What a server can do for a channel now.
struct Abilities {
  bool is_closing = false;
  std::size_t channels = 0;  // that there are
  std::size_t max_channels = 0;
  bool has_webhook_secret = false;  // to sign with
  bool encrypts = false;
  bool has_rtp = false;  // channels that an SFU feeds
  std::function<bool(const std::string& id)> has_destination;
};

// Why it does not make one, if it doesn't. Pure.
std::optional<ApiProblem> refusal_of(const ChannelRequest& request, const Abilities& abilities);

}  // namespace live
