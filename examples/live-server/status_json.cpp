// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_json.hpp"

namespace live {

constexpr double kMs = 1e6;

Json to_json(const Channel::Status& status) {
  auto streams = Json::object();
  for (const auto& stream : status.streams) {
    auto& json = streams[stream.kind];
    json = {{"buffer_ms", stream.buffer_ms},
            {"lost", stream.lost},
            {"repaired", stream.repaired},
            {"late", stream.late}};
    if (stream.decoded_ns)
      json["decoded_ms"] = static_cast<double>(*stream.decoded_ns) / kMs;
    if (stream.encoded_ns)
      json["encoded_ms"] = static_cast<double>(*stream.encoded_ns) / kMs;
  }
  auto alignment = Json::object();
  if (const auto& found = status.alignment)
    alignment = {{"source", found->source},
                 {"lag_ms", static_cast<double>(found->lag_ns) / kMs},
                 {"confidence_ms", static_cast<double>(found->confidence_ns) / kMs}};
  auto segments = Json::object();
  auto latency = Json::object();
  if (const auto& made = status.output) {
    segments = {{"begun", made->begun},
                {"missed", made->missed},
                {"seconds", static_cast<double>(made->duration_ns) / 1e9},
                {"bytes", made->bytes},
                {"error_ms", static_cast<double>(made->error_ns) / kMs},
                {"worst_error_ms", static_cast<double>(made->worst_error_ns) / kMs}};
    latency = {{"parts", made->parts},
               {"delay_ms", static_cast<double>(made->delay_ns) / kMs},
               {"worst_delay_ms", static_cast<double>(made->worst_delay_ns) / kMs}};
  }
  auto renditions = Json::array();
  for (const auto& encoding : status.renditions) {
    auto rendition = Json::object();
    if (encoding)
      rendition["video"] = {
          {"encoder", encoding->encoder}, {"fps", encoding->fps}, {"dropped", encoding->dropped}};
    renditions.push_back(std::move(rendition));
  }
  Json json{
      {"state", to_string(status.state)}, {"broadcast", status.broadcasts}, {"streams", streams},
      {"alignment", alignment},           {"segments", segments},           {"latency", latency},
      {"renditions", renditions},         {"message", status.message}};
  if (status.is_full)
    json["full"] = true;
  return json;
}

}  // namespace live
