// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_refusal.hpp"

#include <utility>

namespace live {
namespace {

ApiProblem not_possible(std::string field, std::string detail) {
  return {.kind = ApiProblem::Kind::NotPossible,
          .detail = std::move(detail),
          .field = std::move(field)};
}

}  // namespace

std::optional<ApiProblem> refusal_of(const ChannelRequest& request, const Abilities& abilities) {
  if (abilities.is_closing)
    return ApiProblem{.kind = ApiProblem::Kind::Unavailable, .detail = "The server is going down."};
  if (abilities.channels >= abilities.max_channels)
    return ApiProblem{.kind = ApiProblem::Kind::TooManyChannels,
                      .detail = "There are " + std::to_string(abilities.channels) +
                                " channels, and no more are allowed here; delete one."};
  if (request.event_webhook_url && !abilities.has_webhook_secret)
    return not_possible("event_webhook_url",
                        "event_webhook_url needs a server that has a webhook-secret to sign with.");
  if (request.encrypt_key_uri && !abilities.encrypts)
    return not_possible("encrypt_key_uri",
                        "encrypt_key_uri is not possible on this server, which was built "
                        "without encryption.");
  if (const auto& destination = request.hls.archive_destination;
      !destination.empty() && !abilities.has_destination(destination))
    return not_possible("hls[].archive.archive_destination_id",
                        "hls[].archive.archive_destination_id is \"" + destination +
                            "\", but must be that of an archive destination; "
                            "GET /v1/archive-destinations lists them.");
  if (request.rtp && !abilities.has_rtp)
    return not_possible("rtp",
                        "rtp is not possible on this server, as the plugin with the "
                        "element rtplistensrc is not installed.");
  return std::nullopt;
}

}  // namespace live
