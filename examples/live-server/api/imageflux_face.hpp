// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "api/api_message.hpp"
#include "api/archives.hpp"
#include "api/channels.hpp"

// Channels as ImageFlux Live Streaming's clients ask for them: POST / with a header X-Sora-Target
// that names the operation.
namespace live {

inline constexpr std::string_view kImageFluxPath = "/";

// To whoever may ask.
ApiReply answer_imageflux(const ApiRequest& request, Channels& channels, Archives& archives);
// Clients look for "error", and some for "ok" first.
ApiReply imageflux_error(ApiError error);

}  // namespace live
