// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "api/api_message.hpp"
#include "api/archives.hpp"
#include "api/bearer_tokens.hpp"
#include "api/channels.hpp"

namespace live {

// Channels and where their archives go over HTTP, with two faces: ImageFlux's at POST /, and one with paths and methods
// at /v1. See docs/channel-api.md.
class ChannelApi {
 public:
  ChannelApi(Channels& channels, Archives& archives, std::vector<std::string> tokens);

  // What answers HEAD has the body of GET, for the server to leave out.
  [[nodiscard]] ApiReply answer(const ApiRequest& request);
  // Whether a request's path is one of those above; events, WHIP and the OpenAPI file are others'.
  [[nodiscard]] static bool serves(const std::string& path);

 private:
  Channels& channels_;
  Archives& archives_;
  const BearerTokens tokens_;
};

}  // namespace live
