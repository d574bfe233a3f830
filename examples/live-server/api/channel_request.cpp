// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channel_request.hpp"

#include <utility>

#include "api/http_url.hpp"

namespace live {
namespace {

constexpr Range kHold{0, 3600, "seconds"};
constexpr Range kTimeShift{0, 168, "hours"};

// An empty one is none, as ImageFlux has it.
constexpr TextRule kUrl{[](std::string_view text) { return text.empty() || is_http_url(text); },
                        kHttpUrl};

void read_url(JsonFields& fields, const char* name, std::optional<std::string>& to) {
  std::string url;
  fields.read(name, kUrl, url);
  if (!url.empty())
    to = std::move(url);
}

template <typename Value>
void write(Json& json, const char* name, const std::optional<Value>& value) {
  if (value)
    json[name] = *value;
}

}  // namespace

std::variant<ChannelRequest, FieldError> read_channel_request(std::string_view body) {
  const auto json = parse_json(body, "The body");
  if (const auto* why = std::get_if<std::string>(&json))
    return FieldError{{}, *why};
  ChannelRequest request;
  FieldError error;
  JsonFields fields{std::get<Json>(json), "", error};
  if (const auto* list = fields.find("hls")) {
    auto hls = read_hls_json(*list);
    if (auto* wrong = std::get_if<FieldError>(&hls))
      return std::move(*wrong);
    request.hls = std::get<HlsList>(std::move(hls));
  } else {
    fields.miss("hls", "a list of renditions");
  }
  read_url(fields, "encrypt_key_uri", request.encrypt_key_uri);
  read_url(fields, "auth_webhook_url", request.auth_webhook_url);
  read_url(fields, "event_webhook_url", request.event_webhook_url);
  fields.read("hold_seconds", kHold, request.hold_seconds);
  fields.read("time_shift_hours", kTimeShift, request.time_shift_hours);
  fields.read("low_latency", request.low_latency);
  if (const auto* rtp = fields.find("rtp"))
    request.rtp = read_rtp_request(*rtp, "rtp", error);
  fields.read("multi", request.is_multi);
  if (request.rtp && request.is_multi && !error)
    error = {"multi",
             "multi is true, but must be false where there is rtp: its ports take one publisher."};
  fields.pass_over(
      "environment", [](const Json& value) { return value == 0; },
      "0: this server is one environment");
  fields.end();
  if (error)
    return error;
  return request;
}

Json to_json(const ChannelRequest& request) {
  Json json{{"hls", to_json(request.hls)}};
  write(json, "encrypt_key_uri", request.encrypt_key_uri);
  write(json, "auth_webhook_url", request.auth_webhook_url);
  write(json, "event_webhook_url", request.event_webhook_url);
  write(json, "hold_seconds", request.hold_seconds);
  write(json, "time_shift_hours", request.time_shift_hours);
  write(json, "low_latency", request.low_latency);
  if (request.rtp)
    json["rtp"] = to_json(*request.rtp);
  if (request.is_multi)
    json["multi"] = true;
  return json;
}

}  // namespace live
