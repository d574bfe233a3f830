// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/imageflux_face.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "api/rest_face.hpp"

namespace live {
namespace {

ApiReply bad_request(FieldError error) {
  return imageflux_error(
      {.status = 400, .detail = std::move(error.sentence), .field = std::move(error.field)});
}

ApiReply create_channel(const ApiRequest& request, Channels& channels, Archives&) {
  auto read = read_channel_request(request.body);
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  auto made = channels.create(std::get<ChannelRequest>(read));
  if (auto* problem = std::get_if<ApiProblem>(&made))
    return imageflux_error(creation_error(std::move(*problem)));
  const auto& channel = std::get<ChannelInfo>(made);
  Json json{{"channel_id", channel.id}};
  if (channel.sora_url)
    json["sora_url"] = absolute_url(*channel.sora_url, request.base_url, true);
  if (!channel.playlist_url.empty())
    json["playlist_url"] = absolute_url(channel.playlist_url, request.base_url);
  if (channel.whip_url)
    json["whip_url"] = absolute_url(*channel.whip_url, request.base_url);
  if (channel.rtp)
    json["rtp"] = rtp_of(channel);
  json["publish_token"] = channel.publish_token;
  return json_reply(200, json);
}

// Of a body that has this field and no other.
std::variant<std::string, FieldError> read_text(const ApiRequest& request, const char* name,
                                                const TextRule& rule) {
  const auto json = parse_json(request.body, "The body");
  if (const auto* why = std::get_if<std::string>(&json))
    return FieldError{{}, *why};
  std::string text;
  FieldError error;
  JsonFields fields{std::get<Json>(json), "", error};
  fields.require(name, rule, text);
  fields.end();
  if (error)
    return error;
  return text;
}

std::variant<std::string, FieldError> read_id(const ApiRequest& request, const char* name) {
  constexpr TextRule kId{is_channel_id, "1 to 128 letters, digits, '-' and '_'"};
  return read_text(request, name, kId);
}

ApiReply delete_channel(const ApiRequest& request, Channels& channels, Archives&) {
  auto read = read_id(request, "channel_id");
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  const auto& id = std::get<std::string>(read);
  return channels.remove(id) ? json_reply(200, {{"ok", true}})
                             : imageflux_error(unknown_channel(id));
}

ApiReply list_channel_ids(const ApiRequest&, Channels& channels, Archives&) {
  auto ids = Json::array();
  for (const auto& channel : channels.list())
    ids.push_back(channel.id);
  return json_reply(200, {{"channel_ids", std::move(ids)}});
}

ApiReply list_playlist_urls(const ApiRequest& request, Channels& channels, Archives&) {
  auto read = read_id(request, "channel_id");
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  const auto& id = std::get<std::string>(read);
  const auto channel = channels.find(id);
  if (!channel)
    return imageflux_error(unknown_channel(id));
  auto list = Json::array();
  for (const auto& playlist : channel->playlists)
    if (playlist.has_begun)
      list.push_back({{"connection_id", playlist.connection_id},
                      {"playlist_url", absolute_url(playlist.url, request.base_url)}});
  return json_reply(200, {{"channel_id", id}, {"hls", std::move(list)}});
}

ApiReply get_encrypt_key(const ApiRequest& request, Channels& channels, Archives&) {
  constexpr TextRule kKid{is_kid, "what a playlist says behind kid="};
  auto read = read_text(request, "kid", kKid);
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  const auto& kid = std::get<std::string>(read);
  const auto key = channels.encrypt_key(kid);
  return key ? json_reply(200, {{"encrypt_key", *key}}) : imageflux_error(unknown_key(kid));
}

ApiReply create_destination(const ApiRequest& request, Channels&, Archives& archives) {
  auto read = read_archive_destination(request.body);
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  auto made = archives.create_destination(std::get<ArchiveDestination>(std::move(read)));
  if (auto* problem = std::get_if<ApiProblem>(&made))
    return imageflux_error(creation_error(std::move(*problem)));
  return json_reply(200, {{"archive_destination_id", std::get<ArchiveDestination>(made).id}});
}

ApiReply list_destinations(const ApiRequest&, Channels&, Archives& archives) {
  auto list = Json::array();
  for (const auto& destination : archives.destinations())
    list.push_back(
        {{"archive_destination_id", destination.id}, {"bucket_uri", destination.bucket_uri}});
  return json_reply(200, {{"archive_destinations", std::move(list)}});
}

ApiReply delete_destination(const ApiRequest& request, Channels&, Archives& archives) {
  auto read = read_id(request, "archive_destination_id");
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  const auto& id = std::get<std::string>(read);
  switch (archives.remove_destination(id)) {
    case DestinationRemoval::Done:
      return json_reply(200, {{"ok", true}});
    case DestinationRemoval::InUse:
      return imageflux_error(used_destination(id));
    case DestinationRemoval::Unknown:
      break;
  }
  return imageflux_error(unknown_destination(id));
}

struct Operation {
  std::string_view name;
  ApiReply (*answer)(const ApiRequest&, Channels&, Archives&);
};
constexpr std::array<Operation, 11> kOperations{
    {{"CreateChannel", create_channel},
     {"CreateChannelWithHLS", create_channel},
     {"CreateMultistreamChannelWithHLS", create_channel},  // as it is called today
     {"DeleteChannel", delete_channel},
     {"ListChannelIDs", list_channel_ids},
     {"ListPlaylistURLs", list_playlist_urls},
     {"GetEncryptKey", get_encrypt_key},
     {"CreateArchiveDestination", create_destination},
     {"ListArchiveDestination", list_destinations},
     {"ListArchiveDestinations", list_destinations},
     {"DeleteArchiveDestination", delete_destination}}};

constexpr std::array<std::string_view, 1> kNotYet{"CreateMultistreamChannel"};

// "ImageFlux_20180905.CreateChannel": clients send the date of the version that they were written
// for.
std::string_view operation_of(std::string_view target) {
  constexpr std::string_view kPrefix = "ImageFlux_";
  constexpr std::size_t kDate = 8;
  if (!target.starts_with(kPrefix))
    return {};
  target.remove_prefix(kPrefix.size());
  if (target.size() <= kDate || target[kDate] != '.' ||
      !std::all_of(target.begin(), target.begin() + kDate, is_digit))
    return {};
  return target.substr(kDate + 1);
}

std::string names() {
  std::string text;
  for (std::size_t i = 0; i < kOperations.size(); ++i)
    text += (i == 0                        ? ""
             : i + 1 == kOperations.size() ? " or "
                                           : ", ") +
            std::string{kOperations[i].name};
  return text;
}

}  // namespace

ApiReply answer_imageflux(const ApiRequest& request, Channels& channels, Archives& archives) {
  if (request.method != "POST")
    return imageflux_error({.status = 405,
                            .detail = in_quotes(request.method) + " is not for \"/\", only POST.",
                            .headers = {{"Allow", "POST"}}});
  const auto target = trimmed(request.header("X-Sora-Target"));
  const auto name = operation_of(target);
  const auto* const operation =
      std::find_if(kOperations.begin(), kOperations.end(),
                   [&](const Operation& one) { return one.name == name; });
  if (operation != kOperations.end())
    return operation->answer(request, channels, archives);
  if (std::find(kNotYet.begin(), kNotYet.end(), name) != kNotYet.end())
    return imageflux_error(
        {.status = 501,
         .detail = "This server does not do " + std::string{name} + " yet, only " + names() + "."});
  return imageflux_error({.status = 400,
                          .detail = "The header X-Sora-Target is " +
                                    (target.empty() ? "missing; it" : in_quotes(target) + ", but") +
                                    " must be ImageFlux_YYYYMMDD. and one of " + names() + "."});
}

ApiReply imageflux_error(ApiError error) {
  Json json{{"ok", false}, {"error", std::move(error.detail)}};
  if (!error.field.empty())
    json["field"] = std::move(error.field);
  auto reply = json_reply(error.status, json);
  reply.headers.insert(reply.headers.end(), std::make_move_iterator(error.headers.begin()),
                       std::make_move_iterator(error.headers.end()));
  return reply;
}

}  // namespace live
