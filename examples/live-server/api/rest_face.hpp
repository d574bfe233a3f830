// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "api/api_message.hpp"
#include "api/archives.hpp"
#include "api/channels.hpp"

// Channels and what belongs to them by paths and methods; what is wrong is told as a problem document.
namespace live {

bool is_rest_path(std::string_view path);
// To whoever may ask.
ApiReply answer_rest(const ApiRequest& request, Channels& channels, Archives& archives);

// Both faces say it in the same words.
ApiError unknown_channel(std::string_view id);
ApiError unknown_connection(std::string_view channel, std::string_view id);
ApiError unknown_destination(std::string_view id);
ApiError unknown_key(std::string_view kid);
ApiError used_destination(std::string_view id);
ApiError creation_error(ApiProblem problem);

}  // namespace live
