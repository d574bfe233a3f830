// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/rtp_request.hpp"

#include <limits>
#include <map>

#include "api/ip_address.hpp"

namespace live {
namespace {

constexpr WholeRange kPort{0, 65'535};
constexpr WholeRange kPayloadType{0, 127};
// Zero stands for none in elements.
constexpr WholeRange kSsrc{1, std::numeric_limits<unsigned>::max()};
constexpr TextRule kAddress{
    [](std::string_view text) { return text.empty() || IpAddress::parse(text).has_value(); },
    "an IP address"};

void read(JsonFields& fields, const char* name, const WholeRange& range,
          std::optional<unsigned>& to) {
  unsigned number = 0;
  if (!fields.find(name))
    return;
  fields.read(name, range, number);
  to = number;
}

std::optional<RtpRequest::Stream> read_stream(JsonFields& fields, const char* name,
                                              FieldError& error) {
  const auto* json = fields.find(name);
  if (!json)
    return std::nullopt;
  RtpRequest::Stream stream;
  JsonFields its{*json, fields.path_of(name), error};
  its.read("port", kPort, stream.port);
  read(its, "rtcp_port", kPort, stream.rtcp_port);
  read(its, "payload_type", kPayloadType, stream.payload_type);
  read(its, "ssrc", kSsrc, stream.ssrc);
  its.end();
  return stream;
}

// Each of the ports that are given is for one thing.
void compare_ports(const RtpRequest& request, const std::string& path, FieldError& error) {
  std::map<unsigned, std::string> users;
  const auto add = [&](const std::string& name, unsigned port) {
    const auto [first, is_new] = users.emplace(port, name);
    if (port != 0 && !is_new && !error)
      error = {name, name + " is " + std::to_string(port) + ", but must be another port than " +
                         first->second + "."};
  };
  const auto add_both = [&](const std::string& name,
                            const std::optional<RtpRequest::Stream>& stream) {
    if (!stream)
      return;
    add(name + ".port", stream->port);
    add(name + ".rtcp_port", stream->rtcp_port.value_or(0));
  };
  add_both(path + ".audio", request.audio);
  add_both(path + ".video", request.video);
}

void write(Json& json, const char* name, const std::optional<unsigned>& value) {
  if (value)
    json[name] = *value;
}

}  // namespace

RtpRequest read_rtp_request(const Json& json, const std::string& path, FieldError& error) {
  RtpRequest request;
  JsonFields fields{json, path, error};
  request.audio = read_stream(fields, "audio", error);
  request.video = read_stream(fields, "video", error);
  fields.read("from", kAddress, request.from);
  fields.end();
  if (!request.audio && !request.video && !error)
    error = {path, path + " has neither audio nor video, but must have one of them, or both."};
  compare_ports(request, path, error);
  return request;
}

Json to_json(const RtpRequest& request) {
  auto json = Json::object();
  for (const auto& [name, stream] : {std::pair{"audio", &request.audio}, {"video", &request.video}})
    if (*stream) {
      Json its{{"port", (*stream)->port}};
      write(its, "rtcp_port", (*stream)->rtcp_port);
      write(its, "payload_type", (*stream)->payload_type);
      write(its, "ssrc", (*stream)->ssrc);
      json[name] = std::move(its);
    }
  if (!request.from.empty())
    json["from"] = request.from;
  return json;
}

Json to_json(const RtpPorts& ports) {
  auto json = Json::object();
  if (ports.audio != 0)
    json["audio"]["port"] = ports.audio;
  if (ports.audio_rtcp != 0)
    json["audio"]["rtcp_port"] = ports.audio_rtcp;
  if (ports.video != 0)
    json["video"]["port"] = ports.video;
  if (ports.video_rtcp != 0)
    json["video"]["rtcp_port"] = ports.video_rtcp;
  return json;
}

RtpPorts read_rtp_ports(const Json& json) {
  const auto audio = json.value("audio", Json::object());
  const auto video = json.value("video", Json::object());
  return {.audio = audio.value("port", 0u),
          .audio_rtcp = audio.value("rtcp_port", 0u),
          .video = video.value("port", 0u),
          .video_rtcp = video.value("rtcp_port", 0u)};
}

}  // namespace live
