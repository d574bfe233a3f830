// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/rest_face.hpp"

#include <optional>
#include <utility>

namespace live {
namespace {

constexpr std::string_view kCollection = "/v1/channels";
constexpr std::string_view kStop = "stop";

// What a path names: all channels, one of them, or something to do with it.
struct Target {
  std::string id;
  bool is_stop = false;
};

std::optional<Target> target_of(std::string_view path) {
  if (!path.starts_with(kCollection))
    return std::nullopt;
  path.remove_prefix(kCollection.size());
  if (path.empty())
    return Target{};
  if (path.front() != '/')
    return std::nullopt;
  path.remove_prefix(1);
  const auto slash = path.find('/');
  const auto id = path.substr(0, slash);
  const bool is_stop = slash != std::string_view::npos;
  if (id.empty() || (is_stop && path.substr(slash + 1) != kStop))
    return std::nullopt;
  return Target{std::string{id}, is_stop};
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

ApiReply create(const ApiRequest& request, Channels& channels) {
  const auto content_type = request.header("Content-Type");
  if (!is_json(content_type))
    return problem_reply({.status = 415,
                          .detail = "The body must be application/json; Content-Type says " +
                                    (content_type.empty() ? "nothing" : in_quotes(content_type)) +
                                    ".",
                          .headers = {{"Accept-Post", "application/json"}}});
  auto read = read_channel_request(request.body);
  if (auto* error = std::get_if<FieldError>(&read))
    return problem_reply(
        {.status = 400, .detail = std::move(error->sentence), .field = std::move(error->field)});
  auto made = channels.create(std::get<ChannelRequest>(read));
  if (auto* problem = std::get_if<ApiProblem>(&made))
    return problem_reply(creation_error(std::move(*problem)));
  const auto& channel = std::get<ChannelInfo>(made);
  auto reply = json_reply(201, to_json(channel, request.base_url));
  reply.headers.emplace_back("Location",
                             request.base_url + std::string{kCollection} + "/" + channel.id);
  return reply;
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
    return channels.remove(id)
               ? ApiReply{.status = 204, .headers = {}, .content_type = {}, .body = {}}
               : problem_reply(unknown_channel(id));
  if (request.method != "GET" && request.method != "HEAD")
    return wrong_method(request, "GET, HEAD, DELETE");
  return show(200, request, id, channels.find(id));
}

}  // namespace

bool is_rest_path(std::string_view path) {
  return target_of(path).has_value();
}

ApiReply answer_rest(const ApiRequest& request, Channels& channels) {
  const auto target = target_of(request.path);
  if (!target)
    return problem_reply(
        {.status = 404, .detail = "There is nothing at " + in_quotes(request.path) + "."});
  if (target->id.empty())
    return answer_collection(request, channels);
  if (!is_channel_id(target->id))
    return problem_reply(unknown_channel(target->id));
  if (!target->is_stop)
    return answer_channel(request, target->id, channels);
  if (request.method != "POST")
    return wrong_method(request, "POST");
  return show(202, request, target->id, channels.stop(target->id));
}

ApiError unknown_channel(std::string_view id) {
  return {.status = 404, .detail = "There is no channel " + in_quotes(id) + "."};
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
