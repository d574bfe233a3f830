// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/metrics.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace live {
namespace {

// The text format 0.0.4, as strictly as it is described: HELP and TYPE in front of the samples of a family, families and
// series once each, values that are numbers, counters that end in _total and are not negative.
using Samples = std::map<std::string, double>;

Samples parsed(const std::string& text) {
  static const std::regex kHelp{R"(# HELP ([a-z_]+) \S.*)"};
  static const std::regex kType{R"(# TYPE ([a-z_]+) (counter|gauge))"};
  static const std::regex kSample{
      R"(([a-z_]+)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (\S+))"};
  EXPECT_TRUE(text.ends_with('\n'));
  Samples samples;
  std::set<std::string> families;
  std::string name;
  std::string type;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      name = match[1];
      type.clear();
      EXPECT_TRUE(families.insert(name).second) << "twice: " << name;
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_EQ(match[1], name) << line;
      type = match[2];
      EXPECT_EQ(name.ends_with("_total"), type == "counter") << line;
    } else if (std::regex_match(line, match, kSample)) {
      EXPECT_EQ(match[1], name) << line;
      EXPECT_NE(type, "") << line;
      char* end = nullptr;
      const auto number = match[4].str();
      const double value = std::strtod(number.c_str(), &end);
      EXPECT_TRUE(*end == '\0' && std::isfinite(value)) << line;
      EXPECT_TRUE(type == "gauge" || value >= 0) << line;
      EXPECT_TRUE(samples.emplace(match[1].str() + match[2].str(), value).second) << line;
    } else {
      ADD_FAILURE() << "neither comment nor sample: " << line;
    }
  }
  return samples;
}

std::optional<double> value_of(const Samples& samples, const std::string& series) {
  const auto found = samples.find(series);
  return found == samples.end() ? std::nullopt : std::optional{found->second};
}

ChannelInfo channel(const std::string& id, ChannelState state, Json stats = Json::object()) {
  ChannelInfo info;
  info.id = id;
  info.state = state;
  info.stats = std::move(stats);
  return info;
}

Json running() {
  return Json::parse(R"({"state":"live","broadcast":2,
    "streams":{"audio":{"buffer_ms":40,"lost":1,"repaired":2,"late":3},
               "video":{"buffer_ms":120,"lost":4,"repaired":5,"late":6}},
    "segments":{"begun":9,"missed":0,"error_ms":-1.5,"worst_error_ms":12},
    "latency":{"parts":54,"delay_ms":3.25,"worst_delay_ms":20},
    "renditions":[{"video":{"encoder":"x264enc","fps":30,"dropped":7}},{}],"message":"x"})");
}

TEST(Metrics, AServerThatHasDoneNothingTellsSo) {
  const auto samples = parsed(Metrics{}.text({}));
  EXPECT_EQ(value_of(samples, "onair_worker_starts_total"), 0);
  EXPECT_EQ(value_of(samples, "onair_publishers_refused_total{reason=\"busy\"}"), 0);
  EXPECT_EQ(value_of(samples, "onair_channels{state=\"idle\"}"), 0);
  EXPECT_FALSE(value_of(samples, "onair_channel_parts_total{channel=\"a\"}"));
}

TEST(Metrics, ChannelsAreCountedByTheirStates) {
  const auto samples = parsed(Metrics{}.text(
      {.channels = {channel("a", ChannelState::Running), channel("b", ChannelState::Running),
                    channel("c", ChannelState::Ended)},
       .workers = 2,
       .webhooks_waiting = 5,
       .process = {}}));
  EXPECT_EQ(value_of(samples, "onair_channels{state=\"running\"}"), 2);
  EXPECT_EQ(value_of(samples, "onair_channels{state=\"ended\"}"), 1);
  EXPECT_EQ(value_of(samples, "onair_channels{state=\"idle\"}"), 0);
  EXPECT_EQ(value_of(samples, "onair_publishers"), 2);
  EXPECT_EQ(value_of(samples, "onair_workers"), 2);
  EXPECT_EQ(value_of(samples, "onair_webhooks_waiting"), 5);
}

TEST(Metrics, TheOriginTellsWhatItIsAskedFor) {
  const auto samples = parsed(Metrics{}.text({.channels = {},
                                              .process = {},
                                              .origin = {.connections = 7,
                                                         .waiting = 6,
                                                         .requests = 5,
                                                         .bytes = 4'000'000'000'000,
                                                         .not_modified = 3,
                                                         .client_errors = 2,
                                                         .server_errors = 1}}));
  const auto figure = [&](const std::string& name) {
    return value_of(samples, "onair_hls_" + name);
  };
  EXPECT_EQ(figure("connections"), 7);
  EXPECT_EQ(figure("requests_waiting"), 6);
  EXPECT_EQ(figure("requests_total"), 5);
  EXPECT_EQ(figure("sent_bytes_total"), 4e12);
  EXPECT_EQ(figure("not_modified_total"), 3);
  EXPECT_EQ(figure("errors_total{kind=\"client\"}"), 2);
  EXPECT_EQ(figure("errors_total{kind=\"server\"}"), 1);
}

TEST(Metrics, FiguresOfAChannelHaveItsNameAndSecondsAsTheirUnit) {
  const auto samples = parsed(Metrics{}.text(
      {.channels = {channel("a", ChannelState::Running, running())}, .process = {}}));
  const auto figure = [&](const std::string& name, const std::string& more = "") {
    return value_of(samples, "onair_channel_" + name + "{channel=\"a\"" + more + "}");
  };
  EXPECT_EQ(figure("buffer_target_seconds", ",kind=\"video\""), 0.12);
  EXPECT_EQ(figure("packets_lost_total", ",kind=\"audio\""), 1);
  EXPECT_EQ(figure("packets_late_total", ",kind=\"video\""), 6);
  EXPECT_EQ(figure("segments_total"), 9);
  EXPECT_EQ(figure("segments_missed_total"), 0);
  EXPECT_EQ(figure("segment_error_seconds"), -0.0015);
  EXPECT_EQ(figure("part_delay_seconds"), 0.00325);
  EXPECT_EQ(figure("rendition_frames_dropped_total", ",rendition=\"0\""), 7);
  EXPECT_FALSE(figure("rendition_frames_dropped_total", ",rendition=\"1\"")) << "it has no picture";
}

TEST(Metrics, ConnectionsOfOneChannelAreToldApart) {
  auto multi = channel("a", ChannelState::Running);
  multi.request.is_multi = true;
  for (const auto& [id, state] : {std::pair{"c1", ChannelState::Running},
                                  {"c2", ChannelState::Running},
                                  {"c3", ChannelState::Ended}})
    multi.playlists.push_back(
        {.connection_id = id,
         .state = state,
         .stats = state == ChannelState::Running ? running() : Json::object()});
  const auto samples = parsed(Metrics{}.text(
      {.channels = {multi, channel("b", ChannelState::Running, running())}, .process = {}}));
  EXPECT_EQ(value_of(samples, "onair_channels{state=\"running\"}"), 2);
  EXPECT_EQ(value_of(samples, "onair_publishers"), 3);
  for (const auto* labels :
       {"channel=\"a\",connection=\"c1\"", "channel=\"a\",connection=\"c2\"", "channel=\"b\""})
    EXPECT_EQ(value_of(samples, "onair_channel_segments_total{" + std::string{labels} + "}"), 9)
        << labels;
  EXPECT_FALSE(value_of(samples, "onair_channel_segments_total{channel=\"a\",connection=\"c3\"}"));
}

TEST(Metrics, AChannelThatIsDeletedHasNoSeries) {
  const Metrics metrics;
  Metrics::Now now{.channels = {channel("a", ChannelState::Running, running())}, .process = {}};
  EXPECT_TRUE(metrics.text(now).find("channel=\"a\"") != std::string::npos);
  now.channels.clear();
  EXPECT_TRUE(metrics.text(now).find("channel=\"a\"") == std::string::npos);
}

TEST(Metrics, WhatAWorkerSaysInOtherTypesIsLeftOut) {
  for (
      const char* stats :
      {"null", "[]", R"({"streams":[1],"segments":7,"latency":null,"renditions":{"a":"b"}})",
       R"({"streams":{"audio":"loud","video":{"lost":"many"}},"segments":[],"renditions":[1,{"video":2}]})"}) {
    const auto samples = parsed(Metrics{}.text(
        {.channels = {channel("a", ChannelState::Running, Json::parse(stats))}, .process = {}}));
    for (const auto& [name, value] : samples)
      EXPECT_FALSE(name.starts_with("onair_channel_")) << name << " of " << stats;
  }
}

TEST(Metrics, RequestsAreCountedByWhatTheyAreForAndNotByWhatTheySay) {
  Metrics metrics;
  metrics.on_request("GET", "/v1/channels/abc", 200);
  metrics.on_request("GET", "/v1/channels/def", 200);
  metrics.on_request("POST", "/", 400);
  metrics.on_request("GET", "/", 200);
  metrics.on_request("GET", "/.env", 404);
  const auto samples = parsed(metrics.text({}));
  const auto requests = [&](const std::string& route, const std::string& code) {
    return value_of(samples,
                    "onair_http_requests_total{code=\"" + code + "\",route=\"" + route + "\"}");
  };
  EXPECT_EQ(requests("api", "200"), 2);
  EXPECT_EQ(requests("api", "400"), 1);
  EXPECT_EQ(requests("page", "200"), 1);
  EXPECT_EQ(requests("other", "404"), 1);
}

TEST(Metrics, RoutesAreToldApart) {
  EXPECT_EQ(route_of("POST", "/v1/channels/a/whip"), Route::Whip);
  EXPECT_EQ(route_of("PATCH", "/v1/channels/a/whip/session"), Route::Whip);
  EXPECT_EQ(route_of("POST", "/v1/channels/a/whipped"), Route::Api);
  EXPECT_EQ(route_of("GET", "/v1/channels/a/events"), Route::Events);
  EXPECT_EQ(route_of("GET", "/v1/events"), Route::Events);
  EXPECT_EQ(route_of("GET", "/v1/openapi.json"), Route::Api);
  EXPECT_EQ(route_of("GET", "/metrics"), Route::Metrics);
  EXPECT_EQ(route_of("GET", "/readyz"), Route::Health);
  EXPECT_EQ(route_of("GET", "/channels/a/watch"), Route::Page);
  EXPECT_EQ(route_of("GET", "/v1"), Route::Other);
}

TEST(Metrics, OnlyWhoWantsToPublishIsRefused) {
  Metrics metrics;
  metrics.on_request("POST", "/v1/channels/a/whip", 201);
  metrics.on_request("POST", "/v1/channels/a/whip", 401);
  metrics.on_request("POST", "/v1/channels/a/whip", 409);
  metrics.on_request("POST", "/v1/channels/a/whip", 409);
  metrics.on_request("DELETE", "/v1/channels/a/whip/session", 401);
  metrics.on_request("GET", "/v1/channels", 401);
  const auto samples = parsed(metrics.text({}));
  EXPECT_EQ(value_of(samples, "onair_publishers_refused_total{reason=\"token\"}"), 1);
  EXPECT_EQ(value_of(samples, "onair_publishers_refused_total{reason=\"busy\"}"), 2);
  EXPECT_EQ(value_of(samples, "onair_publishers_refused_total{reason=\"offer\"}"), 0);
}

TEST(Metrics, EventsAreCounted) {
  Metrics metrics;
  metrics.on(Metrics::Event::WorkerStarted);
  metrics.on(Metrics::Event::WorkerStarted);
  metrics.on(Metrics::Event::WorkerCrashed);
  metrics.on(Metrics::Event::WebhookLost);
  const auto samples = parsed(metrics.text({}));
  EXPECT_EQ(value_of(samples, "onair_worker_starts_total"), 2);
  EXPECT_EQ(value_of(samples, "onair_worker_crashes_total"), 1);
  EXPECT_EQ(value_of(samples, "onair_webhook_lost_total"), 1);
  EXPECT_EQ(value_of(samples, "onair_webhook_deliveries_total"), 0);
}

TEST(Metrics, ThisProcessIsMeasured) {
  const auto before = own_process();
  const int fd = ::dup(STDERR_FILENO);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(own_process().open_files, before.open_files + 1);
  ::close(fd);
  EXPECT_EQ(own_process().open_files, before.open_files);
  EXPECT_GE(before.most_files, before.open_files);
  EXPECT_GT(before.resident_bytes, 1u << 20) << "a program with its libraries";
  EXPECT_LT(before.resident_bytes, std::uint64_t{1} << 40);
  const auto now = static_cast<double>(::time(nullptr));
  EXPECT_LE(before.start_seconds, now + 1);
  EXPECT_GT(before.start_seconds, now - 3600) << "it was started for this test";
}

}  // namespace
}  // namespace live
