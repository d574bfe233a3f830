// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channel_api.hpp"

#include <optional>
#include <utility>

#include "api/imageflux_face.hpp"
#include "api/rest_face.hpp"

namespace live {
namespace {

// RFC 6750 section 3: an error code only where a token was given.
std::optional<ApiError> refusal(BearerTokens::Verdict verdict) {
  constexpr const char* kChallenge = "Bearer realm=\"channels\"";
  switch (verdict) {
    case BearerTokens::Verdict::Right:
      return std::nullopt;
    case BearerTokens::Verdict::Missing:
      return ApiError{.status = 401,
                      .detail = "Send an API token as \"Authorization: Bearer TOKEN\".",
                      .headers = {{"WWW-Authenticate", kChallenge}}};
    case BearerTokens::Verdict::Wrong:
      break;
  }
  return ApiError{
      .status = 401,
      .detail = "The token is none of this server's API tokens.",
      .headers = {{"WWW-Authenticate", std::string{kChallenge} + ", error=\"invalid_token\""}}};
}

}  // namespace

ChannelApi::ChannelApi(Channels& channels, Archives& archives, std::vector<std::string> tokens)
    : channels_{channels}, archives_{archives}, tokens_{std::move(tokens)} {}

ApiReply ChannelApi::answer(const ApiRequest& request) {
  const bool is_imageflux = request.path == kImageFluxPath;
  if (auto error = refusal(tokens_.check(request.header("Authorization"))))
    return is_imageflux ? imageflux_error(std::move(*error)) : problem_reply(std::move(*error));
  return is_imageflux ? answer_imageflux(request, channels_, archives_)
                      : answer_rest(request, channels_, archives_);
}

bool ChannelApi::serves(const std::string& path) {
  return path == kImageFluxPath || is_rest_path(path);
}

}  // namespace live
