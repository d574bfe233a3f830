// SPDX-License-Identifier: LGPL-2.1-or-later
// The channel API without a server: each line of standard input is a request,
// {"method","path","headers","body"} and, for what the server refuses, "problem"; each line of
// output is how it is answered. The API token is "right". Channels stay from line to line.
#include <iostream>
#include <map>
#include <string>

#include "api/channel_api.hpp"
#include "unit/live-server/api/fake_channels.hpp"

namespace {

using live::ApiProblem;
using live::Json;

const std::map<std::string, ApiProblem> kProblems{
    {"too-many-channels",
     {.kind = ApiProblem::Kind::TooManyChannels, .detail = "There are 2 channels of 2."}},
    {"too-many-requests",
     {.kind = ApiProblem::Kind::TooManyRequests, .detail = "Not so fast.", .retry_after = 1}},
    {"unavailable",
     {.kind = ApiProblem::Kind::Unavailable, .detail = "It is going down.", .retry_after = 30}},
    {"failed", {.kind = ApiProblem::Kind::Failed, .detail = "The disk is full."}}};

}  // namespace

int main() {
  live::test::FakeChannels channels;
  live::ChannelApi api{channels, channels, {"right"}};
  channels.known_archives = {{.connection_id = "connection-1",
                              .destination_id = "destination-1",
                              .location = "s3://bucket/channel-1/",
                              .state = live::ArchiveState::Waiting,
                              .error = "The bucket is full."}};
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = Json::parse(line);
    live::ApiRequest request{.method = json["method"],
                             .path = json["path"],
                             .headers = {},
                             .body = json["body"],
                             .base_url = "https://live.example.com"};
    for (const auto& [name, value] : json["headers"].items())
      request.headers[name] = value;
    channels.problem.reset();
    if (json.contains("problem"))
      channels.problem = kProblems.at(json["problem"]);
    const auto reply = api.answer(request);
    auto headers = Json::object();
    for (const auto& [name, value] : reply.headers)
      headers[name] = value;
    std::cout << Json{{"status", reply.status},
                      {"headers", std::move(headers)},
                      {"contentType", reply.content_type},
                      {"body", reply.body}}
                     .dump()
              << '\n';
    // Who has made a channel has something to play.
    for (auto& channel : channels.channels)
      channel.playlists = {{"connection-1", "/hls/" + channel.id + "/main.m3u8"}};
  }
}
