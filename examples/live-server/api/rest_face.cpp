// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/rest_face.hpp"

#include <optional>
#include <utility>

namespace live {
namespace {

constexpr std::string_view kChannels = "/v1/channels";
constexpr std::string_view kDestinations = "/v1/archive-destinations";
constexpr std::string_view kKeys = "/v1/encrypt-keys";

// What a path names: all of a collection, one of it, or something that one has.
struct Target {
  std::string_view collection;
  std::string id;    // empty: all
  std::string part;  // "stop", "pause", "resume", "archives" or "connections", of a channel
  std::string connection = {};  // one of those
  bool is_stop = false;         // of that
};

// Behind the id of a channel.
std::optional<Target> with_part(Target target, std::string_view part) {
  constexpr std::string_view kConnections = "connections/";
  constexpr std::string_view kStop = "/stop";
  target.part = part;
  if (part == "stop" || part == "pause" || part == "resume" || part == "archives")
    return target;
  if (!part.starts_with(kConnections))
    return std::nullopt;
  auto connection = part.substr(kConnections.size());
  target.is_stop = connection.ends_with(kStop);
  if (target.is_stop)
    connection.remove_suffix(kStop.size());
  if (connection.empty() || connection.find('/') != std::string_view::npos)
    return std::nullopt;
  target.part = "connections";
  target.connection = connection;
  return target;
}

std::optional<Target> target_of(std::string_view path) {
  for (const auto collection : {kChannels, kDestinations, kKeys}) {
    if (!path.starts_with(collection))
      continue;
    const auto rest = path.substr(collection.size());
    if (rest.empty() && collection != kKeys)
      return Target{.collection = collection, .id = {}, .part = {}};
    if (!rest.starts_with('/'))
      continue;
    const auto slash = rest.find('/', 1);
    const auto id = rest.substr(1, slash == std::string_view::npos ? slash : slash - 1);
    Target target{.collection = collection, .id = std::string{id}, .part = {}};
    if (id.empty())
      return std::nullopt;
    if (slash == std::string_view::npos)
      return target;
    return collection == kChannels ? with_part(std::move(target), rest.substr(slash + 1))
                                   : std::nullopt;
  }
  return std::nullopt;
}

ApiReply wrong_method(const ApiRequest& request, const char* allowed) {
  return problem_reply({.status = 405,
                        .detail = in_quotes(request.method) + " is not for " +
                                  in_quotes(request.path) + ", only " + allowed + ".",
                        .headers = {{"Allow", allowed}}});
}

bool is_json(std::string_view content_type) {
  return equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                              "application/json");
}

// What is wrong with what a body says that it is.
std::optional<ApiReply> wrong_content_type(const ApiRequest& request) {
  const auto content_type = request.header("Content-Type");
  if (is_json(content_type))
    return std::nullopt;
  return problem_reply({.status = 415,
                        .detail = "The body must be application/json; Content-Type says " +
                                  (content_type.empty() ? "nothing" : in_quotes(content_type)) +
                                  ".",
                        .headers = {{"Accept-Post", "application/json"}}});
}

ApiReply bad_request(FieldError error) {
  return problem_reply(
      {.status = 400, .detail = std::move(error.sentence), .field = std::move(error.field)});
}

ApiReply created(const ApiRequest& request, std::string_view collection, const std::string& id,
                 const Json& json) {
  auto reply = json_reply(201, json);
  reply.headers.emplace_back("Location", request.base_url + std::string{collection} + "/" + id);
  return reply;
}

ApiReply done() {
  return {.status = 204, .headers = {}, .content_type = {}, .body = {}};
}

ApiReply create(const ApiRequest& request, Channels& channels) {
  if (auto wrong = wrong_content_type(request))
    return *std::move(wrong);
  auto read = read_channel_request(request.body);
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  auto made = channels.create(std::get<ChannelRequest>(read));
  if (auto* problem = std::get_if<ApiProblem>(&made))
    return problem_reply(creation_error(std::move(*problem)));
  const auto& channel = std::get<ChannelInfo>(made);
  return created(request, kChannels, channel.id, to_json(channel, request.base_url));
}

ApiReply answer_collection(const ApiRequest& request, Channels& channels) {
  if (request.method == "POST")
    return create(request, channels);
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD, POST");
  auto list = Json::array();
  for (const auto& channel : channels.list())
    list.push_back(to_json(channel, request.base_url));
  return json_reply(200, {{"channels", std::move(list)}});
}

ApiReply show(unsigned status, const ApiRequest& request, const std::string& id,
              const std::optional<ChannelInfo>& channel) {
  return channel ? json_reply(status, to_json(*channel, request.base_url))
                 : problem_reply(unknown_channel(id));
}

ApiReply answer_channel(const ApiRequest& request, const std::string& id, Channels& channels) {
  if (request.method == "DELETE")
    return channels.remove(id) ? done() : problem_reply(unknown_channel(id));
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD, DELETE");
  return show(200, request, id, channels.find(id));
}

ApiReply answer_connection(const ApiRequest& request, const Target& target, Channels& channels) {
  const auto unknown = [&] {
    return problem_reply(channels.find(target.id) ? unknown_connection(target.id, target.connection)
                                                  : unknown_channel(target.id));
  };
  if (!target.is_stop) {
    if (request.method != "DELETE")
      return wrong_method(request, "DELETE");
    return channels.remove_connection(target.id, target.connection) ? done() : unknown();
  }
  if (request.method != "POST")
    return wrong_method(request, "POST");
  const auto stopped = channels.stop_connection(target.id, target.connection);
  return stopped ? json_reply(202, to_json(*stopped, request.base_url)) : unknown();
}

ApiReply answer_archives(const ApiRequest& request, const std::string& id,
                         const Archives& archives) {
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD");
  const auto found = archives.archives(id);
  if (!found)
    return problem_reply(unknown_channel(id));
  auto list = Json::array();
  for (const auto& archive : *found)
    list.push_back(to_json(archive));
  return json_reply(200, {{"archives", std::move(list)}});
}

ApiReply create_destination(const ApiRequest& request, Archives& archives) {
  if (auto wrong = wrong_content_type(request))
    return *std::move(wrong);
  auto read = read_archive_destination(request.body);
  if (auto* error = std::get_if<FieldError>(&read))
    return bad_request(std::move(*error));
  auto made = archives.create_destination(std::get<ArchiveDestination>(std::move(read)));
  if (auto* problem = std::get_if<ApiProblem>(&made))
    return problem_reply(creation_error(std::move(*problem)));
  const auto& destination = std::get<ArchiveDestination>(made);
  return created(request, kDestinations, destination.id, to_json(destination));
}

ApiReply answer_destinations(const ApiRequest& request, Archives& archives) {
  if (request.method == "POST")
    return create_destination(request, archives);
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD, POST");
  auto list = Json::array();
  for (const auto& destination : archives.destinations())
    list.push_back(to_json(destination));
  return json_reply(200, {{"archive_destinations", std::move(list)}});
}

ApiReply answer_destination(const ApiRequest& request, const std::string& id, Archives& archives) {
  if (request.method == "DELETE") {
    switch (archives.remove_destination(id)) {
      case DestinationRemoval::Done:
        return done();
      case DestinationRemoval::InUse:
        return problem_reply(used_destination(id));
      case DestinationRemoval::Unknown:
        return problem_reply(unknown_destination(id));
    }
  }
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD, DELETE");
  for (const auto& destination : archives.destinations())
    if (destination.id == id)
      return json_reply(200, to_json(destination));
  return problem_reply(unknown_destination(id));
}

ApiReply answer_key(const ApiRequest& request, const std::string& kid, const Channels& channels) {
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD");
  const auto key = is_kid(kid) ? channels.encrypt_key(kid) : std::nullopt;
  return key ? json_reply(200, {{"kid", kid}, {"encrypt_key", *key}})
             : problem_reply(unknown_key(kid));
}

}  // namespace

bool is_rest_path(std::string_view path) {
  return target_of(path).has_value();
}

ApiReply answer_rest(const ApiRequest& request, Channels& channels, Archives& archives) {
  const auto target = target_of(request.path);
  if (!target)
    return problem_reply(
        {.status = 404, .detail = "There is nothing at " + in_quotes(request.path) + "."});
  const auto& id = target->id;
  if (target->collection == kKeys)
    return answer_key(request, id, channels);
  if (target->collection == kDestinations) {
    if (id.empty())
      return answer_destinations(request, archives);
    return is_channel_id(id) ? answer_destination(request, id, archives)
                             : problem_reply(unknown_destination(id));
  }
  if (id.empty())
    return answer_collection(request, channels);
  if (!is_channel_id(id))
    return problem_reply(unknown_channel(id));
  if (target->part.empty())
    return answer_channel(request, id, channels);
  if (target->part == "archives")
    return answer_archives(request, id, archives);
  if (target->part == "connections")
    return answer_connection(request, *target, channels);
  if (request.method != "POST")
    return wrong_method(request, "POST");
  return show(202, request, id,
              target->part == "pause"    ? channels.pause(id)
              : target->part == "resume" ? channels.resume(id)
                                         : channels.stop(id));
}

ApiError unknown_channel(std::string_view id) {
  return {.status = 404, .detail = "There is no channel " + in_quotes(id) + "."};
}

ApiError unknown_connection(std::string_view channel, std::string_view id) {
  return {
      .status = 404,
      .detail = "The channel " + in_quotes(channel) + " has no connection " + in_quotes(id) + "."};
}

ApiError unknown_destination(std::string_view id) {
  return {.status = 404, .detail = "There is no archive destination " + in_quotes(id) + "."};
}

ApiError unknown_key(std::string_view kid) {
  return {.status = 404,
          .detail = in_quotes(kid) +
                    " is not the kid of a key that one of this server's playlists "
                    "names."};
}

ApiError used_destination(std::string_view id) {
  return {.status = 409,
          .detail = "The archive destination " + in_quotes(id) +
                    " is that of a channel, or of an archive that has not been copied yet."};
}

ApiError creation_error(ApiProblem problem) {
  const auto status = [&] {
    switch (problem.kind) {
      case ApiProblem::Kind::TooManyChannels:
      case ApiProblem::Kind::TooManyRequests:
        return 429u;
      case ApiProblem::Kind::Unavailable:
        return 503u;
      case ApiProblem::Kind::NotPossible:
        return 400u;
      case ApiProblem::Kind::Failed:
        break;
    }
    return 500u;
  }();
  ApiError error{
      .status = status, .detail = std::move(problem.detail), .field = std::move(problem.field)};
  if (problem.retry_after)
    error.headers.emplace_back("Retry-After", std::to_string(*problem.retry_after));
  return error;
}

}  // namespace live
