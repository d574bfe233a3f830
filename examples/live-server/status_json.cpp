// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_json.hpp"

namespace live {

Json to_json(const Channel::Status& status) {
  auto streams = Json::object();
  for (const auto& stream : status.streams)
    streams[stream.kind] = {{"buffer_ms", stream.buffer_ms},
                            {"lost", stream.lost},
                            {"repaired", stream.repaired},
                            {"late", stream.late}};
  auto segments = Json::object();
  constexpr double kMs = 1e6;
  auto latency = Json::object();
  if (const auto& made = status.output) {
    segments = {{"begun", made->begun},
                {"missed", made->missed},
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
  return {{"state", to_string(status.state)},
          {"broadcast", status.broadcasts},
          {"streams", streams},
          {"segments", segments},
          {"latency", latency},
          {"renditions", renditions},
          {"message", status.message}};
}

}  // namespace live
