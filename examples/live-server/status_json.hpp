// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "channel.hpp"
#include "json_fields.hpp"

namespace live {

// What a page or an operator reads of a channel: state, broadcast, streams, segments, latency, renditions, message.
Json to_json(const Channel::Status& status);

}  // namespace live
