// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channel_api.hpp"

#include <gtest/gtest.h>

#include "fake_channels.hpp"

namespace live::test {
namespace {

constexpr const char* kBody = R"({"hls":[{"audio":{"bps":64000}}]})";

// A server with two API tokens, and somebody who knows one.
class ChannelApiTest : public testing::Test {
 protected:
  static ApiRequest request(std::string method, std::string path, std::string body = {}) {
    return {.method = std::move(method),
            .path = std::move(path),
            .headers = {{"Authorization", "Bearer right"}, {"Content-Type", "application/json"}},
            .body = std::move(body),
            .base_url = "https://live.example.com"};
  }

  static ApiRequest operation(const std::string& target, std::string body) {
    auto its = request("POST", "/", std::move(body));
    its.headers["X-Sora-Target"] = target;
    return its;
  }

  ApiReply ask(std::string method, std::string path, std::string body = {}) {
    return api.answer(request(std::move(method), std::move(path), std::move(body)));
  }

  ApiReply ask_imageflux(const std::string& target, std::string body) {
    return api.answer(operation(target, std::move(body)));
  }

  static std::string header(const ApiReply& reply, std::string_view name) {
    for (const auto& [its, value] : reply.headers)
      if (its == name)
        return value;
    return {};
  }

  FakeChannels channels;
  ChannelApi api{channels, channels, {"older", "right"}};
};

constexpr const char* kBucket = R"({"bucket_uri":"s3://talks/2026/","aws_region":"eu-west-1",
  "aws_access_key_id":"AKIA1","aws_secret_access_key":"guess me"})";
constexpr const char* kBucketRight = R"({"bucket_uri":"s3://talks/2026/","aws_region":"eu-west-1",
  "aws_access_key_id":"AKIA1","aws_secret_access_key":"kept-secret"})";

using RestFace = ChannelApiTest;
using ImageFluxFace = ChannelApiTest;

TEST_F(RestFace, AChannelIsMadeAndToldInFull) {
  const auto reply = ask("POST", "/v1/channels", kBody);
  EXPECT_EQ(reply.status, 201u);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(header(reply, "Location"), "https://live.example.com/v1/channels/channel-1");
  EXPECT_EQ(header(reply, "Cache-Control"), "no-store");
  EXPECT_EQ(Json::parse(reply.body), Json::parse(R"({
    "id":"channel-1","state":"idle","paused":false,"message":"Waiting for a broadcaster.",
    "created":"2026-11-22T11:37:08Z",
    "playlist_url":"https://cdn.example.com/channel-1/main.m3u8",
    "whip_url":"https://live.example.com/v1/channels/channel-1/whip",
    "sora_url":"wss://live.example.com/signaling",
    "publish_token":"token-of-channel-1",
    "request":{"hls":[{"audio":{"bps":64000}}]},
    "stats":{}})"));
}

TEST_F(RestFace, WithoutSoraThereIsNoUrlOfIt) {
  channels.has_sora = false;
  EXPECT_FALSE(Json::parse(ask("POST", "/v1/channels", kBody).body).contains("sora_url"));
}

TEST_F(RestFace, PlainHttpHasPlainWebSockets) {
  auto plain = request("POST", "/v1/channels", kBody);
  plain.base_url = "http://127.0.0.1:8080";
  EXPECT_EQ(Json::parse(api.answer(plain).body)["sora_url"], "ws://127.0.0.1:8080/signaling");
}

TEST_F(RestFace, ChannelsAreListedTheOldestFirst) {
  EXPECT_EQ(ask("GET", "/v1/channels").body, R"({"channels":[]})");
  ask("POST", "/v1/channels", kBody);
  ask("POST", "/v1/channels", kBody);
  const auto list = Json::parse(ask("GET", "/v1/channels").body)["channels"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["id"], "channel-1");
  EXPECT_EQ(list[1], Json::parse(ask("GET", "/v1/channels/channel-2").body));
}

TEST_F(RestFace, EveryStateHasItsName) {
  ask("POST", "/v1/channels", kBody);
  for (const auto& [state, name] : {std::pair{ChannelState::Creating, "creating"},
                                    {ChannelState::Idle, "idle"},
                                    {ChannelState::Starting, "starting"},
                                    {ChannelState::Running, "running"},
                                    {ChannelState::Reconnecting, "reconnecting"},
                                    {ChannelState::Stopping, "stopping"},
                                    {ChannelState::Ended, "ended"}}) {
    channels.channels[0].state = state;
    EXPECT_EQ(Json::parse(ask("GET", "/v1/channels/channel-1").body)["state"], name);
  }
}

TEST_F(RestFace, DatesAreOfUtcWhateverTheyAre) {
  using std::chrono::sys_days, std::chrono::year;
  ask("POST", "/v1/channels", kBody);
  const auto date = [&](std::chrono::system_clock::time_point time) {
    channels.channels[0].created = time;
    return Json::parse(ask("GET", "/v1/channels/channel-1").body)["created"].get<std::string>();
  };
  EXPECT_EQ(date(sys_days{year{1970} / 1 / 1} - std::chrono::nanoseconds{1}),
            "1969-12-31T23:59:59Z");
  EXPECT_EQ(date(sys_days{year{2028} / 2 / 29}), "2028-02-29T00:00:00Z");
}

TEST_F(RestFace, AChannelIsStopped) {
  ask("POST", "/v1/channels", kBody);
  const auto reply = ask("POST", "/v1/channels/channel-1/stop");
  EXPECT_EQ(reply.status, 202u);
  EXPECT_EQ(Json::parse(reply.body)["state"], "stopping");
}

TEST_F(RestFace, AChannelIsPausedAndResumed) {
  EXPECT_EQ(Json::parse(ask("POST", "/v1/channels", kBody).body)["paused"], false);
  const auto paused = ask("POST", "/v1/channels/channel-1/pause");
  EXPECT_EQ(paused.status, 202u);
  EXPECT_EQ(Json::parse(paused.body)["paused"], true);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/channels/channel-1").body)["paused"], true);
  const auto resumed = ask("POST", "/v1/channels/channel-1/resume");
  EXPECT_EQ(resumed.status, 202u);
  EXPECT_EQ(Json::parse(resumed.body)["paused"], false);
}

TEST_F(RestFace, AChannelIsDeletedOnce) {
  ask("POST", "/v1/channels", kBody);
  const auto reply = ask("DELETE", "/v1/channels/channel-1");
  EXPECT_EQ(reply.status, 204u);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.content_type, "");
  EXPECT_EQ(ask("DELETE", "/v1/channels/channel-1").status, 404u);
}

constexpr const char* kMulti = R"({"hls":[{"audio":{"bps":64000}}],"multi":true})";

ChannelInfo::Playlist connection(const std::string& id, ChannelState state) {
  return {.connection_id = id,
          .url = "/hls/channel-1-" + id + "/master.m3u8",
          .has_begun = state != ChannelState::Starting,
          .state = state,
          .created = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22},
          .message = "On the air."};
}

TEST_F(RestFace, AChannelOfSeveralPublishersHasAPlaylistForEach) {
  const auto made = Json::parse(ask("POST", "/v1/channels", kMulti).body);
  EXPECT_FALSE(made.contains("playlist_url"));
  EXPECT_EQ(made["playlists"], Json::array());
  EXPECT_EQ(made["request"]["multi"], true);
  channels.channels[0].playlists = {connection("c1", ChannelState::Running)};
  EXPECT_EQ(Json::parse(ask("GET", "/v1/channels/channel-1").body)["playlists"], Json::parse(R"([
    {"connection_id":"c1","playlist_url":"https://live.example.com/hls/channel-1-c1/master.m3u8",
     "state":"running","message":"On the air.","created":"2026-11-22T00:00:00Z","stats":{}}])"));
  ask("POST", "/v1/channels", kBody);
  EXPECT_FALSE(Json::parse(ask("GET", "/v1/channels/channel-2").body).contains("playlists"));
}

TEST_F(RestFace, OneOfSeveralPublishersIsStoppedOrDeleted) {
  ask("POST", "/v1/channels", kMulti);
  channels.channels[0].playlists = {connection("c1", ChannelState::Running),
                                    connection("c2", ChannelState::Running)};
  const auto stopped = ask("POST", "/v1/channels/channel-1/connections/c1/stop");
  EXPECT_EQ(stopped.status, 202u);
  EXPECT_EQ(Json::parse(stopped.body)["connection_id"], "c1");
  EXPECT_EQ(Json::parse(stopped.body)["state"], "stopping");
  EXPECT_EQ(channels.channels[0].playlists[1].state, ChannelState::Running);
  const auto deleted = ask("DELETE", "/v1/channels/channel-1/connections/c1");
  EXPECT_EQ(deleted.status, 204u);
  EXPECT_EQ(deleted.body, "");
  ASSERT_EQ(channels.channels[0].playlists.size(), 1u);
  EXPECT_EQ(channels.channels[0].playlists[0].connection_id, "c2");
}

TEST_F(RestFace, AnUnknownConnectionIsNamed) {
  ask("POST", "/v1/channels", kMulti);
  for (const auto& [method, path] :
       {std::pair{"DELETE", "/connections/c1"}, {"POST", "/connections/c1/stop"}}) {
    const auto reply = ask(method, std::string{"/v1/channels/channel-1"} + path);
    EXPECT_EQ(reply.status, 404u) << path;
    EXPECT_EQ(Json::parse(reply.body)["detail"],
              R"(The channel "channel-1" has no connection "c1".)");
    const auto other = ask(method, std::string{"/v1/channels/nobody"} + path);
    EXPECT_EQ(other.status, 404u) << path;
    EXPECT_EQ(Json::parse(other.body)["detail"], R"(There is no channel "nobody".)");
  }
  for (const auto* path : {"connections", "connections/", "connections//stop", "connections/a/b",
                           "connections/a/stop/stop"})
    EXPECT_EQ(ask("DELETE", std::string{"/v1/channels/channel-1/"} + path).status, 404u) << path;
}

TEST_F(RestFace, WhoAsksForHeadersIsAnsweredAsForAllOfIt) {
  EXPECT_EQ(ask("HEAD", "/v1/channels").body, ask("GET", "/v1/channels").body);
  ask("POST", "/v1/channels", kBody);
  EXPECT_EQ(ask("HEAD", "/v1/channels/channel-1").body, ask("GET", "/v1/channels/channel-1").body);
}

TEST_F(RestFace, AnUnknownChannelIsNamed) {
  for (const auto& [method, path] : {std::pair{"GET", "/v1/channels/nobody"},
                                     {"DELETE", "/v1/channels/nobody"},
                                     {"POST", "/v1/channels/nobody/stop"}}) {
    const auto reply = ask(method, path);
    EXPECT_EQ(reply.status, 404u) << path;
    EXPECT_EQ(reply.content_type, "application/problem+json");
    EXPECT_EQ(Json::parse(reply.body), Json::parse(R"({"type":"about:blank","title":"Not Found",
      "status":404,"detail":"There is no channel \"nobody\"."})"));
  }
}

TEST_F(RestFace, WhatNoChannelCanBeCalledIsNotLookedFor) {
  ask("POST", "/v1/channels", kBody);
  const auto status_of = [&](const std::string& id) {
    channels.channels[0].id = id;
    return ask("GET", "/v1/channels/" + id).status;
  };
  for (const auto& right : {std::string{"a"}, std::string{"aZ09-_"}, std::string(128, 'x')})
    EXPECT_EQ(status_of(right), 200u) << right;
  for (const auto& wrong : {std::string{".."}, std::string{"a b"}, std::string{"a\0b", 3},
                            std::string{"\xc3\xa4"}, std::string(129, 'x')})
    EXPECT_EQ(status_of(wrong), 404u) << wrong;
}

TEST_F(RestFace, WhatIsQuotedIsShortAndUtf8) {
  const auto detail_for = [&](const std::string& id) {
    return Json::parse(ask("GET", "/v1/channels/" + id).body)["detail"].get<std::string>();
  };
  EXPECT_EQ(detail_for(std::string(64, 'x')),
            "There is no channel \"" + std::string(64, 'x') + "\".");
  EXPECT_EQ(detail_for(std::string(65, 'x')),
            "There is no channel \"" + std::string(64, 'x') + "...\".");
  EXPECT_EQ(detail_for("\xff\n"), "There is no channel \"\xef\xbf\xbd\\n\".");
}

TEST_F(RestFace, OtherPathsAreOthers) {
  for (const char* path :
       {"/v1", "/v1/", "/v1/channels/", "/v1/channel", "/v1/channelsx", "/v2/channels",
        "/v1/channels/a/", "/v1/channels/a/start", "/v1/channels/a/stop/", "/v1/channels//stop",
        "/v1/channels/a/whip", "/v1/channels/a/events", "/v1/openapi.json", "",
        "/v1/archive-destinations/", "/v1/archive-destinations/a/stop", "/v1/archives"}) {
    EXPECT_FALSE(ChannelApi::serves(path)) << path;
    const auto reply = ask("GET", path);
    EXPECT_EQ(reply.status, 404u) << path;
    EXPECT_EQ(Json::parse(reply.body)["detail"],
              "There is nothing at \"" + std::string{path} + "\".");
  }
  for (const char* path :
       {"/", "/v1/channels", "/v1/channels/a", "/v1/channels/a/stop", "/v1/channels/a/archives",
        "/v1/archive-destinations", "/v1/archive-destinations/a"})
    EXPECT_TRUE(ChannelApi::serves(path)) << path;
}

TEST_F(RestFace, OtherMethodsAreToldWhichThereAre) {
  for (const auto& [method, path, allowed] :
       {std::tuple{"PUT", "/v1/channels", "GET, HEAD, POST"},
        {"DELETE", "/v1/channels", "GET, HEAD, POST"},
        {"POST", "/v1/channels/channel-1", "GET, HEAD, DELETE"},
        {"get", "/v1/channels/channel-1", "GET, HEAD, DELETE"},
        {"GET", "/v1/channels/channel-1/stop", "POST"},
        {"GET", "/v1/channels/channel-1/pause", "POST"},
        {"DELETE", "/v1/channels/channel-1/resume", "POST"},
        {"POST", "/v1/channels/channel-1/archives", "GET, HEAD"},
        {"DELETE", "/v1/archive-destinations", "GET, HEAD, POST"},
        {"PUT", "/v1/archive-destinations/destination-1", "GET, HEAD, DELETE"},
        {"", "/v1/channels/channel-1/stop", "POST"}}) {
    const auto reply = ask(method, path);
    EXPECT_EQ(reply.status, 405u) << method << " " << path;
    EXPECT_EQ(header(reply, "Allow"), allowed);
  }
}

TEST_F(RestFace, ABodyIsJsonAndSaysSo) {
  auto its = request("POST", "/v1/channels", kBody);
  for (const char* right : {"application/json", "Application/JSON",
                            "application/json; charset=utf-8", "application/json ;charset=utf-8"}) {
    its.headers["content-type"] = right;
    EXPECT_EQ(api.answer(its).status, 201u) << right;
  }
  for (const char* wrong :
       {"text/json", "application/jsonx", "application/x-www-form-urlencoded"}) {
    its.headers["content-type"] = wrong;
    const auto reply = api.answer(its);
    EXPECT_EQ(reply.status, 415u) << wrong;
    EXPECT_EQ(
        Json::parse(reply.body)["detail"],
        "The body must be application/json; Content-Type says \"" + std::string{wrong} + "\".");
  }
  its.headers.erase("content-type");
  EXPECT_EQ(Json::parse(api.answer(its).body)["detail"],
            "The body must be application/json; Content-Type says nothing.");
}

TEST_F(RestFace, AWrongFieldIsNamed) {
  const auto reply = ask("POST", "/v1/channels", R"({"hls":[{"audio":{"bps":0}}]})");
  EXPECT_EQ(reply.status, 400u);
  EXPECT_EQ(Json::parse(reply.body), Json::parse(R"({"type":"about:blank","title":"Bad Request",
    "status":400,
    "detail":"hls[0].audio.bps is 0, but must be a whole number from 1 to 1000000.",
    "field":"hls[0].audio.bps"})"));
  EXPECT_TRUE(channels.channels.empty());
  const auto broken = ask("POST", "/v1/channels", "{");
  EXPECT_EQ(broken.status, 400u);
  EXPECT_FALSE(Json::parse(broken.body).contains("field"));
}

TEST_F(RestFace, ADestinationIsMadeAndItsSecretIsNotTold) {
  const auto reply = ask("POST", "/v1/archive-destinations", kBucketRight);
  EXPECT_EQ(reply.status, 201u);
  EXPECT_EQ(header(reply, "Location"),
            "https://live.example.com/v1/archive-destinations/destination-1");
  EXPECT_EQ(Json::parse(reply.body), Json::parse(R"({"id":"destination-1",
    "created":"2026-11-22T00:00:00Z","bucket_uri":"s3://talks/2026",
    "endpoint_url":"https://s3.eu-west-1.amazonaws.com","aws_region":"eu-west-1",
    "aws_access_key_id":"AKIA1"})"));
  EXPECT_EQ(ask("GET", "/v1/archive-destinations/destination-1").body, reply.body);
  EXPECT_EQ(ask("GET", "/v1/archive-destinations").body,
            R"({"archive_destinations":[)" + reply.body + "]}");
  EXPECT_EQ(channels.known_destinations[0].aws_secret_access_key, "kept-secret");
}

TEST_F(RestFace, AWrongSecretIsNotRepeated) {
  const auto reply = ask("POST", "/v1/archive-destinations", kBucket);
  EXPECT_EQ(reply.status, 400u);
  EXPECT_EQ(Json::parse(reply.body)["field"], "aws_secret_access_key");
  EXPECT_EQ(reply.body.find("guess"), std::string::npos) << reply.body;
}

TEST_F(RestFace, ADestinationIsDeletedUnlessAChannelNeedsIt) {
  ask("POST", "/v1/archive-destinations", kBucketRight);
  ask("POST", "/v1/channels",
      R"({"hls":[{"audio":{},"archive":{"archive_destination_id":"destination-1"}}]})");
  const auto path = "/v1/archive-destinations/destination-1";
  EXPECT_EQ(ask("DELETE", path).status, 409u);
  ask("DELETE", "/v1/channels/channel-1");
  EXPECT_EQ(ask("DELETE", path).status, 204u);
  EXPECT_EQ(ask("DELETE", path).status, 404u);
  EXPECT_EQ(Json::parse(ask("GET", path).body)["detail"],
            "There is no archive destination \"destination-1\".");
}

TEST_F(RestFace, ArchivesOfAChannelAreListed) {
  EXPECT_EQ(ask("GET", "/v1/channels/channel-1/archives").status, 404u);
  ask("POST", "/v1/channels", kBody);
  EXPECT_EQ(ask("GET", "/v1/channels/channel-1/archives").body, R"({"archives":[]})");
  channels.known_archives = {{.destination_id = "d",
                              .location = "file:///a/channel-1/",
                              .state = ArchiveState::Failed,
                              .files = 5,
                              .files_copied = 2,
                              .bytes = 50,
                              .bytes_copied = 20,
                              .error = "It is full."}};
  EXPECT_EQ(Json::parse(ask("GET", "/v1/channels/channel-1/archives").body),
            Json::parse(R"({"archives":[{"archive_destination_id":"d",
              "location":"file:///a/channel-1/","state":"failed","files":5,"files_copied":2,
              "bytes":50,"bytes_copied":20,"error":"It is full."}]})"));
}

TEST_F(RestFace, WhatTheServerCannotDoIsTold) {
  using Kind = ApiProblem::Kind;
  for (const auto& [kind, status] : {std::pair{Kind::TooManyChannels, 429u},
                                     {Kind::TooManyRequests, 429u},
                                     {Kind::Unavailable, 503u},
                                     {Kind::Failed, 500u}}) {
    channels.problem = {.kind = kind, .detail = "No.", .retry_after = 7};
    const auto reply = ask("POST", "/v1/channels", kBody);
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(Json::parse(reply.body)["detail"], "No.");
    EXPECT_EQ(header(reply, "Retry-After"), "7");
    EXPECT_EQ(ask_imageflux("ImageFlux_20180905.CreateChannel", kBody).status, status);
  }
  channels.problem->retry_after.reset();
  EXPECT_EQ(header(ask("POST", "/v1/channels", kBody), "Retry-After"), "");
  channels.problem = {.kind = Kind::NotPossible, .detail = "No.", .field = "hls"};
  const auto reply = ask("POST", "/v1/channels", kBody);
  EXPECT_EQ(reply.status, 400u);
  EXPECT_EQ(Json::parse(reply.body)["field"], "hls");
}

TEST(AbsoluteUrl, IsThatOfWhoAsksUnlessItIsAbsolute) {
  EXPECT_EQ(absolute_url("https://a.example/x", "http://b.example"), "https://a.example/x");
  EXPECT_EQ(absolute_url("/x", "http://b.example:80"), "http://b.example:80/x");
  EXPECT_EQ(absolute_url("/x", "https://b.example", true), "wss://b.example/x");
  EXPECT_EQ(absolute_url(":82/x", "http://b.example"), "http://b.example:82/x");
  EXPECT_EQ(absolute_url(":82/x", "http://b.example:80"), "http://b.example:82/x");
  EXPECT_EQ(absolute_url(":82/x", "http://[::1]"), "http://[::1]:82/x");
  EXPECT_EQ(absolute_url(":82/x", "http://[::1]:80"), "http://[::1]:82/x");
}

TEST_F(ChannelApiTest, WithoutATokenNothingIsTold) {
  for (const char* path : {"/v1/channels", "/v1/channels/nobody", "/nowhere"}) {
    auto its = request("GET", path);
    its.headers.erase("Authorization");
    const auto missing = api.answer(its);
    EXPECT_EQ(missing.status, 401u) << path;
    EXPECT_EQ(missing.content_type, "application/problem+json");
    EXPECT_EQ(header(missing, "WWW-Authenticate"), "Bearer realm=\"channels\"");
    its.headers["authorization"] = "Bearer wrong";
    const auto wrong = api.answer(its);
    EXPECT_EQ(wrong.status, 401u) << path;
    EXPECT_EQ(header(wrong, "WWW-Authenticate"),
              "Bearer realm=\"channels\", error=\"invalid_token\"");
  }
}

TEST_F(ChannelApiTest, WhileOneTokenReplacesAnotherBothAreRight) {
  auto its = request("GET", "/v1/channels");
  for (const char* token : {"older", "right"}) {
    its.headers["Authorization"] = std::string{"Bearer "} + token;
    EXPECT_EQ(api.answer(its).status, 200u) << token;
  }
}

TEST_F(ImageFluxFace, AChannelIsMade) {
  const auto reply = ask_imageflux("ImageFlux_20180905.CreateChannel", kBody);
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(Json::parse(reply.body), Json::parse(R"({
    "channel_id":"channel-1",
    "sora_url":"wss://live.example.com/signaling",
    "playlist_url":"https://cdn.example.com/channel-1/main.m3u8",
    "whip_url":"https://live.example.com/v1/channels/channel-1/whip",
    "publish_token":"token-of-channel-1"})"));
  channels.has_sora = false;
  EXPECT_FALSE(Json::parse(ask_imageflux("ImageFlux_20180905.CreateChannel", kBody).body)
                   .contains("sora_url"));
}

TEST_F(ImageFluxFace, AnyVersionAndBothNamesMakeOne) {
  for (const char* target :
       {"ImageFlux_20200316.CreateChannel", "ImageFlux_20200316.CreateChannelWithHLS",
        "ImageFlux_20200316.CreateMultistreamChannelWithHLS", " ImageFlux_20180905.CreateChannel "})
    EXPECT_EQ(ask_imageflux(target, kBody).status, 200u) << target;
  EXPECT_EQ(channels.channels.size(), 4u);
}

TEST_F(ImageFluxFace, WhatNobodyKnowsIsNamed) {
  for (const char* target :
       {"CreateChannel", "ImageFlux_20180905", "ImageFlux_20180905.",
        "ImageFlux_2018090.CreateChannel", "ImageFlux_201809055.CreateChannel",
        "ImageFlux_2018o905.CreateChannel", "ImageFlux_20180905CreateChannel",
        "imageflux_20180905.CreateChannel", "ImageFlux_20180905.createchannel",
        "ImageFlux_20180905.CreateChannels", "Sora_20151104.DisconnectChannel"}) {
    const auto reply = ask_imageflux(target, kBody);
    EXPECT_EQ(reply.status, 400u) << target;
    EXPECT_EQ(Json::parse(reply.body)["error"],
              "The header X-Sora-Target is \"" + std::string{target} +
                  "\", but must be ImageFlux_YYYYMMDD. and one of CreateChannel, "
                  "CreateChannelWithHLS, CreateMultistreamChannelWithHLS, DeleteChannel, "
                  "ListChannelIDs, ListPlaylistURLs, GetEncryptKey, CreateArchiveDestination, "
                  "ListArchiveDestination, ListArchiveDestinations or DeleteArchiveDestination.");
  }
  EXPECT_EQ(Json::parse(ask("POST", "/", kBody).body)["error"].get<std::string>().find(
                "The header X-Sora-Target is missing; it must be ImageFlux_YYYYMMDD. and one of "),
            0u);
}

TEST_F(ImageFluxFace, WhatIsNotBuiltYetIsToldApart) {
  const auto reply = ask_imageflux("ImageFlux_20190205.CreateMultistreamChannel", "{}");
  EXPECT_EQ(reply.status, 501u);
  EXPECT_EQ(Json::parse(reply.body)["error"].get<std::string>().find(
                "This server does not do CreateMultistreamChannel yet, only CreateChannel, "),
            0u);
}

TEST_F(ImageFluxFace, KeysAreGivenToWhoGivesThemToPlayers) {
  const auto ask_for = [&](const char* body) {
    const auto reply = ask_imageflux("ImageFlux_20190610.GetEncryptKey", body);
    return std::to_string(reply.status) + ": " + reply.body;
  };
  EXPECT_EQ(ask_for(R"({"kid":"channel-1.check.0"})"),
            "200: {\"encrypt_key\":\"" + std::string(32, 'a') + "\"}");
  EXPECT_EQ(
      ask_for(R"({"kid":"channel-1.check.1"})"),
      R"(404: {"ok":false,"error":"\"channel-1.check.1\" is not the kid of a key that one of )"
      R"(this server's playlists names."})");
  EXPECT_EQ(
      ask_for(R"({"kid":"a key"})"),
      R"(400: {"ok":false,"error":"kid is \"a key\", but must be what a playlist says behind )"
      R"(kid=.","field":"kid"})");
}

TEST_F(ImageFluxFace, ItsErrorsAreWhatItsClientsLookFor) {
  const auto reply = ask_imageflux("ImageFlux_20180905.CreateChannel", R"({"hls":[]})");
  EXPECT_EQ(reply.status, 400u);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(Json::parse(reply.body),
            Json::parse(R"({"ok":false,"error":"hls has 0 renditions, but must have 1 to 16.",
              "field":"hls"})"));
}

TEST_F(ImageFluxFace, ChannelsAreListedAndDeleted) {
  EXPECT_EQ(ask_imageflux("ImageFlux_20200729.ListChannelIDs", "{}").body, R"({"channel_ids":[]})");
  ask_imageflux("ImageFlux_20180905.CreateChannel", kBody);
  ask_imageflux("ImageFlux_20180905.CreateChannel", kBody);
  EXPECT_EQ(ask_imageflux("ImageFlux_20200729.ListChannelIDs", "").body,
            R"({"channel_ids":["channel-1","channel-2"]})");
  const auto reply =
      ask_imageflux("ImageFlux_20180501.DeleteChannel", R"({"channel_id":"channel-1"})");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.body, R"({"ok":true})");
  EXPECT_EQ(ask_imageflux("ImageFlux_20200729.ListChannelIDs", "{}").body,
            R"({"channel_ids":["channel-2"]})");
}

TEST_F(ImageFluxFace, PlaylistsAreListedOncePublishersHaveCome) {
  ask_imageflux("ImageFlux_20180905.CreateChannel", kBody);
  const auto list = [&] {
    return ask_imageflux("ImageFlux_20200207.ListPlaylistURLs", R"({"channel_id":"channel-1"})")
        .body;
  };
  EXPECT_EQ(list(), R"({"channel_id":"channel-1","hls":[]})");
  channels.channels[0].playlists = {{"c1", "/hls/channel-1/main.m3u8"}};
  EXPECT_EQ(list(), R"({"channel_id":"channel-1","hls":[{"connection_id":"c1",)"
                    R"("playlist_url":"https://live.example.com/hls/channel-1/main.m3u8"}]})");
}

TEST_F(ImageFluxFace, OfSeveralPublishersThosePlaylistsAreListedThatHaveBegun) {
  const auto made =
      Json::parse(ask_imageflux("ImageFlux_20200316.CreateMultistreamChannelWithHLS", kMulti).body);
  EXPECT_FALSE(made.contains("playlist_url"));
  EXPECT_TRUE(made.contains("sora_url"));
  channels.channels[0].playlists = {connection("c1", ChannelState::Ended),
                                    connection("c2", ChannelState::Starting),
                                    connection("c3", ChannelState::Running)};
  const auto list = Json::parse(
      ask_imageflux("ImageFlux_20200207.ListPlaylistURLs", R"({"channel_id":"channel-1"})").body);
  ASSERT_EQ(list["hls"].size(), 2u);
  EXPECT_EQ(list["hls"][0]["connection_id"], "c1");
  EXPECT_EQ(list["hls"][1], Json::parse(R"({"connection_id":"c3",
    "playlist_url":"https://live.example.com/hls/channel-1-c3/master.m3u8"})"));
}

TEST_F(ImageFluxFace, DestinationsAreMadeListedAndDeleted) {
  EXPECT_EQ(ask_imageflux("ImageFlux_20190205.CreateArchiveDestination", kBucketRight).body,
            R"({"archive_destination_id":"destination-1"})");
  for (const char* name : {"ListArchiveDestination", "ListArchiveDestinations"})
    EXPECT_EQ(ask_imageflux(std::string{"ImageFlux_20190205."} + name, "{}").body,
              R"({"archive_destinations":[{"archive_destination_id":"destination-1",)"
              R"("bucket_uri":"s3://talks/2026"}]})");
  const auto remove = [&](const char* body) {
    return ask_imageflux("ImageFlux_20190205.DeleteArchiveDestination", body);
  };
  ask_imageflux("ImageFlux_20180905.CreateChannel",
                R"({"hls":[{"audio":{},"archive":{"archive_destination_id":"destination-1"}}]})");
  EXPECT_EQ(remove(R"({"archive_destination_id":"destination-1"})").status, 409u);
  channels.channels.clear();
  EXPECT_EQ(remove(R"({"archive_destination_id":"destination-1"})").body, R"({"ok":true})");
  EXPECT_EQ(remove(R"({"archive_destination_id":"destination-1"})").status, 404u);
  EXPECT_EQ(remove("{}").status, 400u);
  EXPECT_EQ(ask_imageflux("ImageFlux_20190205.CreateArchiveDestination", "{}").status, 400u);
}

TEST_F(ImageFluxFace, WhichChannelIsMeantIsSaidRight) {
  for (const char* name : {"DeleteChannel", "ListPlaylistURLs"}) {
    const auto target = std::string{"ImageFlux_20200207."} + name;
    const auto error = [&](const std::string& body) {
      const auto reply = ask_imageflux(target, body);
      return std::to_string(reply.status) + ": " +
             Json::parse(reply.body)["error"].get<std::string>();
    };
    EXPECT_EQ(error(R"({"channel_id":"nobody"})"), "404: There is no channel \"nobody\".");
    EXPECT_EQ(error("{}"),
              "400: channel_id is missing; it must be 1 to 128 letters, digits, '-' and '_'.");
    EXPECT_EQ(error(R"({"channel_id":5})"),
              "400: channel_id is 5, but must be 1 to 128 letters, digits, '-' and '_'.");
    EXPECT_EQ(error(R"({"channel_id":""})"),
              "400: channel_id is \"\", but must be 1 to 128 letters, digits, '-' and '_'.");
    EXPECT_EQ(error(R"({"channel_id":")" + std::string(128, 'x') + "\"}").find("404: "), 0u);
    EXPECT_EQ(error(R"({"channel_id":")" + std::string(129, 'x') + "\"}").find("400: "), 0u);
    EXPECT_EQ(error(R"({"channel_id":"a","id":"a"})"),
              "400: id is \"a\", but must be left out: there is no such field, only channel_id.");
    EXPECT_EQ(error("").find("400: The body is no JSON: "), 0u);
    EXPECT_EQ(error("[]"), "400: The body is [], but must be an object.");
  }
}

TEST_F(ImageFluxFace, ItsContentTypeIsNotLookedAt) {
  // Its clients send what they like.
  auto its = operation("ImageFlux_20180905.CreateChannel", kBody);
  its.headers["Content-Type"] = "application";
  EXPECT_EQ(api.answer(its).status, 200u);
}

TEST_F(ImageFluxFace, OnlyThoseWithATokenAreHeard) {
  auto its = operation("ImageFlux_20180905.CreateChannel", kBody);
  its.headers["Authorization"] = "Bearer wrong";
  const auto reply = api.answer(its);
  EXPECT_EQ(reply.status, 401u);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"ok":false,"error":"The token is none of this server's API tokens."})");
  EXPECT_EQ(header(reply, "WWW-Authenticate"),
            "Bearer realm=\"channels\", error=\"invalid_token\"");
  EXPECT_TRUE(channels.channels.empty());
}

TEST_F(ImageFluxFace, OnlyPostIsItsMethod) {
  const auto reply = ask("GET", "/");
  EXPECT_EQ(reply.status, 405u);
  EXPECT_EQ(header(reply, "Allow"), "POST");
}

}  // namespace
}  // namespace live::test
